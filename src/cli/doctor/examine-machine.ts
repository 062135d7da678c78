import type { Config } from '../../config.ts';
import { readDriver } from '../../engine/devices.ts';
import { checkDiscord } from './discord.ts';
import { type Finding, guarded, stops } from './finding.ts';
import { checkFolders } from './folders.ts';
import { checkDisk, checkMemory, checkNode, checkRuntime } from './machine.ts';
import { checkModels, lookAtModels } from './models.ts';
import { checkCuda, checkDevices } from './painting.ts';
import { checkQueue } from './queue.ts';
import { checkPorts } from './ports.ts';
import { isFit, type Report, reportAsJson, reportInWords } from './report.ts';
import { complain, EXIT, type Program } from '../screen/program.ts';
import { parseOptions } from '../arguments/command-line.ts';

const HELP = `Looks for what stops this machine from painting, and names the line that mends it.

  npm run -s doctor [-- options]

  --json      one JSON object on stdout: { ok, seconds, findings: [{ check, level, said, mend, facts }] }
  --offline   asks no Discord

It paints a few steps on every device, in a process of its own, compares memory with what each model needs, reads which
libraries the GPU's provider needs, and asks Discord about the token, the servers and the permissions in their channels.
It may run beside the bot and changes nothing.

Exit status: 0 it paints (there may be warnings), 1 something stops it from painting, 2 bad arguments.
`;

/** Tells what stops this machine from painting; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function examineMachine(args: readonly string[], program: Program): Promise<number> {
  const began = performance.now();
  let values: ReturnType<typeof readArguments>;
  try {
    values = readArguments(args);
  } catch (error) {
    return complain(error, program.stderr);
  }
  if (values.help) {
    program.stdout.write(HELP);
    return EXIT.done;
  }
  const findings = await examine(values.offline, program);
  const report: Report = { findings, seconds: (performance.now() - began) / 1000 };
  program.stdout.write(values.json ? `${reportAsJson(report)}\n` : reportInWords(report));
  return isFit(report) ? EXIT.done : EXIT.failed;
}

function readArguments(args: readonly string[]) {
  const options = {
    json: { type: 'boolean', default: false },
    offline: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseOptions(args, options);
}

async function examine(isOffline: boolean, program: Program): Promise<Finding[]> {
  const node = checkNode();
  let config: Config;
  try {
    config = program.readConfig();
  } catch (error) {
    const [, ...mistakes] = (error as Error).message.split(/\s*\n\s*/);
    const sentences = mistakes.length > 0 ? mistakes : [(error as Error).message];
    return [...node, ...sentences.map((said) => stops('configuration', said))];
  }
  const runtime = await guarded('runtime', () =>
    checkRuntime(config.childEnvironment['LD_LIBRARY_PATH'] ?? ''),
  );
  // Discord answers while the devices paint; what is measured here has the machine for itself.
  const asked = isOffline ? Promise.resolve([]) : guarded('token', () => checkDiscord(config));
  const queue = guarded('queue', () => checkQueue(config));
  const [shelf, driver] = [await lookAtModels(config.modelsDir), await readDriver()];
  const weights = 'error' in shelf ? [] : shelf.weights;
  return [
    ...node,
    ...runtime,
    // Without its libraries ONNX Runtime is not even opened.
    ...(runtime.length > 0
      ? []
      : await guarded('devices', () => checkDevices(config, null), stops)),
    ...(await guarded('cuda', () => checkCuda(config, driver))),
    ...(await guarded('memory', () => checkMemory(weights, driver))),
    ...(await guarded('disk', () => checkDisk(config))),
    ...(await guarded('data folder', () => checkFolders(config))),
    ...(await guarded('ports', () => checkPorts(config))),
    ...checkModels(shelf, config.modelsDir),
    ...(await queue),
    ...(await asked),
  ];
}
