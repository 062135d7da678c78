import { moveQueue } from './data/move-queue.ts';
import { PROCESS } from './screen/program.ts';

process.umask(0o077);
process.exitCode = await moveQueue(process.argv.slice(2), PROCESS);
