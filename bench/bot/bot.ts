import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchRow, quantile } from '../row.ts';
import { openEngine } from '../setup.ts';
import { type Crowd, openCrowd } from './open-crowd.ts';
import { openProgram, type Program, until } from './program.ts';

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
