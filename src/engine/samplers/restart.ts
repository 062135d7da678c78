import type { Denoiser } from '../sampling/sampling.ts';
import { karras } from '../schedules/a1111.ts';
import { heunStep } from './heun.ts';
import { raisedTo } from './kernels.ts';
import type { SamplerOptions } from './sampler.ts';

/** At the level nearest `at`: go back up to the one nearest `to` and down again in `steps` Karras points, `times` times. */
export type RestartPlan = { at: number; steps: number; times: number; to: number };

/**
 * Restart: Heun's method that climbs back to a higher noise level and descends again; two evaluations a step, one
 * draw a climb. From 20 steps on it plans one climb by itself, from 36 on two, and lays the steps out anew on
 * Karras' spacing. Xu et al., "Restart Sampling for Improving Generative Processes" (2023); reference A1111
 * modules/sd_samplers_extra.py, restart_sampler.
 */
export async function sampleRestart(
  denoise: Denoiser,
  x: Float32Array,
  sigmas: Float32Array,
  { noise, onStep, noiseScale = 1, plan }: SamplerOptions & { plan?: readonly RestartPlan[] },
): Promise<Float32Array> {
  let last: number | null = null;
  for (const [i, [from, to]] of restartSteps(sigmas, plan).entries()) {
    if (last !== null && last < from) {
      x = raisedTo(x, last, from, noiseScale, noise(last, from));
    }
    const denoised = await denoise(x, from);
    onStep(i, from, denoised);
    x = await heunStep(denoise, x, from, to, denoised);
    last = to;
  }
  return x;
}

/** The noise levels σ that restart asks the network at, in order, those it goes back to among them. */
export function restartAsks(sigmas: Float32Array): number[] {
  return restartSteps(sigmas, undefined).flatMap(([from, to]) => (to === 0 ? [from] : [from, to]));
}

/** The steps in order, as pairs of noise levels. */
export function restartSteps(
  given: Float32Array,
  plan: readonly RestartPlan[] | undefined,
): [number, number][] {
  let sigmas = given;
  let restarts = plan ?? [];
  const steps = given.length - 1;
  if (plan === undefined && steps >= 20) {
    const climbs = steps >= 36 ? 2 : 1;
    const climbSteps = steps >= 36 ? Math.floor(steps / 4) : 9;
    sigmas = karras(steps - climbSteps * climbs, given.at(-2)!, given[0]!);
    restarts = [{ at: 0.1, steps: climbSteps + 1, times: climbs, to: 2 }];
  }
  const byIndex = new Map(restarts.map((restart) => [nearest(sigmas, restart.at), restart]));
  const list: [number, number][] = [];
  for (let i = 0; i < sigmas.length - 1; i++) {
    list.push([sigmas[i]!, sigmas[i + 1]!]);
    const restart = byIndex.get(i + 1);
    if (restart === undefined) continue;
    const top = nearest(sigmas, restart.to);
    if (top >= i + 1) continue;
    const climb = karras(restart.steps, sigmas[i + 1]!, sigmas[top]!).subarray(0, -1);
    for (let time = 0; time < restart.times; time++) {
      for (let j = 0; j + 1 < climb.length; j++) list.push([climb[j]!, climb[j + 1]!]);
    }
  }
  return list;
}

function nearest(sigmas: Float32Array, value: number): number {
  let best = 0;
  for (let i = 1; i < sigmas.length; i++) {
    if (Math.abs(sigmas[i]! - value) < Math.abs(sigmas[best]! - value)) best = i;
  }
  return best;
}
