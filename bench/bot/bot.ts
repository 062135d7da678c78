import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { commands } from '../../commands/commands.ts';
import { startBot } from '../../src/bot/bot.ts';
import { openFound } from '../../src/bot/pictures/found-pictures.ts';
import { openPreferences } from '../../src/bot/stores/preferences.ts';
import { openPresets } from '../../src/bot/stores/presets.ts';
import { openSettings } from '../../src/bot/stores/settings.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { startAnnouncer } from '../../src/runner/announcer.ts';
import { createDevices } from '../../src/runner/devices.ts';
import { createJobEvents } from '../../src/queue/events.ts';
import { openPictureStore } from '../../src/queue/pictures.ts';
import { openQueue } from '../../src/queue/queue.ts';
import { startRunner } from '../../src/runner/runner.ts';
import type { Asked, Told } from './crowd.ts';
import { type BenchRow, quantile } from '../row.ts';
import { openEngine, quiet } from '../setup.ts';

const CROWDS = [50, 200];
/** Steady state: one picture after the other, a few people. */
const STEADY = 12;
const STEPS = 8;

/**
 * The bot with its engine here, Discord and the people in another process: how soon each press is answered while
 * the engine paints, what the bot's own loop feels, and how long a finished picture takes to be seen.
 */
export async function benchBot(): Promise<BenchRow[]> {
  const crowd = await openCrowd();
  const { engine } = await openEngine();
  const program = await openProgram(crowd, engine);
  try {
    await crowd.press(1, STEPS);
    await until(() => program.decoded.size === 1, 'the first picture');
    const steady = await steadyState(crowd, program);
    const rows: BenchRow[] = [];
    for (const presses of CROWDS) {
      rows.push(...(await press(crowd, presses)));
      await program.clear();
    }
    return [...rows, ...steady];
  } finally {
    await program.close();
    await engine.close();
    await crowd.close();
  }
}

async function press(crowd: Crowd, presses: number): Promise<BenchRow[]> {
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const acks = await crowd.press(presses, 20);
  await sleep(3000);
  loop.disable();
  const told = acks.filter((ms) => ms !== null);
  const p99 = quantile(told, 0.99);
  const delay = loop.percentile(99) / 1e6;
  const lost = presses - told.length;
  return [
    {
      name: `${presses} simultaneous presses, p99 ack`,
      value: p99,
      unit: 'ms',
      target: '< 1000 ms',
      ok: p99 < 1000,
    },
    {
      name: `${presses} simultaneous presses, slowest ack`,
      value: Math.max(...told),
      unit: 'ms',
      target: '< 1000 ms',
      ok: Math.max(...told) < 1000,
    },
    { name: `${presses} simultaneous presses, median ack`, value: quantile(told, 0.5), unit: 'ms' },
    {
      name: `${presses} simultaneous presses, lost`,
      value: lost,
      unit: '',
      target: '0',
      ok: lost === 0,
    },
    {
      name: `bot's event loop around ${presses} presses, p99 delay`,
      value: delay,
      unit: 'ms',
      target: '< 50 ms',
      ok: delay < 50,
    },
  ];
}

async function steadyState(crowd: Crowd, program: Program): Promise<BenchRow[]> {
  const before = await crowd.report();
  const seenBefore = program.decoded.size;
  for (let n = 0; n < STEADY; n++) {
    await crowd.press(1, 40);
    await until(() => program.decoded.size === seenBefore + n + 1, 'a picture');
  }
  await sleep(1500);
  const after = await crowd.report();
  const delays = [...program.decoded]
    .slice(seenBefore)
    .map(([id, at]) => (after.shown[id] ?? Infinity) - at);
  const limited = after.rateLimited - before.rateLimited;
  if (after.refused.length > 0) console.error(after.refused.slice(0, 5).join('\n'));
  return [
    {
      name: `decoded to seen, slowest of ${STEADY}`,
      value: Math.max(...delays),
      unit: 'ms',
      target: '< 1000 ms',
      ok: Math.max(...delays) < 1000,
    },
    { name: 'decoded to seen, median', value: quantile(delays, 0.5), unit: 'ms' },
    {
      name: `429 in the steady state (${STEADY} pictures)`,
      value: limited,
      unit: '',
      target: '0',
      ok: limited === 0,
    },
  ];
}

type Program = Awaited<ReturnType<typeof openProgram>>;

/** `paints`: orders are painted, not only taken. */
export async function openProgram(
  { apiBase, token }: Crowd,
  engine: Engine,
  { paints = true }: { paints?: boolean } = {},
) {
  // Beside the project, because /tmp may be memory, where an fsync costs nothing.
  const data = path.join(import.meta.dirname, '../..', 'data');
  await mkdir(data, { recursive: true });
  const folder = await mkdtemp(path.join(data, 'bench-bot-'));
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
  const bot = await startBot({
    token,
    apiBase,
    engine,
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
      await runner?.close();
      announcer.close();
      await settings.close();
      await queue.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
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

const quietLog = { debug() {}, info() {}, warn() {}, error: console.error };

type Crowd = Awaited<ReturnType<typeof openCrowd>>;

export async function openCrowd() {
  const child = fork(path.join(import.meta.dirname, 'crowd.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const { apiBase, token } = await hear(child, 'ready');
  const ask = (asked: Asked) => {
    if (!child.connected) throw new Error('the crowd has died; its own words are above');
    child.send(asked);
  };
  return {
    apiBase,
    token,
    async press(presses: number, steps: number) {
      ask({ type: 'press', presses, steps });
      return (await hear(child, 'pressed')).acks;
    },
    async report() {
      ask({ type: 'report' });
      return hear(child, 'report');
    },
    async close() {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

function hear<T extends Told['type']>(
  child: ChildProcess,
  type: T,
): Promise<Extract<Told, { type: T }>> {
  return new Promise((resolve, reject) => {
    const listen = (told: Told) => {
      if (told.type !== type) return;
      child.off('message', listen);
      child.off('exit', died);
      resolve(told as Extract<Told, { type: T }>);
    };
    const died = (code: number | null, signal: string | null) =>
      reject(new Error(`the crowd died (${signal ?? `exit code ${code}`}) before it was ${type}`));
    child.on('message', listen);
    child.once('exit', died);
  });
}

async function until(fits: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await fits())) {
    if (Date.now() > end) throw new Error(`after 120 s still not: ${what}`);
    await sleep(20);
  }
}
