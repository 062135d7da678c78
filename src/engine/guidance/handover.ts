/** Another model takes over on the way (SDXL's refiner). */
import { RunError } from '../errors.ts';
import type { Guided } from './guidance.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { levelOfTimestep } from './network-level.ts';
import type { GenerateRequest, Refiner } from '../request.ts';
import { SAMPLER_TABLE } from '../samplers/samplers.ts';
import { type ModelSchedule, sigmaTable } from '../sampling/schedule.ts';
import { say } from '../sentences.ts';

/** @throws RunError for a model whose latents or answers are not those of the first */
export function checkRefiner(model: LoadedModel, refiner: LoadedModel): void {
  const [a, b] = [model.entry.layout, refiner.entry.layout];
  const fits =
    a.latentChannels === b.latentChannels &&
    a.vaeFactor === b.vaeFactor &&
    a.inpainting === b.inpainting &&
    (a.edits === undefined) === (b.edits === undefined) &&
    model.schedule.parameterization === refiner.schedule.parameterization;
  if (!fits) throw new RunError(say('refiner-misfit', b.name, a.name));
}

/**
 * A1111's way (sd_samplers_common.py, apply_refiner): the sampler goes on as if nothing had happened, and from the
 * timestep on that `switchAt` names the other network answers, also when the noise grows again (Restart).
 */
export function handOver(
  first: Guided,
  second: Guided,
  {
    request,
    schedule,
    switchAt,
  }: Pick<Refiner, 'switchAt'> & {
    request: GenerateRequest;
    schedule: ModelSchedule;
  },
): Guided {
  const isOver = takesOver(request, schedule, switchAt);
  const at = (timestep: number): Guided => (isOver(timestep) ? second : first);
  return {
    predict: (x, timestep) => at(timestep).predict(x, timestep),
    predictPair: (x, timestep, factor) => at(timestep).predictPair(x, timestep, factor),
  };
}

/** Whether the other network answers an evaluation: asked of each in order, and true for good once it was. */
export function takesOver(
  request: GenerateRequest,
  schedule: ModelSchedule,
  switchAt: number,
): (timestep: number) => boolean {
  const done = completedShare(request, schedule);
  let over = false;
  return (timestep) => (over ||= done(timestep) >= switchAt);
}

function completedShare(
  request: GenerateRequest,
  schedule: ModelSchedule,
): (timestep: number) => number {
  const level = levelOfTimestep(request, schedule);
  if (request.sampler !== null && SAMPLER_TABLE[request.sampler].by === 'timesteps') {
    return (timestep) => (999 - Math.trunc(timestep)) / 1000;
  }
  const { sigmas } = sigmaTable(schedule.alphasCumprod);
  return (timestep) => (999 - nearest(sigmas, level(timestep))) / 1000;
}

/** The place in an ascending table whose value is nearest; the lower of two equally near. */
function nearest(table: Float32Array, value: number): number {
  let best = 0;
  for (let i = 1; i < table.length; i++) {
    if (Math.abs((table[i] as number) - value) < Math.abs((table[best] as number) - value))
      best = i;
  }
  return best;
}
