import { startEngine } from '../../engine/engine.ts';
import { logTo, type PaintingProgram, PROCESS } from './program.ts';

/** The process itself, of a command that paints: the others do not load the engine. */
export const PAINTING_PROCESS: PaintingProgram = {
  ...PROCESS,
  openEngine: (config, log = logTo(PROCESS.stderr)) => startEngine(config, log),
};
