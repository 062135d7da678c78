import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig, loadEnvFile } from '../config.ts';
import { costAmong } from '../engine/request/cost.ts';
import { UserError } from '../engine/errors.ts';
import { openUpscalers } from '../engine/upscalers.ts';
import { createLog, type Log } from '../log.ts';
import { asOneEngine, startDevices } from '../runner/devices.ts';
import { openPictures } from '../queue/open-pictures.ts';
import { isShared, openQueue } from '../queue/queue.ts';
import { tellAtStart } from './doctor/at-start.ts';
import { logJob } from '../runner/job-log.ts';
import { type RunnerOptions, startRunner, workerName } from '../runner/runner.ts';
import { type Reporting, startReporting } from '../runner/workers.ts';
import { startMonitoring } from '../monitoring.ts';

const HELP = `Paints for a bot that runs elsewhere: takes jobs from the queue that both share.

  QUEUE_URL=redis://host:6379 PICTURES_URL=… npm run -s worker

Variables (or lines of a .env file):
  QUEUE_URL       the queue, as the bot has it: redis://… or rediss://…
  PICTURES_URL    where pictures are kept: the bot's store (http://:secret@host:port), a folder that both see, or a bucket
                  (s3://KEY:SECRET@host/bucket)
  MODELS_DIR      one folder a model; a job whose model is not here goes to another worker
  DEVICES, DEVICE, MODEL_CACHE_MB, STEP_DEADLINE_SECONDS, LOG_LEVEL, METRICS_PORT, METRICS_HOST   as for the bot

It needs no Discord token and no open port. Ctrl-C ends the current step and hands the job back.
`;

type Part = { name: string; close: () => unknown };

async function start(log: Log, open: Part[]): Promise<void> {
  const config = loadConfig();
  const { queueUrl, picturesUrl } = config;
  if (queueUrl === null || !isShared(queueUrl)) {
    throw new UserError(
      'A worker needs the queue that it shares with the bot: set QUEUE_URL, e.g. redis://host:6379.',
    );
  }
  if (config.devices?.length === 0) {
    throw new UserError('A worker paints: DEVICES=none is for a bot without an engine.');
  }
  if (picturesUrl === null) {
    throw new UserError(
      'A worker needs the place where the bot finds its pictures: set PICTURES_URL to the bot’s store ' +
        '(http://:secret@host:port) or to a folder that both see.',
    );
  }
  const onClose = (name: string, close: () => unknown) => void open.push({ name, close });
  const monitoring = await startMonitoring(config, 'worker', log, onClose);
  const { monitor } = monitoring;
  let reporting: Reporting | null = null;
  const elsewhere = (model: string | null) => reporting?.paintsElsewhere(model) ?? false;
  const devices = await startDevices({ ...config, hidesPaths: true }, log, elsewhere);
  const engine = asOneEngine(devices);
  open.push({ name: 'engine', close: () => engine.close() });
  const pictures = await openPictures(picturesUrl);
  const queue = await openQueue({
    url: queueUrl,
    costOf: async (request) => costAmong(request, await engine.models().catch(() => [])),
    limits: { waitingPerUser: config.waitingPerUser, waitingPerGuild: config.waitingPerGuild },
    pictures,
    log,
  });
  open.push({ name: 'queue', close: () => queue.close() });
  const { workers, events } = queue;
  reporting = await startReporting({ workers, name: workerName(), devices, log });
  const { close: leave } = reporting;
  open.push({ name: 'reporting', close: () => leave() });
  const upscalers = openUpscalers(path.join(config.modelsDir, 'upscalers'));
  open.push({ name: 'upscalers', close: () => upscalers.close() });
  const models = () => engine.models();
  monitor?.add({ devices, engine, line: queue.line });
  const onEnd: RunnerOptions['onEnd'] = (job, outcome) => logJob(job, outcome, log);
  const told = { onEnd, ...(monitor && { onPainted: monitor.painted }) };
  const runner = startRunner({
    queue,
    events,
    devices,
    pictures,
    upscalers,
    log,
    models,
    ...told,
  });
  open.push({ name: 'runner', close: () => runner.close() });
  const names = devices.map(({ name }) => name);
  log.info({ worker: workerName(), devices: names }, 'this worker is ready');
  void tellAtStart(config, { devices: names, asksDiscord: false, log });
  monitoring.ready(devices);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(HELP);
  loadEnvFile();
  const log = createLog(loadConfig());
  const open: Part[] = [];
  let closing = false;

  async function closeAll(): Promise<void> {
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      try {
        await part.close();
      } catch (error) {
        log.error({ err: error }, `closing the ${part.name} failed`);
      }
    }
  }

  const stop = (signal: string): void => {
    if (closing) return;
    closing = true;
    log.info({ signal }, 'closing: the current step ends, its job goes back to the line');
    void closeAll().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'a promise was rejected unheard'),
  );
  try {
    await start(log, open);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

try {
  await main();
} catch (error) {
  const inWords =
    error instanceof UserError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  console.error(inWords ? (error as Error).message : error);
  process.exit(error instanceof UserError ? 2 : 1);
}
