/** What A1111 compares with its limits: the sigma that its denoiser is handed, which for some samplers is a timestep. */
import type { GenerateRequest } from '../request.ts';
import { SAMPLER_TABLE } from '../samplers/samplers.ts';
import { type ModelSchedule, sigmaTable, tToSigma } from '../sampling/schedule.ts';

/** A function of the network's timestep: the noise level, or the timestep for samplers over timesteps. */
export function levelOfTimestep(
  { sampler }: Pick<GenerateRequest, 'sampler'>,
  { alphasCumprod, parameterization }: ModelSchedule,
): (timestep: number) => number {
  if (sampler !== null && SAMPLER_TABLE[sampler].by === 'timesteps') return (timestep) => timestep;
  if (parameterization === 'flow') return (timestep) => timestep / 1000;
  const table = sigmaTable(alphasCumprod);
  return (timestep) => tToSigma(table, timestep);
}

/** Evaluations that A1111 counts on: two a step for samplers of second order, whatever they take. */
export function expectedEvaluations({
  sampler,
  steps,
  init,
}: Pick<GenerateRequest, 'sampler' | 'steps' | 'init'>): number {
  const run = init === null ? steps : Math.trunc(Math.min(init.strength, 0.999) * steps) + 1;
  return sampler !== null && SAMPLER_TABLE[sampler].evaluations === 2 ? 2 * run : run;
}
