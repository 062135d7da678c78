import path from 'node:path';
import type { Config } from './config.ts';
import type { Engine } from './engine/engine.ts';
import { costAmong } from './engine/request/cost.ts';
import { needsOf } from './engine/request/needs.ts';
import type { Log } from './log.ts';
import { openPictures } from './queue/open-pictures.ts';
import { servePictures } from './queue/pictures/pictures-http.ts';
import { measured } from './queue/pictures/measured.ts';
import { openPictureStore } from './queue/pictures.ts';
import { isShared, openQueue } from './queue/queue.ts';
import { asOneEngine, startDevices } from './runner/devices.ts';
import { workerName } from './runner/runner.ts';
import { type Reporting, startReporting, withWorkers } from './runner/workers.ts';
import type { OnClose } from './monitoring.ts';

/** Whether other programs paint from this one's line. */
export const isSharing = ({ queueUrl }: Config): boolean => queueUrl !== null && isShared(queueUrl);

/** What paints, the line it paints from, and where its pictures go. */
export async function openPainting(config: Config, log: Log, onClose: OnClose) {
  const { queueUrl, picturesUrl, picturesServed } = config;
  let reporting: Reporting | null = null;
  const elsewhere = (model: string | null) => reporting?.paintsElsewhere(model) ?? false;
  const devices = await startDevices({ ...config, hidesPaths: true }, log, elsewhere);
  const own = devices.length === 0 ? null : asOneEngine(devices);
  onClose('engine', () => own?.close());
  if (own !== null) await tellOfModels(own, config.modelsDir, log);
  const pictures = measured(
    picturesUrl === null
      ? await openPictureStore(path.join(config.dataDir, 'pictures'))
      : await openPictures(picturesUrl),
  );
  if (picturesServed !== null) {
    const lent = await servePictures({ store: pictures, ...picturesServed, log });
    onClose('pictures for workers', () => lent.close());
  }
  let engine = own;
  const queue = await openQueue({
    url: queueUrl ?? `sqlite:${path.join(config.dataDir, 'queue.db')}`,
    costOf: async (request) => costAmong(request, (await engine?.models().catch(() => [])) ?? []),
    needsOf: async (request) => needsOf(request, (await engine?.models().catch(() => [])) ?? []),
    limits: { waitingPerUser: config.waitingPerUser, waitingPerGuild: config.waitingPerGuild },
    pictures,
    log,
  });
  onClose('queue', () => queue.close());
  if (own !== null && !isSharing(config)) return { devices, engine: own, queue, pictures };
  const { workers } = queue;
  const name = workerName();
  engine = withWorkers(own, { workers, name });
  if (own !== null) {
    reporting = await startReporting({ workers, name, devices, log });
    const { close: leave } = reporting;
    onClose('reporting', () => leave());
  }
  return { devices, engine, queue, pictures };
}

/** Without a model there is nothing to paint with; the bot says so in Discord, and here. */
async function tellOfModels(engine: Engine, modelsDir: string, log: Log): Promise<void> {
  const models = await engine.models().catch(() => null);
  if (models !== null && models.length > 0) return;
  const what = models === null ? 'cannot be read' : 'holds no model that can be used';
  log.error(
    `The models folder ${modelsDir} ${what}. Put a model there, or set MODELS_DIR to the folder that holds yours.`,
  );
}
