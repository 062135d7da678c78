import { explorePictures } from './explore/explore-pictures.ts';
import { PAINTING_PROCESS } from './screen/painting-process.ts';

process.exitCode = await explorePictures(process.argv.slice(2), PAINTING_PROCESS);
