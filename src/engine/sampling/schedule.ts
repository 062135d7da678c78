import { UserError } from '../errors.ts';
import { type TrainingConfig, ldmAlphas, ldmBetas, readTraining } from '../schedules/training.ts';
import { say } from '../sentences.ts';

/** What the network's output means. */
export type Parameterization = 'epsilon' | 'v_prediction' | 'sample' | 'flow';

const f = Math.fround;

/** A model's noise process, from its scheduler/scheduler_config.json. */
export type ModelSchedule = {
  /** cumulative products of (1 - beta), one per training timestep */
  alphasCumprod: Float32Array;
  parameterization: Parameterization;
  /** the raw scheduler_config.json, for profile diffusers */
  config: Readonly<Record<string, unknown>>;
  /** how the model's own pipeline calls its scheduler (profile diffusers); absent: see PLAIN_CALLS */
  calls?: PipelineCalls;
  /** Align Your Steps has levels of its own for SDXL; left out, a picture larger than 768 x 768 is taken for one */
  sdxl?: boolean;
};

/** In what diffusers' pipelines differ when they call their schedulers. */
export type PipelineCalls = {
  /** configs that are older than their scheduler are put right */
  correctsConfig: boolean;
  /** an LCMScheduler is handed the strength and shrinks its grid by it, instead of skipped steps */
  handsStrengthToLcm: boolean;
  /** the scheduler's own grid, or an even one of σ that it is handed; `even-shifted`: and the exponent of its shift */
  grid: 'own' | 'even' | 'even-shifted';
};

export const PLAIN_CALLS: PipelineCalls = {
  correctsConfig: false,
  handsStrengthToLcm: true,
  grid: 'own',
};

const PREDICTIONS: Readonly<Record<string, Parameterization>> = {
  epsilon: 'epsilon',
  v_prediction: 'v_prediction',
  sample: 'sample',
  flow_prediction: 'flow',
};

/**
 * Reads scheduler_config.json. The table is the one A1111 and ComfyUI compute (double precision, rounded once);
 * diffusers' own float32 table is diffusersAlphas(readTraining(config)).
 * @throws UserError naming the entry that cannot be used
 */
export function readModelSchedule(config: Record<string, unknown>): ModelSchedule {
  const className = String(config['_class_name'] ?? '');
  const isFlow = className.startsWith('FlowMatch') || config['use_flow_sigmas'] === true;
  const prediction = config['prediction_type'] ?? (isFlow ? 'flow_prediction' : 'epsilon');
  const parameterization = isFlow ? 'flow' : PREDICTIONS[String(prediction)];
  if (parameterization === undefined) {
    throw new UserError(
      say(
        'scheduler-option',
        'prediction_type',
        Object.keys(PREDICTIONS).join(', '),
        JSON.stringify(prediction),
      ),
    );
  }
  return { alphasCumprod: ldmAlphas(readTraining(config)), parameterization, config };
}

/** A flow's levels shifted by the request's own number, whatever the model's config has them shifted by. */
export function shiftedBy(model: ModelSchedule, shift: number | undefined): ModelSchedule {
  if (shift === undefined || model.parameterization !== 'flow') return model;
  return { ...model, config: { ...model.config, shift, use_dynamic_shifting: false } };
}

/** The noise levels of the training timesteps, ascending, and their logarithms (k-diffusion's DiscreteSchedule). */
export type SigmaTable = { sigmas: Float32Array; logSigmas: Float32Array };

/**
 * The table ComfyUI computes (comfy/model_sampling.py, ModelSamplingDiscrete): the same betas, but double
 * precision up to the sigmas, which keeps the digits that float32's 1 - ᾱ loses at the low end.
 */
export function comfySigmaTable(training: TrainingConfig): SigmaTable {
  let product = 1;
  const bars = ldmBetas(training).map((beta) => (product *= 1 - beta));
  let sigmas = Float32Array.from(bars, (bar) => Math.sqrt((1 - bar) / bar));
  if (training.zeroTerminalSnr) {
    const roots = sigmas.map((sigma) => Math.sqrt(1 / (sigma * sigma + 1)));
    const first = roots[0]!;
    const last = roots.at(-1)!;
    const scaled = roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
    scaled[scaled.length - 1] = 4.8973451890853435e-8;
    sigmas = scaled.map((bar) => Math.sqrt((1 - bar) / bar));
  }
  return { sigmas, logSigmas: sigmas.map((sigma) => Math.log(sigma)) };
}

const comfyTables = new WeakMap<ModelSchedule['config'], SigmaTable>();

/** The same for a model, as long as its config is in memory. */
export function comfyTableOf({ config }: Pick<ModelSchedule, 'config'>): SigmaTable {
  const known = comfyTables.get(config);
  if (known !== undefined) return known;
  const table = comfySigmaTable(readTraining(config));
  comfyTables.set(config, table);
  return table;
}

/** a model's table, as long as its ᾱ are in memory */
const tables = new WeakMap<Float32Array, SigmaTable>();

/** σ = sqrt((1 - ᾱ)/ᾱ) */
export function sigmaTable(alphasCumprod: Float32Array): SigmaTable {
  const known = tables.get(alphasCumprod);
  if (known !== undefined) return known;
  const sigmas = alphasCumprod.map((a) => Math.sqrt(f(f(1 - a) / a)));
  const table = { sigmas, logSigmas: sigmas.map((sigma) => Math.log(sigma)) };
  tables.set(alphasCumprod, table);
  return table;
}

/**
 * The (fractional) training timestep of a noise level, by interpolation in log σ; clamped to the table's ends
 * (k_diffusion/external.py, DiscreteSchedule.sigma_to_t). `quantize` gives the nearest whole timestep.
 */
export function sigmaToT(table: SigmaTable, sigma: number, quantize = false): number {
  const logs = table.logSigmas;
  const logSigma = f(Math.log(f(sigma)));
  // The last entry not above σ: the table ascends.
  let low = 0;
  let high = logs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (logs[middle]! <= logSigma) low = middle;
    else high = middle - 1;
  }
  if (quantize) {
    if (low + 1 >= logs.length) return low;
    return f(logSigma - logs[low]!) <= f(logs[low + 1]! - logSigma) ? low : low + 1;
  }
  low = Math.min(low, logs.length - 2);
  const below = logs[low]!;
  const w = Math.min(Math.max(f(f(below - logSigma) / f(below - logs[low + 1]!)), 0), 1);
  return f(f(f(1 - w) * low) + f(w * (low + 1)));
}

/** The noise level of a (fractional) timestep (DiscreteSchedule.t_to_sigma). */
export function tToSigma(table: SigmaTable, t: number): number {
  const t32 = f(t);
  const low = Math.floor(t32);
  const high = Math.min(Math.ceil(t32), table.logSigmas.length - 1);
  const w = f(t32 - low);
  const log = f(f(f(1 - w) * table.logSigmas[low]!) + f(w * table.logSigmas[high]!));
  return f(Math.exp(log));
}
