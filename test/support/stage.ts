import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { commands } from '../../commands/commands.ts';
import { startBot } from '../../src/bot/bot.ts';
import type { Bot } from '../../src/bot/bot.ts';
import type { BotOptions } from '../../src/bot/bot-options.ts';
import type { BotLog } from '../../src/bot/bot-log.ts';
import { openFound } from '../../src/bot/pictures/found-pictures.ts';
import { openRule } from '../../src/bot/owner/rule-file.ts';
import type { RuleStore } from '../../src/bot/owner/rule-file.ts';
import { openRows } from '../../src/bot/stores/row-store.ts';
import { openOffers } from '../../src/bot/stores/offers.ts';
import { openPreferences } from '../../src/bot/stores/preferences.ts';
import { openPresets } from '../../src/bot/stores/presets.ts';
import type { PresetStore } from '../../src/bot/stores/presets.ts';
import { openSettings } from '../../src/bot/stores/settings.ts';
import type { SettingsStore } from '../../src/bot/stores/settings.ts';
import { openStars } from '../../src/bot/stores/stars.ts';
import { openWildcardStore } from '../../src/bot/stores/wildcard-store.ts';
import { costAmong } from '../../src/engine/request/cost.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startPlayground } from '../../playground/playground.ts';
import type { Exchange, Playground, PlaygroundOptions } from '../../playground/playground.ts';
import type { Queue } from '../../src/queue/contracts.ts';
import { startAnnouncer } from '../../src/runner/announcer.ts';
import { createDevices, type Device } from '../../src/runner/devices.ts';
import { createJobEvents } from '../../src/queue/events.ts';
import { logJobs } from '../../src/runner/job-log.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import type { PictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import { calmPace } from './discord/calm.ts';
import { MODELS, openEngine, sharedReader, slownessOf } from './engine.ts';
import { memoryLog } from './memory-log.ts';
import type { LogLine } from './memory-log.ts';
import { responsePatience } from './machine/patience.ts';
import { connectUser } from './discord/playground-user.ts';
import type { PlaygroundUserClient } from './discord/playground-user.ts';
import { problemsOf } from './discord/discord-schema.ts';

/**
 * Everything the program is made of, around a local Discord: the real parts, on a folder of their own. Closing it
 * fails when one request or answer was not as Discord describes it.
 */
