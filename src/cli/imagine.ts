import { startEngine } from '../engine/engine.ts';
import { paintPictures } from './imagine/paint-pictures.ts';
import { LOG } from './screen/program.ts';

process.exitCode = await paintPictures(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  openEngine: (config) => startEngine(config, LOG),
});
