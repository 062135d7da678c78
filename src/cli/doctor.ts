import { type Config, loadConfig, loadEnvFile } from '../config.ts';
import { readDriver } from '../engine/devices.ts';
import { checkDiscord } from './doctor/discord.ts';
import { type Finding, guarded, stops } from './doctor/finding.ts';
import { checkFolders } from './doctor/folders.ts';
import { checkDisk, checkMemory, checkNode, checkRuntime } from './doctor/machine.ts';
import { checkModels, lookAtModels } from './doctor/models.ts';
import { checkCuda, checkDevices } from './doctor/painting.ts';
import { checkQueue } from './doctor/queue.ts';
import { checkPorts } from './doctor/ports.ts';
import { isFit, type Report, reportAsJson, reportInWords } from './doctor/report.ts';
import { complain, EXIT } from './screen/program.ts';
import { parseOptions } from './arguments/command-line.ts';

const HELP = `Looks for what stops this machine from painting, and names the line that mends it.

  npm run -s doctor [-- options]

  --json      one JSON object on stdout: { ok, seconds, findings: [{ check, level, said, mend, facts }] }
  --offline   asks no Discord

It paints a few steps on every device, in a process of its own, compares memory with what each model needs, reads which
libraries the GPU's provider needs, and asks Discord about the token, the servers and the permissions in their channels.
It may run beside the bot and changes nothing.

Exit status: 0 it paints (there may be warnings), 1 something stops it from painting, 2 bad arguments.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const began = performance.now();
  let values: ReturnType<typeof readArguments>;
  try {
    values = readArguments(args);
  } catch (error) {
    return complain(error);
  }
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.done;
  }
  const findings = await examine(values.offline);
  const report: Report = { findings, seconds: (performance.now() - began) / 1000 };
  process.stdout.write(values.json ? `${reportAsJson(report)}\n` : reportInWords(report));
  return isFit(report) ? EXIT.done : EXIT.failed;
}

function readArguments(args: string[]) {
  const options = {
    json: { type: 'boolean', default: false },
    offline: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseOptions(args, options);
}

async function examine(isOffline: boolean): Promise<Finding[]> {
  const node = checkNode();
  let config: Config;
  try {
    loadEnvFile();
    config = loadConfig();
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
