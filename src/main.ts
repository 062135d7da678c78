import path from 'node:path';
import { commands } from '../commands/commands.ts';
import { startBot } from './bot/bot.ts';
import { openFound } from './bot/pictures/found-pictures.ts';
import type { KeptErrors } from './bot/owner/owner-tools.ts';
import { openRule } from './bot/owner/rule-file.ts';
import { type KeptIn, openRows } from './bot/stores/row-store.ts';
import { forgetLeftBehind } from './bot/owner/left-behind.ts';
import { openOffers } from './bot/stores/offers.ts';
import { openPreferences } from './bot/stores/preferences.ts';
import { openPresets } from './bot/stores/presets.ts';
import { openSettings } from './bot/stores/settings.ts';
import { openStars } from './bot/stores/stars.ts';
import { openWildcardStore } from './bot/stores/wildcard-store.ts';
import { ownPart, shareOf } from './bot/discord/shards.ts';
import { type Config, loadConfig, loadEnvFile } from './config.ts';
import { tellAtStart } from './cli/doctor/at-start.ts';
import { claimDataFolder, openToOthers } from './data-folder.ts';
import { refuseNewerData } from './data-versions.ts';
import { watchDisk } from './disk-watch.ts';
import { costAmong } from './engine/request/cost.ts';
import type { Engine } from './engine/engine.ts';
import { needsOf } from './engine/request/needs.ts';
import { expectsGpu } from './engine/devices.ts';
import { openUpscalers } from './engine/upscalers.ts';
import { openModelShelf } from './hub/model-shelf.ts';
import { UserError } from './engine/errors.ts';
import { startIdleCalibration } from './explore/calibration/idle-calibration.ts';
import { forgetErrors, keptErrors, latestErrors } from './error-journal.ts';
import { createLog, type Log } from './log.ts';
import { peopleHash } from './log-fields.ts';
import { PlaygroundError, startPlayground } from '../playground/playground.ts';
import { startAnnouncer } from './runner/announcer.ts';
import { asOneEngine, startDevices } from './runner/devices.ts';
import { logJobs } from './runner/job-log.ts';
import { openPictures } from './queue/open-pictures.ts';
import { servePictures } from './queue/pictures/pictures-http.ts';
import { openPictureStore } from './queue/pictures.ts';
import { isShared, openQueue } from './queue/queue.ts';
import { measured, type MeasuredPictures } from './queue/pictures/measured.ts';
import { createQuota, type Quota, type QuotaOptions } from './queue/retention/quota.ts';
import { startRetention } from './queue/retention.ts';
import { startRunner, workerName } from './runner/runner.ts';
import { startReporting, withWorkers } from './runner/workers.ts';
import { watchOver } from './watch-over.ts';

/** What is open, innermost last: closed in reverse order. */
type OnClose = (name: string, close: () => unknown) => void;

async function start(config: Config, log: Log, onClose: OnClose): Promise<void> {
  onClose('data folder', await claimDataFolder(config.dataDir));
  refuseNewerData(config.dataDir);
  const onlookers = await watchOver(config, 'bot', log, onClose);
  const { watch } = onlookers;
  for (const sentence of await openToOthers([config.dataDir, path.resolve('.env')])) {
    log.warn(sentence);
  }
  const discord = await findDiscord(config, log, onClose);

  const { devices, engine, queue, pictures } = await openPainting(config, log, onClose);
  const share = shareOf(config.shards);
  const own = ownPart(queue, share);
  watch?.add({ devices, engine, line: queue.line });
  const kept = {
    file: path.join(config.dataDir, 'settings.db'),
    shared: await openShared(config, log, onClose),
    log,
  };
  const rule = await openRule({ file: config.ownerFile, log });
  onClose('owner’s rule', () => rule.close());
  const notes = openRows({ ...kept, shared: null, namespace: 'notes' });
  onClose('notes', () => notes.close());
  const settings = openSettings(kept);
  onClose('settings', () => settings.close());
  const preferences = openPreferences(kept);
  onClose('preferences', () => preferences.close());
  const presets = openPresets(kept);
  onClose('presets', () => presets.close());
  const upscalers = openUpscalers(path.join(config.modelsDir, 'upscalers'));
  onClose('upscalers', () => upscalers.close());
  const stars = openStars(kept);
  onClose('stars', () => stars.close());
  const wildcardStore = openWildcardStore(kept);
  onClose('wildcards', () => wildcardStore.close());
  const found = openFound(kept);
  onClose('found pictures', () => found.close());
  const offers = openOffers(kept);
  onClose('offers', () => offers.close());
  const { events } = queue;
  watch?.countJobs(own.events);
  const announcer = startAnnouncer({ queue, events, log });
  onClose('announcer', () => announcer.close());
  onClose('log of jobs', logJobs(own.events, log));
  if (devices.length > 0) {
    const models = () => engine.models();
    const parts = {
      upscalers,
      queue,
      events,
      devices,
      pictures,
      log,
      ...(watch && { onPainted: watch.painted }),
    };
    const runner = startRunner(isSharing(config) ? { ...parts, models } : parts);
    onClose('runner', () => runner.close());
  }

  const calibrationFile = path.join(config.dataDir, 'calibration.json');
  // Of machines that share a line none can tell that nobody waits for it.
  const calibratesItself = config.calibrateAfterMs > 0 && !isSharing(config);
  if (calibratesItself) {
    const parts = { engine, queue, file: calibrationFile, afterMs: config.calibrateAfterMs, log };
    const idle = startIdleCalibration(parts);
    onClose('calibration', () => idle.close());
  }

  const shelf = openModelShelf({
    modelsDir: config.modelsDir,
    access: config.hub,
    half: expectsGpu(config.device),
    childEnvironment: config.childEnvironment,
  });
  onClose('model shelf', () => shelf.close());
  const bot = await startBot({
    ...discord,
    engine,
    share,
    queue: own,
    events: own.events,
    pictures,
    settings,
    rule,
    notes,
    dataFolder: config.dataDir,
    errors: errorsIn(config.dataDir, kept, log),
    preferences,
    presets,
    found,
    offers,
    wildcardStore,
    stars,
    shelf,
    wildcardFolder: path.join(config.modelsDir, 'wildcards'),
    userInstall: config.userInstall,
    upscalers,
    calibrationFile,
    calibratesItself,
    childEnvironment: config.childEnvironment,
    ...(watch && { onCall: watch.called }),
    commands,
    log,
  });
  onClose('bot', () => bot.close());
  watch?.add({ gateway: () => bot.gateway() });
  // A local Discord has this machine's clock, which cannot bear witness for itself.
  const otherClock = () => (discord.apiBase === null ? bot.discordsTime() : Promise.resolve(null));
  const disk = watchDisk({
    folders: [config.dataDir, path.join(config.dataDir, 'pictures'), config.modelsDir],
    log,
  });
  onClose('disk', () => disk.close());
  const { keepDays } = config;
  const { archive } = queue;
  const quota = quotaOf(config, { archive, pictures, starred: () => stars.jobs(), log });
  if (share.leads) {
    const retention = startRetention({ archive, pictures, keepDays, quota, log, otherClock });
    onClose('retention', () => retention.close());
  }
  onlookers.ready(devices);
  announce(discord.page, bot);
  void tellAtStart(config, {
    devices: devices.map(({ name }) => name),
    rates: () => queue.archive.rates(),
    asksDiscord: config.discordToken !== null,
    log,
  });
}

