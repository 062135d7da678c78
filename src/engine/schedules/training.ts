/** How a model was trained: its betas, and the products of (1 - beta) as the references compute them. */
import { UserError } from '../errors.ts';
import { linspace32 } from '../sampling/float32.ts';
import { say } from '../sentences.ts';

const f = Math.fround;

/** What a training run is described by; missing entries are the scheduler class's own defaults. */
export type TrainingConfig = {
  timesteps: number;
  betaStart: number;
  betaEnd: number;
  betaSchedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2' | 'sigmoid' | 'laplace';
  trainedBetas: readonly number[] | null;
  zeroTerminalSnr: boolean;
};

const BETA_SCHEDULES = [
  'linear',
  'scaled_linear',
  'squaredcos_cap_v2',
  'sigmoid',
  'laplace',
] as const;

/** diffusers' scheduler classes differ in the betas they take when a config names none. */
function classDefaults(className: string): { start: number; end: number; schedule: string } {
  if (className === 'LCMScheduler' || className === 'TCDScheduler') {
    return { start: 0.00085, end: 0.012, schedule: 'scaled_linear' };
  }
  if (/^(Heun|KDPM2|KDPM2Ancestral)DiscreteScheduler$|^DPMSolverSDEScheduler$/.test(className)) {
    return { start: 0.00085, end: 0.012, schedule: 'linear' };
  }
  return { start: 0.0001, end: 0.02, schedule: 'linear' };
}

function numberAt(
  config: Readonly<Record<string, unknown>>,
  key: string,
  fallback: number,
): number {
  const value = config[key] ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new UserError(say('scheduler-option', key, '0.0', JSON.stringify(value)));
}

/** @throws UserError when the file's numbers cannot describe a training run */
export function readTraining(config: Readonly<Record<string, unknown>>): TrainingConfig {
  const defaults = classDefaults(String(config['_class_name'] ?? ''));
  const timesteps = numberAt(config, 'num_train_timesteps', 1000);
  if (!Number.isInteger(timesteps) || timesteps < 1 || timesteps > 100_000) {
    throw new UserError(
      say('scheduler-option', 'num_train_timesteps', '1 … 100000', String(timesteps)),
    );
  }
  const name = config['beta_schedule'] ?? defaults.schedule;
  const betaSchedule = BETA_SCHEDULES.find((known) => known === name);
  if (betaSchedule === undefined) {
    throw new UserError(
      say('scheduler-option', 'beta_schedule', BETA_SCHEDULES.join(', '), JSON.stringify(name)),
    );
  }
  const trained = config['trained_betas'] ?? null;
  if (
    trained !== null &&
    !(Array.isArray(trained) && trained.every((b) => typeof b === 'number'))
  ) {
    throw new UserError(
      say(
        'scheduler-option',
        'trained_betas',
        'null, [0.0, …]',
        JSON.stringify(trained).slice(0, 100),
      ),
    );
  }
  return {
    timesteps: trained === null ? timesteps : trained.length,
    betaStart: numberAt(config, 'beta_start', defaults.start),
    betaEnd: numberAt(config, 'beta_end', defaults.end),
    betaSchedule,
    trainedBetas: trained,
    zeroTerminalSnr: config['rescale_betas_zero_snr'] === true,
  };
}

/** alpha-bar of the cosine schedule of Nichol and Dhariwal, "Improved DDPM" (2021), as betas capped at 0.999 */
function alphaBarBetas(n: number, alphaBar: (t: number) => number): number[] {
  return Array.from({ length: n }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / n) / alphaBar(i / n), 0.999),
  );
}

function cosineBetas(n: number): number[] {
  return alphaBarBetas(n, (t) => Math.cos(((t + 0.008) / 1.008) * (Math.PI / 2)) ** 2);
}

function laplaceBetas(n: number): number[] {
  return alphaBarBetas(n, (t) => {
    const lambda = -0.5 * Math.sign(0.5 - t) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
    const snr = Math.exp(lambda);
    return Math.sqrt(snr / (1 + snr));
  });
}

