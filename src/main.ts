import { flushCompileCache } from 'node:module';
import path from 'node:path';
import { commands } from '../commands/commands.ts';
import { startBot } from './bot/bot.ts';
import { ownPart, shareOf } from './bot/discord/shards.ts';
import type { StarStore } from './bot/stores/stars.ts';
import { tellAtStart } from './cli/doctor/at-start.ts';
import { type Config, loadConfig, loadEnvFile } from './config.ts';
import { claimDataFolder, openToOthers } from './data-folder.ts';
import { refuseNewerData } from './data-versions.ts';
import { watchDisk } from './disk-watch.ts';
import { expectsGpu } from './engine/devices.ts';
import { UserError } from './engine/errors.ts';
import { openPictureReader } from './engine/picture/picture-reader.ts';
import { startIdleCalibration } from './explore/calibration/idle-calibration.ts';
import { openModelShelf } from './hub/model-shelf.ts';
import { createLog, type Log } from './log.ts';
import { announce, findDiscord } from './open-discord.ts';
import { isSharing, openPainting } from './open-painting.ts';
import { openStores } from './open-stores.ts';
import { PlaygroundError } from '../playground/playground-error.ts';
import { createQuota } from './queue/retention/quota.ts';
import { startRetention } from './queue/retention.ts';
import { startAnnouncer } from './runner/announcer.ts';
import { logJobs } from './runner/job-log.ts';
import { type RunnerOptions, startRunner } from './runner/runner.ts';
import { type OnClose, startMonitoring } from './monitoring.ts';

async function start(config: Config, log: Log, onClose: OnClose): Promise<void> {
  const { dataDir, modelsDir } = config;
  onClose('data folder', await claimDataFolder(dataDir));
  refuseNewerData(dataDir);
  const monitoring = await startMonitoring(config, 'bot', log, onClose);
  const { monitor } = monitoring;
  for (const sentence of await openToOthers([dataDir, path.resolve('.env')])) log.warn(sentence);
  const discord = await findDiscord(config, log, onClose);

  const painting = await openPainting(config, log, onClose);
  const { devices, engine, queue, pictures } = painting;
  const share = shareOf(config.shards);
  const own = ownPart(queue, share);
  const { events } = own;
  monitor?.add({ devices, engine, line: queue.line });
  const stores = await openStores(config, log, onClose);
  const { upscalers, stars } = stores;
  monitor?.countJobs(events);
  const announcer = startAnnouncer({ queue, events: queue.events, log });
  onClose('announcer', () => announcer.close());
  onClose('log of jobs', logJobs(events, log));
  const onPainted = monitor?.painted;
  startPainting(config, { ...painting, upscalers, ...(onPainted && { onPainted }), log }, onClose);
  const bot = await startBot({
    ...discord,
    ...stores,
    ...calibrationOf(config),
    ...openBeside(config, onClose),
    engine,
    share,
    queue: own,
    events,
    pictures,
    dataFolder: dataDir,
    wildcardFolder: path.join(modelsDir, 'wildcards'),
    userInstall: config.userInstall,
    ...(monitor && { onCall: monitor.called }),
    commands,
    log,
  });
  onClose('bot', () => bot.close());
  monitor?.add({ gateway: () => bot.gateway() });
  // A local Discord has this machine's clock, which cannot bear witness for itself.
  const otherClock = () => (discord.apiBase === null ? bot.discordsTime() : Promise.resolve(null));
  watchFolders(config, { ...painting, leads: share.leads, stars, otherClock, log }, onClose);
  monitoring.ready(devices);
  announce(discord.page, bot);
  // Node keeps what it compiled when it ends, but one that is killed would compile all of it again.
  flushCompileCache();
  void tellAtStart(config, {
    devices: devices.map(({ name }) => name),
    rates: () => queue.archive.rates(),
    asksDiscord: config.discordToken !== null,
    log,
  });
}

