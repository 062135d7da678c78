import { paintPictures } from './imagine/paint-pictures.ts';
import { PAINTING_PROCESS } from './screen/painting-process.ts';

process.exitCode = await paintPictures(process.argv.slice(2), PAINTING_PROCESS);
