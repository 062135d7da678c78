import type { SamplerName, ScheduleName } from '../../src/engine/names.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { GeneratedImage } from '../../src/engine/result.ts';
import { calibrate } from '../../src/explore/calibration/calibrate.ts';
import { FULL_STEPS, replanRule } from '../../src/explore/calibration/calibration.ts';
import { SAME_SSIM } from '../../src/explore/curve/curve.ts';
import { type Rgb, ssim } from '../../src/explore/curve/measures.ts';
import { toRgb } from '../../src/explore/sheet/run-sheet.ts';
import { type BenchRow, median, quantile } from '../row.ts';
import { openEngine } from '../setup.ts';

/** Every sampler that adds no noise; one piece each, so that a run can be cut into pieces. */
export const AUTO_SAMPLERS = [
  'euler',
  'dpmpp_2m',
  'ddim',
  'ddim_cfgpp',
  'heun',
  'dpm2',
  'lms',
  'plms',
  'unipc',
  'deis',
] as const;
type Kind = { sampler: SamplerName; schedule: ScheduleName };
const SCHEDULES: Partial<Record<SamplerName, ScheduleName>> = { dpmpp_2m: 'karras' };

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

type Shot = { name: string; ssim: number; steps: number };

/** What auto steps save on 64 pairs against 50 fixed steps, chosen up front alone and with re-planning; and where they fail. */
export async function benchAuto(sampler: (typeof AUTO_SAMPLERS)[number]): Promise<BenchRow[]> {
  const kind: Kind = { sampler, schedule: SCHEDULES[sampler] ?? 'automatic' };
  const { engine, request } = await openEngine();
  try {
    const model = (await engine.models()).find(({ name }) => name === 'demo')!;
    const found = await calibrate(engine, model, kind);
    if (found === null) throw new Error(`${sampler} does not converge`);
    const paint = async (order: GenerateRequest): Promise<GeneratedImage[]> =>
      (await engine.generate(order, { previews: false })).images;
    const upFront: Shot[] = [];
    const replanned: Shot[] = [];
    for (const [index, prompt] of PROMPTS.entries()) {
      const order = request({ ...kind, prompt, seed: 100 + index * SEEDS, count: SEEDS });
      const full = await pixelsOf(await paint({ ...order, steps: FULL_STEPS }));
      const { steps, still } = found;
      const few = await pixelsOf(await paint({ ...order, steps }));
      for (const [at, reference] of full.entries()) {
        const seed = order.seed + BigInt(at);
        const name = `${prompt} / ${seed}`;
        upFront.push({ name, steps, ssim: ssim(few[at]!, reference) });
        if (still === null) continue;
        const replan = replanRule(still);
        const own = await engine.generate({ ...order, seed, count: 1, steps, replan });
        const [pixels] = await pixelsOf(own.images);
        const taken = own.timings.steps_ms.length;
        replanned.push({ name, steps: taken, ssim: ssim(pixels!, reference) });
      }
    }
    const name = `auto steps, ${sampler} ${kind.schedule}`;
    return [
      ...rowsOf(`${name}, chosen up front (${found.steps})`, upFront),
      ...(found.still === null
        ? []
        : rowsOf(`${name}, re-planned below ${found.still.toPrecision(2)}`, replanned)),
    ];
  } finally {
    await engine.close();
  }
}

async function pixelsOf(images: readonly GeneratedImage[]): Promise<Rgb[]> {
  return Promise.all(images.map(({ png }) => toRgb(png)));
}

function rowsOf(name: string, shots: readonly Shot[]): BenchRow[] {
  const steps = shots.map((shot) => shot.steps);
  const scores = shots.map((shot) => shot.ssim);
  const failures = shots.filter((shot) => shot.ssim < SAME_SSIM);
  const held = shots.filter((shot) => shot.ssim >= SAME_SSIM);
  // A pair that fails has saved nothing: it would have to be painted again with all steps.
  const saved = held.reduce((sum, shot) => sum + FULL_STEPS - shot.steps, 0) / shots.length;
  const row = (what: string, value: number, unit: string): BenchRow => ({
    name: `${name}: ${what}`,
    value,
    unit,
  });
  return [
    row(`steps saved of ${FULL_STEPS}, mean of ${shots.length} pairs`, saved, 'steps'),
    row('steps taken, fewest', Math.min(...steps), 'steps'),
    row('steps taken, median', median(steps), 'steps'),
    row('steps taken, 90th percentile', quantile(steps, 0.9), 'steps'),
    row('steps taken, most', Math.max(...steps), 'steps'),
    row(`pairs with SSIM >= ${SAME_SSIM}`, (100 * held.length) / shots.length, '%'),
    row('SSIM, median', median(scores), ''),
    row('SSIM, 10th percentile', quantile(scores, 0.1), ''),
    row('SSIM, worst pair', Math.min(...scores), ''),
    ...failures.map((shot) => row(`failed: ${shot.name}`, shot.ssim, '')),
  ];
}
