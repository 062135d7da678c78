import { noisePredictor, outputToNoise } from '../sampling/denoiser.ts';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { FixedReplan, GenerateRequest } from '../request.ts';
import type { PlannedSampling, SamplingRun } from '../sampling/sampling.ts';
import type { ModelSchedule } from '../sampling/schedule.ts';
import { sampleDdim, samplePlms, type NoisePredictor } from './ddim.ts';
import { sum2 } from './linear.ts';
import { blend, spreadMask } from './mask.ts';
import { coarserTimesteps, openReplanner } from './replan.ts';
import { sampleUniPc, uniPcAsks } from './unipc.ts';

/** A1111's samplers over training timesteps (modules/sd_samplers_timesteps.py, CompVisSampler). */

type TimestepSampler = 'ddim' | 'ddim_cfgpp' | 'plms' | 'unipc';

/** A1111's factor between a CFG scale and the 0-1 scale of CFG++ */
export const CFGPP_FACTOR = 1 / 12.5;

/**
 * What a sampler over whole timesteps does: its steps, and the timesteps it asks at.
 * @throws UserError for more or fewer steps than it can take
 */
export function planTimesteps(
  name: TimestepSampler,
  request: GenerateRequest,
  model: ModelSchedule,
): PlannedSampling {
  if (request.steps > model.alphasCumprod.length) {
    throw new UserError(
      say('too-many-steps-for-sampler', name, model.alphasCumprod.length, request.steps),
    );
  }
  const planned = layout(name, request, model, request.init?.strength ?? null);
  // A1111's loops leave the lowest timestep out, so that one timestep would mean no step at all.
  const least = name === 'unipc' ? 3 : 2;
  if (planned.evaluated.length < least) {
    throw new UserError(
      say(
        request.init === null ? 'too-few-steps-for-sampler' : 'too-few-steps-at-strength',
        name,
        least,
        planned.evaluated.length,
      ),
    );
  }
  return {
    steps: name === 'unipc' ? planned.evaluated.length : planned.evaluated.length - 1,
    asks: (replan) => ({ first: asksOf(name, request, model, planned, replan), second: [] }),
    run: (input) => runTimesteps(name, request, model, input),
  };
}

/** ascending timesteps to evaluate, and the one the init picture is noised to (img2img) */
type Layout = { evaluated: number[]; start: number | null };

function layout(
  _name: TimestepSampler,
  { steps }: GenerateRequest,
  { alphasCumprod }: ModelSchedule,
  strength: number | null,
): Layout {
  const count = alphasCumprod.length;
  const stride = Math.floor(count / steps);
  const all: number[] = [];
  for (let t = 0; t < count; t += stride) all.push(Math.min(t + 1, count - 1));
  if (strength === null) return { evaluated: all, start: null };
  const encoded = Math.trunc(Math.min(strength, 0.999) * steps);
  return { evaluated: all.slice(0, encoded), start: all[encoded]! };
}

function asksOf(
  name: TimestepSampler,
  request: GenerateRequest,
  { alphasCumprod }: ModelSchedule,
  { evaluated }: Layout,
  replan: FixedReplan | null,
): number[] {
  const steps = evaluated.length - 1;
  switch (name) {
    case 'unipc': {
      const from = request.init === null ? {} : { start: continuousStart(evaluated) };
      return uniPcAsks(evaluated.length, alphasCumprod, from);
    }
    case 'plms': {
      const descending = evaluated.slice(1).reverse();
      // The first step looks ahead to where it ends.
      return [descending[0]!, evaluated[Math.max(steps - 1, 0)]!, ...descending.slice(1)];
    }
    case 'ddim':
      return ddimAsks(
        replan !== null && followsReplan(request) && replan.after < steps
          ? coarserTimesteps(evaluated, replan.after, replan.rest)
          : evaluated,
      );
    case 'ddim_cfgpp':
      return ddimAsks(evaluated);
  }
}