/** What works for the bot in processes of their own: pictures that people post are read there, and models fetched. */
function openBeside(config: Config, onClose: OnClose) {
  const { modelsDir, hub: access, childEnvironment } = config;
  const half = expectsGpu(config.device);
  const shelf = openModelShelf({ modelsDir, access, half, childEnvironment });
  onClose('model shelf', () => shelf.close());
  const reader = openPictureReader(childEnvironment);
  onClose('reader of pictures', () => reader.close());
  return { shelf, reader };
}

type Painting = Awaited<ReturnType<typeof openPainting>>;

/** What paints here, and what it does while nobody waits. */
function startPainting(
  config: Config,
  parts: Painting & Pick<RunnerOptions, 'upscalers' | 'onPainted'> & { log: Log },
  onClose: OnClose,
): void {
  const { engine, queue, devices, log } = parts;
  if (devices.length > 0) {
    const models = () => engine.models();
    const options = { ...parts, events: queue.events };
    const runner = startRunner(isSharing(config) ? { ...options, models } : options);
    onClose('runner', () => runner.close());
  }
  const { calibratesItself, calibrationFile: file } = calibrationOf(config);
  if (!calibratesItself) return;
  const { calibrateAfterMs: afterMs } = config;
  const idle = startIdleCalibration({ engine, queue, file, afterMs, log });
  onClose('calibration', () => idle.close());
}

function calibrationOf(config: Config): { calibrationFile: string; calibratesItself: boolean } {
  return {
    calibrationFile: path.join(config.dataDir, 'calibration.json'),
    // Of machines that share a line none can tell that nobody waits for it.
    calibratesItself: config.calibrateAfterMs > 0 && !isSharing(config),
  };
}

/** How full the disk is, and of one process of a bot KEEP_DAYS and KEEP_GB. */
function watchFolders(
  { dataDir, modelsDir, keepDays, keepGigabytes }: Config,
  parts: Painting & {
    leads: boolean;
    stars: StarStore;
    otherClock: () => Promise<number | null>;
    log: Log;
  },
  onClose: OnClose,
): void {
  const { queue, pictures, leads, stars, otherClock, log } = parts;
  const folders = [dataDir, path.join(dataDir, 'pictures'), modelsDir];
  const disk = watchDisk({ folders, log });
  onClose('disk', () => disk.close());
  if (!leads) return;
  const { archive } = queue;
  const { written } = pictures;
  const most = keepGigabytes * 1e9;
  const starred = () => stars.jobs();
  const quota = most === 0 ? null : createQuota({ archive, pictures, most, written, starred, log });
  const retention = startRetention({ archive, pictures, keepDays, quota, log, otherClock });
  onClose('retention', () => retention.close());
}

async function main(): Promise<void> {
  // Pictures, prompts and tokens of people are nobody else's business on this machine.
  process.umask(0o077);
  loadEnvFile();
  const config = loadConfig();
  const log = createLog(config);
  const open: { name: string; close: () => unknown }[] = [];
  let closing: Promise<void> | null = null;

  const closeAll = async () => {
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      try {
        await part.close();
      } catch (error) {
        log.error({ err: error }, `closing the ${part.name} failed`);
      }
    }
  };
  const stop = (signal: string) => {
    if (closing !== null) return;
    log.info({ signal }, 'closing: the current step ends, waiting jobs stay on disk');
    closing = closeAll().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // one stray promise must not take everybody's queue down with it
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'a promise was rejected unheard'),
  );
  // After such an end nothing can be trusted to close; what was accepted is on the disk.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an exception that nobody caught: Darkroom ends');
    process.exit(1);
  });

  try {
    await start(config, log, (name, close) => open.push({ name, close }));
  } catch (error) {
    await closeAll();
    throw error;
  }
}

try {
  await main();
} catch (error) {
  const inWords = error instanceof UserError || error instanceof PlaygroundError;
  console.error(inWords ? error.message : error);
  process.exitCode = 1;
}
