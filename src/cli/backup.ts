import os from 'node:os';
import { backUp } from './data/backup-command.ts';
import { PROCESS } from './screen/program.ts';

// A bot that paints beside it comes first.
os.setPriority(os.constants.priority.PRIORITY_LOW);
process.umask(0o077);
process.exitCode = await backUp(process.argv.slice(2), PROCESS);
