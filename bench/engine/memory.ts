import { openEngine } from '../setup.ts';
import type { BenchRow } from '../row.ts';

const PICTURES = 200;
const SETTLED = 20;

/** 200 pictures in a row: resident memory after the first 20 against the most it reaches later. */
export async function benchMemory(): Promise<BenchRow[]> {
  const { engine, request } = await openEngine();
  const resident: number[] = [];
  try {
    for (let i = 0; i < PICTURES; i++) {
      await engine.generate(request({ steps: 8, seed: i, prompt: `a red heart number ${i}` }));
      resident.push(process.memoryUsage.rss() / 2 ** 20);
    }
  } finally {
    await engine.close();
  }
  const settled = resident[SETTLED - 1] ?? Number.NaN;
  const growth = (Math.max(...resident.slice(SETTLED)) / settled - 1) * 100;
  return [
    { name: `resident memory after ${SETTLED} pictures`, value: settled, unit: 'MB' },
    {
      name: `growth over ${PICTURES} pictures`,
      value: growth,
      unit: '%',
      target: '< 10 %',
      ok: growth < 10,
    },
  ];
}
