import { openEngine } from '../setup.ts';
import { type BenchRow, median } from '../row.ts';

const ROUNDS = 31;

/** Pictures before the clock counts: a bot runs for weeks, and its code is compiled in the first minute. */
const WARM_UP = 150;

/** What a picture costs beside the networks, and how that cost grows with the batch. */
export async function benchEngine(): Promise<BenchRow[]> {
  const { engine, request } = await openEngine();
  try {
    const cold = await engine.generate(request({ steps: 20, seed: 1 }));
    for (let i = 0; i < WARM_UP; i++) {
      await engine.generate(request({ steps: 20, seed: 100 + i }), { onProgress() {} });
    }
    const overheads: number[] = [];
    const seconds: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const { timings } = await engine.generate(request({ steps: 20, seed: 2 + i }), {
        onProgress() {},
      });
      overheads.push((1 - timings.onnx_ms / timings.total_ms) * 100);
      seconds.push(timings.total_ms / 1000);
    }
    const four = await engine.generate(request({ steps: 20, seed: 1, count: 4 }));
    const overhead = median(overheads);
    return [
      { name: 'load models/demo', value: cold.timings.load_ms / 1000, unit: 's' },
      { name: 'a picture, 20 steps', value: median(seconds), unit: 's' },
      {
        name: 'time outside ONNX runs, 20 steps, previews on',
        value: overhead,
        unit: '%',
        target: '< 2 %',
        ok: overhead < 2,
      },
      {
        name: 'one of four in a batch / one alone',
        value: four.timings.total_ms / 4000 / median(seconds),
        unit: 'x',
      },
    ];
  } finally {
    await engine.close();
  }
}
