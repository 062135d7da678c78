import { explainReference } from './explanation/explain-reference.ts';
import { PROCESS } from './screen/program.ts';

process.exitCode = await explainReference(process.argv.slice(2), PROCESS);