function ddimAsks(timesteps: readonly number[]): number[] {
  return timesteps.slice(1).reverse();
}

/** Noise in the steps would make other steps another picture. */
function followsReplan({ eta }: GenerateRequest): boolean {
  return (eta ?? 0) <= 0;
}

async function runTimesteps(
  name: TimestepSampler,
  request: GenerateRequest,
  model: ModelSchedule,
  input: SamplingRun,
): Promise<Float32Array> {
  const { alphasCumprod } = model;
  const { init, mask, noise } = input;
  const { evaluated, start } = layout(name, request, model, init?.strength ?? null);
  let x = noise.initial();
  if (init !== null && start !== null) {
    const alpha = alphasCumprod[start]!;
    x = sum2(Math.sqrt(alpha), init.latents, Math.sqrt(1 - alpha), x);
  }
  const spread = mask === null || init === null ? null : spreadMask(mask.data, input.shape);
  // A1111 lays the clean init latents under the mask before each evaluation (mask_before_denoising).
  const kept = (at: Float32Array): Float32Array =>
    spread === null || init === null ? at : blend(spread, at, init.latents);
  const plain = noisePredictor(input.predict, model);
  const predict: NoisePredictor = (at, t) => plain(kept(at), t);
  const total = name === 'unipc' ? evaluated.length : evaluated.length - 1;
  const options = {
    noise: () => noise.next(),
    onStep: (index: number, t: number, denoised: Float32Array) => {
      const alpha = alphasCumprod[Math.min(Math.max(Math.round(t), 0), alphasCumprod.length - 1)]!;
      const sigma = Math.sqrt((1 - alpha) / alpha);
      input.onStep({ index, total, sigma, denoised });
    },
    ...(request.eta === null ? {} : { eta: request.eta }),
  };
  switch (name) {
    case 'ddim': {
      const replanner = followsReplan(request)
        ? openReplanner(input.replan ?? null, { total, batch: input.shape[0] }, (plan) =>
            input.onReplan?.(plan),
          )
        : null;
      const replan = (index: number, denoised: Float32Array): number[] | null => {
        const rest = replanner?.(index, denoised) ?? null;
        return rest === null ? null : coarserTimesteps(evaluated, index, rest);
      };
      x = await sampleDdim(predict, x, evaluated, alphasCumprod, { ...options, replan });
      break;
    }
    case 'ddim_cfgpp': {
      const { guided, uncond } = cfgppPredictor(input, model, kept);
      x = await sampleDdim(guided, x, evaluated, alphasCumprod, { ...options, direction: uncond });
      break;
    }
    case 'plms':
      x = await samplePlms(predict, x, evaluated, alphasCumprod, options);
      break;
    case 'unipc': {
      const from = init === null ? {} : { start: continuousStart(evaluated) };
      x = await sampleUniPc(predict, x, evaluated.length, alphasCumprod, { ...options, ...from });
      break;
    }
  }
  return spread === null || init === null ? x : blend(spread, x, init.latents);
}

function continuousStart(evaluated: readonly number[]): number {
  return Math.fround(Math.fround(evaluated.at(-1)! / 1000) + Math.fround(1 / 1000));
}

function cfgppPredictor(
  input: SamplingRun,
  model: ModelSchedule,
  kept: (x: Float32Array) => Float32Array,
): { guided: NoisePredictor; uncond: () => Float32Array } {
  const { predictPair } = input;
  if (predictPair === undefined) {
    throw new UserError(say('cfgpp-needs-guidance'));
  }
  let last = new Float32Array(0);
  return {
    guided: async (x, t) => {
      const at = kept(x);
      const pair = await predictPair(at, t, CFGPP_FACTOR);
      last = outputToNoise(model, at, t, pair.uncond) as Float32Array<ArrayBuffer>;
      return outputToNoise(model, at, t, pair.guided);
    },
    uncond: () => last,
  };
}
