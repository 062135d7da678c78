/** Which noise levels a run in sigma space goes through, by A1111's rules or ComfyUI's. */
import { type LcmGrid, lcmGrid } from '../sampling/denoiser.ts';
import { linspace32 } from '../sampling/float32.ts';
import type { SamplerName, ScheduleName } from '../names.ts';
import type { GenerateRequest } from '../request.ts';
import {
  type ModelSchedule,
  type SigmaTable,
  comfyTableOf,
  sigmaTable,
  tToSigma,
} from '../sampling/schedule.ts';
import { a1111Sigmas, discardPenultimate } from '../schedules/a1111.ts';
import { type Spacing, comfySigmas, discreteSpacing, flowSpacing } from '../schedules/comfy.ts';
import type { SigmaMethod } from './sampler.ts';

export type Setting = {
  name: SamplerName;
  method: SigmaMethod;
  schedule: Exclude<ScheduleName, 'automatic'>;
  request: GenerateRequest;
  model: ModelSchedule;
};

/** the levels of a whole schedule and where on it the run begins */
export type Layout = { all: Float32Array; run: Float32Array };

export type Levels = { spacing: Spacing; table: SigmaTable; grid: LcmGrid | null; flow: boolean };

/**
 * Finds the table of noise levels that a run goes by: flow matching's, ComfyUI's or A1111's. `grid` is LCM's in
 * A1111, null for every other sampler.
 */
export function describeLevels({ name, request, model }: Setting): Levels {
  if (model.parameterization === 'flow') {
    const spacing = flowSpacing(flowShift(model));
    return { spacing, table: spacing.table, grid: null, flow: true };
  }
  const isComfy = request.profile === 'comfy';
  const table = isComfy ? comfyTableOf(model) : sigmaTable(model.alphasCumprod);
  const grid = name === 'lcm' && !isComfy ? lcmGrid(model.alphasCumprod) : null;
  return { spacing: discreteSpacing(table), table, grid, flow: false };
}

/** the static shift of a flow model's config; ComfyUI's Flux value where the config shifts by size */
function flowShift(model: ModelSchedule): number {
  if (model.config['use_dynamic_shifting'] === true) return Math.exp(1.15);
  const shift = model.config['shift'];
  return typeof shift === 'number' && shift > 0 ? shift : 1;
}

function scheduleOf(setting: Setting, levels: Levels, steps: number): Float32Array {
  const { method, request, schedule } = setting;
  const n = method.discardPenultimate ? steps + 1 : steps;
  let sigmas: Float32Array;
  if (request.profile === 'comfy' || levels.flow)
    sigmas = comfySigmas(schedule, n, levels.spacing, { sdxl: isSdxl(setting) });
  else if (levels.grid !== null && schedule === 'uniform') sigmas = lcmSigmas(levels.grid, n);
  else
    sigmas = a1111Sigmas(schedule, n, levels.grid?.table ?? levels.table, {
      sdxl: isSdxl(setting),
    });
  return method.discardPenultimate ? discardPenultimate(sigmas) : sigmas;
}

function isSdxl({ model, request }: Setting): boolean {
  return model.sdxl ?? request.width * request.height > 768 * 768;
}

/** LCMCompVisDenoiser.get_sigmas: evenly over the grid of 50 */
export function lcmSigmas(grid: LcmGrid, n: number): Float32Array {
  const last = grid.table.sigmas.length - 1;
  const start = last * grid.stride + grid.stride - 1;
  const timesteps = linspace32(start, grid.stride - 1, n);
  const sigmas = new Float32Array(n + 1);
  for (const [i, t] of timesteps.entries()) {
    const position = Math.fround(Math.fround(t - (grid.stride - 1)) / grid.stride);
    sigmas[i] = tToSigma(grid.table, Math.min(Math.max(position, 0), last));
  }
  return sigmas;
}

/**
 * img2img shortens the schedule. A1111 (setup_img2img_steps) runs int(min(s, .999) n) + 1 of n steps; ComfyUI
 * (KSampler.set_steps) runs n steps of int(n / s).
 */
export function layout(setting: Setting, levels: Levels, strength: number | null): Layout {
  const { steps, profile } = setting.request;
  if (profile === 'comfy') {
    if (strength === null || strength > 0.9999) {
      const all = scheduleOf(setting, levels, steps);
      return { all, run: all };
    }
    const all = scheduleOf(setting, levels, strength > 0 ? Math.trunc(steps / strength) : steps);
    return { all, run: strength > 0 ? all.slice(-(steps + 1)) : all.slice(-1) };
  }
  const all = scheduleOf(setting, levels, steps);
  if (strength === null) return { all, run: all };
  const encoded = Math.trunc(Math.min(strength, 0.999) * steps);
  return { all, run: all.slice(steps - encoded - 1) };
}
