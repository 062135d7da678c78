import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ADA, BEN, CLEO, isDone, openEngine, openStage, waitUntil } from '../test/e2e/stage.ts';
import { type BenchRow, quantile } from './row.ts';

const PRESSES = 50;

/** 50 people order at once while the engine paints: how soon each is answered, and what the bot's own loop feels. */
export async function benchBot(): Promise<BenchRow[]> {
  const engine = await openEngine();
  const stage = await openStage(engine);
  try {
    const users = await Promise.all([ADA, BEN, CLEO].map((id) => stage.user(id)));
    await users[0]?.command('imagine', { prompt: 'a warm up picture of a cat', steps: 8 });
    await waitUntil(() => users[0]?.messages().some(isDone) ?? false, 'first picture', 60_000);

    const loop = monitorEventLoopDelay({ resolution: 5 });
    loop.enable();
    const acks = await Promise.all(
      Array.from({ length: PRESSES }, async (_, i) => {
        const started = performance.now();
        const outcome = await users[i % users.length]?.command('imagine', {
          prompt: `a red boat on the sea number ${i}`,
          steps: 20,
        });
        if (outcome?.type !== 'acknowledged') throw new Error(`press ${i}: ${outcome?.type}`);
        return performance.now() - started;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 5000));
    loop.disable();
    const worst = Math.max(...acks);
    const delay = loop.percentile(99) / 1e6;
    return [
      {
        name: `slowest of ${PRESSES} simultaneous acks`,
        value: worst,
        unit: 'ms',
        target: '< 1000 ms',
        ok: worst < 1000,
      },
      { name: 'median ack', value: quantile(acks, 0.5), unit: 'ms' },
      {
        name: "bot's event loop while painting, p99 delay",
        value: delay,
        unit: 'ms',
        target: '< 50 ms',
        ok: delay < 50,
      },
    ];
  } finally {
    await stage.close();
    await engine.close();
  }
}