export type Stage = {
  playground: Playground;
  exchanges: readonly Exchange[];
  /** answers that the local Discord gave to this kind of request, oldest first */
  calls(method: string, route: RegExp): Exchange[];
  lines: LogLine[];
  queue: Queue;
  pictures: PictureStore;
  settings: SettingsStore;
  rule: RuleStore;
  /** where the program keeps its files */
  folder: string;
  presets: PresetStore;
  bot: Bot;
  user(userId?: string): Promise<PlaygroundUserClient>;
  /** Everything but the local Discord ends and starts again on the same files. */
  restart(between?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
};

export const ADA = '1200000000000000001';
export const BEN = '1200000000000000002';
export const CLEO = '1200000000000000003';

export async function openStage(
  engine: Engine,
  options: {
    playground?: Partial<PlaygroundOptions>;
    bot?: Partial<BotOptions>;
    limits?: { waitingPerUser: number; waitingPerGuild: number };
    /** hears what the parts say, beside `lines` */
    log?: BotLog;
    /** what paints; absent: `engine` alone */
    devices?: readonly Device[];
  } = {},
): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-stage-'));
  const exchanges: Exchange[] = [];
  const { log: memory, lines } = memoryLog();
  const log = options.log === undefined ? memory : both(memory, options.log);
  const playground = await startPlayground({
    port: 0,
    dataFile: ':memory:',
    onExchange: (exchange) => exchanges.push(exchange),
    ...options.playground,
    // Discord's own three seconds, on a machine that is as busy as this one.
    timing: { firstResponse: responsePatience(), ...options.playground?.timing },
  });
  const users: PlaygroundUserClient[] = [];

  async function openProgram() {
    const queue = await openQueue({
      url: `sqlite:${path.join(folder, 'queue.db')}`,
      costOf: async (request) => costAmong(request, await engine.models()),
      limits: options.limits ?? { waitingPerUser: 100, waitingPerGuild: 1000 },
    });
    const kept = { file: path.join(folder, 'settings.db'), log };
    const settings = openSettings(kept);
    const rule = await openRule({ file: path.join(folder, 'owner.json'), log });
    const notes = openRows({ ...kept, namespace: 'notes' });
    const preferences = openPreferences(kept);
    const presets = openPresets(kept);
    const found = openFound(kept);
    const offers = openOffers(kept);
    const stars = openStars(kept);
    const wildcardStore = openWildcardStore(kept);
    const pictures = await openPictureStore(path.join(folder, 'pictures'));
    const events = createJobEvents(log);
    const announcer = startAnnouncer({ queue, events, log });
    logJobs(events, log);
    const devices = options.devices ?? createDevices([{ name: 'cpu', engine }], log);
    const { upscalers = null } = options.bot ?? {};
    const runner = startRunner({ queue, events, devices, pictures, upscalers, log });
    const closeParts = async () => {
      await runner.close();
      announcer.close();
      await settings.close();
      rule.close();
      await notes.close();
      await preferences.close();
      await presets.close();
      await found.close();
      await offers.close();
      await stars.close();
      await wildcardStore.close();
      await queue.close();
    };
    const bot = await startBot({
      token: playground.token,
      apiBase: playground.apiBase,
      engine,
      reader: sharedReader(),
      queue,
      events,
      pictures,
      settings,
      rule,
      notes,
      dataFolder: folder,
      preferences,
      presets,
      found,
      offers,
      wildcardStore,
      stars,
      commands,
      log,
      pace: calmPace(slownessOf(engine)),
      // Sent again, it would be one too many for a local Discord that is as slow as this machine.
      ackTimeoutMs: 0.4 * responsePatience(),
      ...options.bot,
    }).catch(async (error: unknown) => {
      await closeParts();
      throw error;
    });
    return { queue, settings, rule, presets, pictures, bot, closeParts };
  }

  async function closeOutside(): Promise<void> {
    await Promise.all(users.map((user) => user.close()));
    await playground.close();
    await rm(folder, { recursive: true, force: true });
  }

  async function closeProgram(): Promise<void> {
    await stage.bot.close();
    await program.closeParts();
  }

  let program = await openProgram().catch(async (error: unknown) => {
    await closeOutside();
    throw error;
  });
  const stage: Stage = {
    playground,
    folder,
    exchanges,
    lines,
    calls: (method, route) =>
      exchanges.filter((one) => one.method === method && route.test(one.route ?? one.path)),
    ...program,
    async user(userId) {
      const user = await connectUser(playground, userId ?? ADA);
      users.push(user);
      return user;
    },
    async restart(between) {
      await closeProgram();
      await between?.();
      program = await openProgram();
      Object.assign(stage, program);
    },
    async close() {
      await closeProgram();
      await closeOutside();
      // Status 0: an injected fault took the answer away.
      const answered = exchanges.filter(({ status }) => status !== 0);
      assert.deepEqual(answered.flatMap(problemsOf), []);
    },
  };
  return stage;
}

function both(one: BotLog, other: BotLog): BotLog {
  const at = (level: keyof BotLog) => (fields: object, message: string) => {
    one[level](fields, message);
    other[level](fields, message);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Opens a stage for the length of `work`, and closes it whatever happens. */
export async function onStage(
  engine: Engine,
  options: Parameters<typeof openStage>[1],
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const stage = await openStage(engine, options);
  try {
    await work(stage);
  } finally {
    await stage.close();
  }
}

/**
 * One engine for the stages of a test file, opened before its first test. Answers the way to open a stage for the length
 * of `work`; it is closed whatever happens.
 */
export function stagesOfFile(
  childEnvironment: Readonly<Record<string, string>> = {},
): (
  options: Parameters<typeof openStage>[1],
  work: (stage: Stage) => Promise<void>,
) => Promise<void> {
  let engine: Engine;
  before(async () => {
    engine = await openEngine(MODELS, childEnvironment);
  });
  after(() => engine.close());
  return (options, work) => onStage(engine, options, work);
}

/** One stage on the shipped models for all tests of a file, which the function answers from the first of them on. */
export function stageOfFile(): () => Stage {
  let engine: Engine;
  let stage: Stage;
  before(async () => {
    engine = await openEngine();
    stage = await openStage(engine);
  });
  after(async () => {
    await stage.close();
    await engine.close();
  });
  return () => stage;
}
