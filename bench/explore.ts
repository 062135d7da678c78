import type { SamplerName } from '../src/engine/names.ts';
import type { ScheduleName } from '../src/engine/names.ts';
import { parseAxis } from '../src/explore/axis.ts';
import { calibrate } from '../src/explore/calibrate.ts';
import { FULL_STEPS } from '../src/explore/calibration.ts';
import { SAME_SSIM } from '../src/explore/curve.ts';
import { ssim } from '../src/explore/measures.ts';
import { planSheet } from '../src/explore/plan.ts';
import { paintSheet, toRgb } from '../src/explore/run-sheet.ts';
import { openSheet } from '../src/explore/sheet.ts';
import { type BenchRow, median, quantile } from './row.ts';
import { openEngine } from './setup.ts';

const SAMPLERS: readonly { sampler: SamplerName; schedule: ScheduleName }[] = [
  { sampler: 'dpmpp_2m', schedule: 'karras' },
  { sampler: 'euler', schedule: 'automatic' },
  { sampler: 'ddim', schedule: 'automatic' },
];

/** None of them is a prompt of the calibration. */
const PROMPTS = [
  'a yellow star at night',
  'a green tree on a meadow',
  'a purple flower on a meadow',
  'a red mushroom',
  'a boat in the sea at sunset',
  'an orange fox in the snow',
  'a black cat',
  'a pink balloon at sunset',
  'a white house on a meadow',
  'a blue star in the snow',
  'an orange fish',
  'a yellow flower',
  'a green heart at night',
  'a brown owl in the snow',
  'a red boat in the sea',
  'a grey cat on a meadow',
];
const SEEDS = 4;
const CELLS = 8;
const ROUNDS = 5;

type Bench = Awaited<ReturnType<typeof openEngine>>;

/** What auto steps save and where they fail, and what a sheet costs beside single pictures. */
export async function benchExplore(): Promise<BenchRow[]> {
  const bench = await openEngine();
  try {
    const rows = await benchSheet(bench);
    for (const kind of SAMPLERS) {
      console.error(`  auto steps, ${kind.sampler}`);
      rows.push(...(await benchAuto(bench, kind)));
    }
    return rows;
  } finally {
    await bench.engine.close();
  }
}

/** Each cell's single picture is painted right after it, so that a slow minute of the machine is slow for both. */
async function benchSheet({ engine, request }: Bench): Promise<BenchRow[]> {
  const model = (await engine.models()).find(({ name }) => name === 'demo')!;
  await engine.generate(request({ steps: 2 }));
  const ratios: { cfg: number[]; seed: number[] } = { cfg: [], seed: [] };
  const values = { cfg: '1.5..12 by 1.5', seed: '1..8' };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['cfg', 'seed'] as const) {
      const input = { prompt: 'a red heart on a meadow', steps: 20, seed: 1n };
      const plan = planSheet({ input, x: parseAxis(name, values[name]), y: null }, model);
      let singles = 0;
      const began = performance.now();
      const sheet = await openSheet(plan, { title: 'bench', subtitle: '', theme: 'dark' });
      await paintSheet(engine, plan, {
        async onCell({ cell, png }) {
          await sheet.setTile(cell.index, { state: 'done', picture: png });
          const alone = performance.now();
          await engine.generate(cell.request, { previews: false });
          singles += performance.now() - alone;
        },
      });
      await sheet.toWebp();
      ratios[name].push((performance.now() - began - singles) / singles);
    }
  }
  return (['cfg', 'seed'] as const).map((name) => ({
    name: `a sheet of ${CELLS} ${name === 'cfg' ? 'guidance scales' : 'seeds'}, 20 steps / ${CELLS} single pictures`,
    value: median(ratios[name]),
    unit: 'x',
    target: '<= 1.05 x',
    ok: median(ratios[name]) <= 1.05,
  }));
}

async function benchAuto(
  { engine, request }: Bench,
  kind: { sampler: SamplerName; schedule: ScheduleName },
): Promise<BenchRow[]> {
  const model = (await engine.models()).find(({ name }) => name === 'demo')!;
  const found = await calibrate(engine, model, kind);
  if (found === null) throw new Error(`${kind.sampler} does not converge`);
  const scores: number[] = [];
  const failures: string[] = [];
  for (const [index, prompt] of PROMPTS.entries()) {
    const input = { ...kind, prompt, seed: 100 + index * SEEDS, count: SEEDS };
    const full = await engine.generate(request({ ...input, steps: FULL_STEPS }), {
      previews: false,
    });
    const auto = await engine.generate(request({ ...input, steps: found.steps }), {
      previews: false,
    });
    for (const [at, image] of auto.images.entries()) {
      const score = ssim(await toRgb(image.png), await toRgb(full.images[at]!.png));
      scores.push(score);
      if (score < SAME_SSIM) failures.push(`${prompt} / ${image.seed}: ${score.toFixed(3)}`);
    }
  }
  const name = `auto steps, ${kind.sampler} ${kind.schedule}`;
  const held = scores.length - failures.length;
  // A pair that fails has saved nothing: it would have to be painted again with all steps.
  const saved = ((FULL_STEPS - found.steps) * held) / scores.length;
  for (const failure of failures) console.error(`  ${name}, below ${SAME_SSIM}: ${failure}`);
  return [
    { name: `${name}: steps chosen`, value: found.steps, unit: `of ${FULL_STEPS}` },
    { name: `${name}: steps saved, mean of ${scores.length} pairs`, value: saved, unit: 'steps' },
    {
      name: `${name}: pairs with SSIM >= ${SAME_SSIM}`,
      value: (100 * held) / scores.length,
      unit: '%',
    },
    { name: `${name}: SSIM, median`, value: median(scores), unit: '' },
    { name: `${name}: SSIM, 10th percentile`, value: quantile(scores, 0.1), unit: '' },
    { name: `${name}: SSIM, worst pair`, value: Math.min(...scores), unit: '' },
  ];
}
