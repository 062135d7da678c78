import { loadEnvFile } from '../config.ts';
import { moveQueue } from './data/move-queue.ts';
import { PROCESS } from './screen/program.ts';

// Stores are named by its words alone, and may still have variables of their own there.
loadEnvFile();
process.umask(0o077);
process.exitCode = await moveQueue(process.argv.slice(2), PROCESS);
