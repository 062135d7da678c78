import path from 'node:path';
import type { Config } from '../../config.ts';
import { costAmong } from '../../engine/request/cost.ts';
import { UserError } from '../../engine/errors.ts';
import { openUpscalers } from '../../engine/upscalers.ts';
import type { Log } from '../../log.ts';
import { startMonitoring } from '../../monitoring.ts';
import { openPictures } from '../../queue/open-pictures.ts';
import { isShared, openQueue } from '../../queue/queue.ts';
import { asOneEngine, startDevices } from '../../runner/devices.ts';
import { logJob } from '../../runner/job-log.ts';
import { type RunnerOptions, startRunner, workerName } from '../../runner/runner.ts';
import { type Reporting, startReporting } from '../../runner/workers.ts';
import { tellAtStart } from '../doctor/at-start.ts';

/** What has been opened, to be closed in the opposite order. */
export type Part = { name: string; close: () => unknown };

/**
 * Starts what paints for a bot elsewhere, and says when it is ready; what it opens it puts into `open`.
 * @throws UserError what the configuration lacks
 */
export async function startWorker(config: Config, log: Log, open: Part[]): Promise<void> {
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
