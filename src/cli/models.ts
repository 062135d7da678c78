import { manageModels } from './models/manage-models.ts';
import { PAINTING_PROCESS } from './screen/painting-process.ts';

process.exitCode = await manageModels(process.argv.slice(2), PAINTING_PROCESS);
