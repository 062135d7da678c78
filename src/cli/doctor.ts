import { examineMachine } from './doctor/examine-machine.ts';
import { PROCESS } from './screen/program.ts';

process.exitCode = await examineMachine(process.argv.slice(2), PROCESS);
