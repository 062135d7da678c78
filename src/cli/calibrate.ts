import { calibrateSamplers } from './calibration/calibrate-samplers.ts';
import { PAINTING_PROCESS } from './screen/painting-process.ts';

process.exitCode = await calibrateSamplers(process.argv.slice(2), PAINTING_PROCESS);
