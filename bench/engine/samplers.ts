import { SAMPLERS, type SamplerName } from '../../src/engine/names.ts';
import { createNoiseSource } from '../../src/engine/noise/noise.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { planSampling } from '../../src/engine/samplers/samplers.ts';
import type { LatentShape, NoiseSource, SamplingRun } from '../../src/engine/sampling/sampling.ts';
import { type ModelSchedule, readModelSchedule } from '../../src/engine/sampling/schedule.ts';
import { REQUEST } from '../queue/orders.ts';
import type { BenchRow } from '../row.ts';

/** the latents of a 1024x1024 picture */
const SHAPE: LatentShape = [1, 4, 128, 128];
const STEPS = 20;
const ROUNDS = 40;
/** A bot runs for weeks: compiling is not what a step costs. */
const WARM_UP = 20;
const MOST_MS = 2;

const request: GenerateRequest = { ...REQUEST, width: 1024, height: 1024, steps: STEPS };

/** What a step of each sampler computes itself: the network and the noise cost nothing here. */
export async function benchSamplers(): Promise<BenchRow[]> {
  const plain = readModelSchedule({
    _class_name: 'EulerDiscreteScheduler',
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
  });
  const flow = readModelSchedule({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 });
  const rows: BenchRow[] = [];
  for (const sampler of SAMPLERS) {
    const value = await stepTime(sampler, sampler === 'flow_euler' ? flow : plain);
    const target = `< ${MOST_MS} ms`;
    rows.push({
      name: `${sampler}: a step's arithmetic`,
      value,
      unit: 'ms',
      target,
      ok: value < MOST_MS,
    });
  }
  return [...rows, ...noiseTimes()];
}

/** Processor time of this thread: other work on the machine does not count. */
function milliseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1000;
}

/** Milliseconds a step. */
async function stepTime(sampler: SamplerName, model: ModelSchedule): Promise<number> {
  const noise = createNoiseSource(request, SHAPE);
  const draw = noise.initial();
  const prediction = draw.map((value) => 0.9 * value);
  const free: NoiseSource = {
    initial: () => draw,
    next: () => draw,
    brownian: () => () => draw,
  };
  let [spent, taken] = [0, 0];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    let steps = 0;
    const run: SamplingRun = {
      predict: () => Promise.resolve(prediction),
      predictPair: () => Promise.resolve({ guided: prediction, uncond: prediction }),
      noise: free,
      shape: SHAPE,
      init: null,
      mask: null,
      onStep: () => (steps += 1),
    };
    const plan = planSampling({ ...request, sampler }, model);
    const began = process.threadCpuUsage();
    await plan.run(run);
    if (round < 0) continue;
    spent += milliseconds(began);
    // a person orders DPM fast by evaluations: one of its own steps spends up to three of them
    taken += sampler === 'dpm_fast' ? STEPS : steps;
  }
  return spent / taken;
}

/** What a step's noise costs, where a sampler asks for any. */
function noiseTimes(): BenchRow[] {
  const timed = (name: string, draw: (source: NoiseSource, i: number) => unknown, nv = false) => {
    const source = createNoiseSource({ ...request, rng: nv ? 'nv' : 'cpu' }, SHAPE);
    source.initial();
    for (let i = 0; i < WARM_UP; i++) draw(source, i);
    const began = process.threadCpuUsage();
    for (let i = 0; i < STEPS; i++) draw(source, i);
    return { name, value: milliseconds(began) / STEPS, unit: 'ms' };
  };
  let tree: ReturnType<NoiseSource['brownian']> | null = null;
  const level = (i: number): number => 14 * 0.8 ** i;
  return [
    timed('a draw of noise, rng cpu', (source) => source.next()),
    timed('a draw of noise, rng nv', (source) => source.next(), true),
    timed('a Brownian increment', (source, i) => {
      tree ??= source.brownian(level(STEPS), level(0));
      return tree(level(i), level(i + 1));
    }),
  ];
}
