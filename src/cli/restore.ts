import { bringBack } from './data/restore-command.ts';
import { PROCESS } from './screen/program.ts';

process.umask(0o077);
process.exitCode = await bringBack(process.argv.slice(2), PROCESS);
