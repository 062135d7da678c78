/** The bot as it runs, on a queue and pictures beside the project, in the process that measures. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commands } from '../../commands/commands.ts';
import { startBot } from '../../src/bot/bot.ts';
import { openFound } from '../../src/bot/pictures/found-pictures.ts';
import { openPreferences } from '../../src/bot/stores/preferences.ts';
import { openPresets } from '../../src/bot/stores/presets.ts';
import { openSettings } from '../../src/bot/stores/settings.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openPictureReader } from '../../src/engine/picture/picture-reader.ts';
import { startAnnouncer } from '../../src/runner/announcer.ts';
import { createDevices } from '../../src/runner/devices.ts';
import { createJobEvents } from '../../src/queue/events.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import { quiet } from '../setup.ts';
import type { Crowd } from './open-crowd.ts';

const quietLog = { debug() {}, info() {}, warn() {}, error: console.error };

export type Program = Awaited<ReturnType<typeof openProgram>>;

/** `paints`: orders are painted, not only taken. */
export async function openProgram(
  { apiBase, token }: Crowd,
  engine: Engine,
  { paints = true }: { paints?: boolean } = {},
) {
  const folder = await emptyFolder();
  const queue = await openQueue({
    url: `sqlite:${path.join(folder, 'queue.db')}`,
    limits: { waitingPerUser: 1000, waitingPerGuild: 1000 },
  });
  const settings = openSettings({ file: path.join(folder, 'settings.db'), log: quietLog });
  const pictures = await openPictureStore(path.join(folder, 'pictures'));
  const { timed, decodedAt } = timedEngine(engine);
  const events = createJobEvents(quiet);
  const announcer = startAnnouncer({ queue, events, log: quiet });
  const devices = createDevices([{ name: 'cpu', engine: timed }], quiet);
  const runner = paints ? startRunner({ queue, events, devices, pictures, log: quiet }) : null;
  /** job id -> when its pictures were decoded */
  const decoded = new Map<string, number>();
  events.subscribe(({ job, state }) => {
    if (state.status === 'done') decoded.set(job.id, decodedAt());
  });
  const reader = openPictureReader();
  const bot = await startBot({
    token,
    apiBase,
    engine,
    reader,
    queue,
    events,
    pictures,
    settings,
    commands,
    preferences: openPreferences({ file: ':memory:', log: quietLog }),
    presets: openPresets({ file: ':memory:', log: quietLog }),
    found: openFound({ file: ':memory:', log: quietLog }),
    log: quietLog,
  });
  return {
    decoded,
    folder,
    queue,
    /** Stops whatever waits or runs. */
    async clear() {
      for (const { id } of await queue.line.outlook()) {
        await queue.line.cancel(id, { userId: '', moderator: true });
      }
      await until(async () => (await queue.archive.unsettled()).length === 0, 'an empty queue');
    },
    async close() {
      await bot.close();
      reader.close();
      await runner?.close();
      announcer.close();
      await settings.close();
      await queue.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Beside the project, because /tmp may be memory, where an fsync costs nothing. */
async function emptyFolder(): Promise<string> {
  const data = path.join(import.meta.dirname, '../..', 'data');
  await mkdir(data, { recursive: true });
  return mkdtemp(path.join(data, 'bench-bot-'));
}

/** The same engine, and when it gave its last pictures. */
function timedEngine(engine: Engine): { timed: Engine; decodedAt: () => number } {
  let decodedAt = 0;
  const timed: Engine = {
    ...engine,
    async generate(request, options) {
      const result = await engine.generate(request, options);
      decodedAt = Date.now();
      return result;
    },
  };
  return { timed, decodedAt: () => decodedAt };
}

/** Looks every 20 ms, and throws after two minutes. */
export async function until(fits: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await fits())) {
    if (Date.now() > end) throw new Error(`after 120 s still not: ${what}`);
    await sleep(20);
  }
}