function quotaOf(
  { keepGigabytes }: Config,
  parts: Omit<QuotaOptions, 'most' | 'written'> & { pictures: MeasuredPictures },
): Quota | null {
  if (keepGigabytes === 0) return null;
  return createQuota({ ...parts, most: keepGigabytes * 1e9, written: parts.pictures.written });
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

/**
 * The errors that people were given a reference for, as the owner sees and removes them; with them goes what of a person
 * still lies in a file whose settings moved.
 */
function errorsIn(folder: string, { file, shared }: KeptIn, log: Log): KeptErrors {
  const hash = peopleHash(folder);
  return {
    of: (reference) => keptErrors(folder, reference),
    latest: (most) => latestErrors(folder, most),
    async forget({ userId, jobs }) {
      await forgetErrors(folder, [userId, hash(userId), ...jobs]);
      if (shared) await forgetLeftBehind(file, { userId, jobs }, log);
    },
  };
}

const isSharing = ({ queueUrl }: Config): boolean => queueUrl !== null && isShared(queueUrl);

/**
 * Where settings, presets and preferences lie when several bots share them: where SETTINGS_URL says, else in the Redis of
 * their queue. Those of this one's data folder, and of that Redis, move there.
 */
async function openShared(config: Config, log: Log, onClose: OnClose) {
  const { settingsUrl, dataDir } = config;
  const queueUrl = isSharing(config) ? config.queueUrl : null;
  const url = settingsUrl ?? queueUrl;
  if (url === null) return null;
  const [{ openSharedRows }, { takeOverRows }] = await Promise.all([
    import('./rows/shared-rows.ts'),
    import('./rows/moving-rows.ts'),
  ]);
  const shared = await openSharedRows({ url, log });
  onClose('shared settings', () => shared.close());
  const before =
    queueUrl === null || queueUrl === url ? null : await openSharedRows({ url: queueUrl, log });
  try {
    await takeOverRows(shared, { file: path.join(dataDir, 'settings.db'), before, log });
  } finally {
    await before?.close();
  }
  return shared;
}

/** What paints, the line it paints from, and where its pictures go. */
async function openPainting(config: Config, log: Log, onClose: OnClose) {
  const { queueUrl, picturesUrl, picturesServed } = config;
  const devices = await startDevices({ ...config, hidesPaths: true }, log);
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
    const reporting = await startReporting({ workers, name, engine: own, log });
    onClose('reporting', () => reporting.close());
  }
  return { devices, engine, queue, pictures };
}

/** Discord itself, a local one that was named, or the playground when there is no token. */
async function findDiscord(config: Config, log: Log, onClose: OnClose) {
  if (config.discordToken !== null) {
    return { token: config.discordToken, apiBase: config.discordApiBase, page: null };
  }
  if (config.discordApiBase !== null) {
    throw new UserError(
      'DISCORD_API_BASE is set but DISCORD_TOKEN is not: set the token of that local Discord too.',
    );
  }
  const playground = await startPlayground({
    port: config.playgroundPort,
    dataFile: path.join(config.dataDir, 'playground.db'),
    log: log.child({ room: 'playground' }),
  });
  onClose('playground', () => playground.close());
  return { token: playground.token, apiBase: playground.apiBase, page: playground.url };
}

function announce(
  page: string | null,
  bot: { user: { name: string }; applicationId: string },
): void {
  if (page !== null) {
    console.log(`\nDarkroom playground: ${page}\nOpen it and type /imagine. Ctrl-C stops.\n`);
    return;
  }
  const invite = `https://discord.com/oauth2/authorize?client_id=${bot.applicationId}&scope=bot+applications.commands&permissions=274877942784`;
  console.log(`\n${bot.user.name} is online. To invite it: ${invite}\n`);
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