function sigmoidBetas({ timesteps, betaStart, betaEnd }: TrainingConfig): number[] {
  return Array.from(
    linspace32(-6, 6, timesteps),
    (x) => (betaEnd - betaStart) / (1 + Math.exp(-x)) + betaStart,
  );
}

/**
 * The table of the ldm code base (ldm/modules/diffusionmodules/util.py, make_beta_schedule), in double precision
 * and rounded once. Zero terminal SNR as A1111 makes it (modules/sd_models.py, rescale_zero_terminal_snr_abar).
 */
export function ldmAlphas(training: TrainingConfig): Float32Array {
  const betas = ldmBetas(training);
  let product = 1;
  const alphas = Float32Array.from(betas, (beta) => (product *= 1 - beta));
  if (!training.zeroTerminalSnr) return alphas;
  const roots = alphas.map((a) => Math.sqrt(a));
  const first = roots[0]!;
  const last = roots.at(-1)!;
  const stretch = f(first / f(first - last));
  for (let i = 0; i < roots.length; i++) {
    const root = f(f(roots[i]! - last) * stretch);
    alphas[i] = root * root;
  }
  alphas[alphas.length - 1] = 4.8973451890853435e-8;
  return alphas;
}

/** β at each timestep of training, in float64, as the original repositories calculate it. */
export function ldmBetas(training: TrainingConfig): readonly number[] {
  const { timesteps: n, betaStart, betaEnd, betaSchedule, trainedBetas } = training;
  if (trainedBetas !== null) return trainedBetas;
  const between = (a: number, b: number, i: number): number =>
    n === 1 ? a : a + ((b - a) / (n - 1)) * i;
  switch (betaSchedule) {
    case 'scaled_linear':
      return Array.from(
        { length: n },
        (_, i) => between(Math.sqrt(betaStart), Math.sqrt(betaEnd), i) ** 2,
      );
    case 'linear':
      return Array.from({ length: n }, (_, i) => between(betaStart, betaEnd, i));
    case 'squaredcos_cap_v2':
      return cosineBetas(n);
    case 'sigmoid':
      return sigmoidBetas(training);
    case 'laplace':
      return laplaceBetas(n);
  }
}

/** diffusers' float32 betas, before any rescaling (the head of every scheduler's __init__). */
export function diffusersBetas(training: TrainingConfig): Float32Array {
  const { timesteps: n, betaStart, betaEnd, betaSchedule, trainedBetas } = training;
  if (trainedBetas !== null) return Float32Array.from(trainedBetas);
  switch (betaSchedule) {
    case 'scaled_linear':
      return linspace32(Math.sqrt(betaStart), Math.sqrt(betaEnd), n).map((x) => x * x);
    case 'linear':
      return linspace32(betaStart, betaEnd, n);
    case 'squaredcos_cap_v2':
      return Float32Array.from(cosineBetas(n));
    case 'sigmoid':
      return Float32Array.from(sigmoidBetas(training));
    case 'laplace':
      return Float32Array.from(laplaceBetas(n));
  }
}

/** torch.cumprod of float32: the running product is kept in double precision */
function cumulativeProduct(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => (product *= value));
}

/**
 * diffusers' table: float32 throughout; zero terminal SNR is Algorithm 1 of Lin et al., "Common Diffusion Noise
 * Schedules and Sample Steps are Flawed" (2023) (rescale_zero_terminal_snr of the schedulers).
 */
export function diffusersAlphas(training: TrainingConfig): Float32Array {
  const alphas = diffusersBetas(training).map((beta) => 1 - beta);
  if (!training.zeroTerminalSnr) return cumulativeProduct(alphas);
  const roots = cumulativeProduct(alphas).map((a) => Math.sqrt(a));
  const first = roots[0]!;
  const last = roots.at(-1)!;
  const stretch = f(first / f(first - last));
  const bars = roots.map((root) => {
    const moved = f(f(root - last) * stretch);
    return moved * moved;
  });
  // diffusers goes back to betas and multiplies them up again, which rounds once more.
  const ratios = bars.map((bar, i) => (i === 0 ? bar : bar / bars[i - 1]!));
  return cumulativeProduct(ratios.map((ratio) => 1 - f(1 - ratio)));
}
