import { parseAxis } from '../src/explore/sheet/axis.ts';
import { planSheet } from '../src/explore/sheet/plan.ts';
import { paintSheet } from '../src/explore/sheet/run-sheet.ts';
import { openPages } from '../src/explore/sheet/pages.ts';
import { type BenchRow, median } from './row.ts';
import { openEngine } from './setup.ts';

const CELLS = 8;
const ROUNDS = 5;
const AXES = ['cfg', 'seed', 'prompt'] as const;
const NAMES = { cfg: 'guidance scales', seed: 'seeds', prompt: 'prompts' } as const;

type Bench = Awaited<ReturnType<typeof openEngine>>;

/** What a sheet costs beside single pictures. */
export async function benchExplore(): Promise<BenchRow[]> {
  const bench = await openEngine();
  try {
    return await benchSheet(bench);
  } finally {
    await bench.engine.close();
  }
}

/** Each cell's single picture is painted right after it, so that a slow minute of the machine is slow for both. */
async function benchSheet({ engine, request }: Bench): Promise<BenchRow[]> {
  const model = (await engine.models()).find(({ name }) => name === 'demo')!;
  await engine.generate(request({ steps: 2 }));
  const ratios: Record<(typeof AXES)[number], number[]> = { cfg: [], seed: [], prompt: [] };
  const values = {
    cfg: '1.5..12 by 1.5',
    seed: '1..8',
    prompt: 'heart,star,boat,fox,fish,house,tree,flower',
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of AXES) {
      const input = { prompt: `a red heart on a meadow ${round}`, steps: 20, seed: 1n };
      const plan = planSheet({ input, x: parseAxis(name, values[name]), y: null }, model);
      let singles = 0;
      const began = performance.now();
      const sheet = await openPages(plan, { title: 'bench', subtitle: '', theme: 'dark' });
      await paintSheet(engine, plan, {
        async onCell({ cell, png }) {
          await sheet.setTile(cell.index, { state: 'done', picture: png });
          // Words that were just encoded would be free; those that a sheet shares it encodes once.
          const fresh = name === 'prompt' ? ' too' : '';
          const prompt = `${cell.request.prompt}${fresh}`;
          const alone = performance.now();
          await engine.generate({ ...cell.request, prompt }, { previews: false });
          singles += performance.now() - alone;
        },
      });
      for (const page of sheet.pages) await page.toWebp();
      ratios[name].push((performance.now() - began - singles) / singles);
    }
  }
  return AXES.map((name) => ({
    name: `a sheet of ${CELLS} ${NAMES[name]}, 20 steps / ${CELLS} single pictures`,
    value: median(ratios[name]),
    unit: 'x',
    target: '<= 1.05 x',
    ok: median(ratios[name]) <= 1.05,
  }));
}
