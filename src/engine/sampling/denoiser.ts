import { sum2 } from '../samplers/linear.ts';
import type { NoisePredictor } from '../samplers/ddim.ts';
import type { Denoiser, Predict } from './sampling.ts';
import { type ModelSchedule, type SigmaTable, sigmaToT } from './schedule.ts';

/** The guided network, which speaks in timesteps and its own parameterization, as what samplers ask for. */

const f = Math.fround;

/** the network's input at noise level sigma: x / sqrt(σ² + 1), in the reference's float32 steps */
function scaledInput(x: Float32Array, sigma: number): Float32Array {
  const cIn = f(1 / f(Math.sqrt(f(f(sigma * sigma) + 1))));
  const out = new Float32Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = x[i]! * cIn;
  return out;
}

/** The timestep at which the network is asked about a noise level. */
export function sigmaTimestep(
  { parameterization }: Pick<ModelSchedule, 'parameterization'>,
  table: SigmaTable,
  quantize = false,
): (sigma: number) => number {
  if (parameterization === 'flow') return (sigma) => f(f(sigma) * 1000);
  return (sigma) => sigmaToT(table, f(sigma), quantize);
}

/**
 * x̂0 in sigma space, x = x0 + σ n: k-diffusion's CompVisDenoiser (ε) and CompVisVDenoiser (v)
 * (k_diffusion/external.py); for flow models x = (1 - σ) x0 + σ n and timestep = 1000 σ.
 * @param quantize rounds to whole timesteps, as ComfyUI does
 */
export function sigmaDenoiser(
  predict: Predict,
  model: ModelSchedule,
  table: SigmaTable,
  quantize = false,
): Denoiser {
  const timestep = sigmaTimestep(model, table, quantize);
  if (model.parameterization === 'flow') {
    return async (x, sigma) => sum2(1, x, -sigma, await predict(x, timestep(sigma)));
  }
  return async (x, level) => {
    const sigma = f(level);
    const output = await predict(scaledInput(x, sigma), timestep(sigma));
    switch (model.parameterization) {
      case 'epsilon':
        return sum2(1, x, -sigma, output);
      case 'v_prediction': {
        const variance = sigma * sigma + 1;
        return sum2(1 / variance, x, -sigma / Math.sqrt(variance), output);
      }
      default:
        return output;
    }
  };
}

/** Every 20th training timestep counted from the last, the grid consistency models are distilled on. */
export type LcmGrid = { table: SigmaTable; stride: number };

const LCM_STEPS = 50;

/** σ and ln σ at the fifty timesteps that LCMs were trained at, and training's timesteps from one to the next. */
export function lcmGrid(alphasCumprod: Float32Array): LcmGrid {
  const stride = Math.floor(alphasCumprod.length / LCM_STEPS);
  const sigmas = Float32Array.from({ length: LCM_STEPS }, (_, i) => {
    const alpha = alphasCumprod[alphasCumprod.length - 1 - (LCM_STEPS - 1 - i) * stride]!;
    return Math.sqrt(f(f(1 - alpha) / alpha));
  });
  return { table: { sigmas, logSigmas: sigmas.map((s) => Math.log(s)) }, stride };
}

/** the grid's training timestep nearest a noise level */
export function lcmTimestep(grid: LcmGrid, sigma: number): number {
  return sigmaToT(grid.table, f(sigma), true) * grid.stride + (grid.stride - 1);
}

/**
 * x̂0 of a consistency model with its boundary scaling c_skip x + c_out x̂0 (A1111 modules/sd_samplers_lcm.py,
 * LCMCompVisDenoiser; timestep scaling 10, σ_data 0.5).
 */
export function lcmDenoiser(predict: Predict, model: ModelSchedule, grid: LcmGrid): Denoiser {
  return async (x, level) => {
    const sigma = f(level);
    const t = lcmTimestep(grid, sigma);
    const output = await predict(scaledInput(x, sigma), t);
    const denoised = toDenoised(model, x, sigma, output);
    const scaledT = t * 10;
    const total = scaledT * scaledT + 0.25;
    return sum2(scaledT / Math.sqrt(total), denoised, 0.25 / total, x);
  };
}

function toDenoised(
  model: ModelSchedule,
  x: Float32Array,
  sigma: number,
  output: Float32Array,
): Float32Array {
  if (model.parameterization === 'sample') return output;
  if (model.parameterization === 'epsilon') return sum2(1, x, -sigma, output);
  const variance = sigma * sigma + 1;
  return sum2(1 / variance, x, -sigma / Math.sqrt(variance), output);
}

/** ε in VP space, x = sqrt(ᾱ) x0 + sqrt(1 - ᾱ) n, for the samplers over timesteps (A1111 sd_samplers_timesteps.py) */
export function noisePredictor(predict: Predict, model: ModelSchedule): NoisePredictor {
  return async (x, t) => outputToNoise(model, x, t, await predict(x, t));
}

/** a network output at timestep t as ε */
export function outputToNoise(
  model: ModelSchedule,
  x: Float32Array,
  t: number,
  output: Float32Array,
): Float32Array {
  const last = model.alphasCumprod.length - 1;
  const alpha = model.alphasCumprod[Math.min(Math.max(Math.trunc(t), 0), last)]!;
  switch (model.parameterization) {
    case 'v_prediction':
      return sum2(Math.sqrt(alpha), output, Math.sqrt(1 - alpha), x);
    case 'sample':
      return sum2(1 / Math.sqrt(1 - alpha), x, -Math.sqrt(alpha / (1 - alpha)), output);
    default:
      return output;
  }
}
