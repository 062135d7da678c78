import { UserError } from '../errors.ts';
import { numpyLog } from '../sampling/float32.ts';
import { say } from '../sentences.ts';
import { diffusersAlphas, readTraining } from '../schedules/training.ts';
import { betaQuantile } from '../schedules/beta-distribution.ts';
import { choice, flag, numberOption, optionalNumber, type SchedulerConfig } from './config.ts';

/** Where on the training schedule diffusers' schedulers put their steps (the set_timesteps of each class). */

const SPACINGS = ['linspace', 'leading', 'trailing'] as const;
export type Spacing = (typeof SPACINGS)[number];

/** numpy's round: ties to even */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** numpy.linspace(start, stop, n) */
export function linspace(start: number, stop: number, n: number): number[] {
  if (n === 1) return [start];
  const step = (stop - start) / (n - 1);
  return Array.from({ length: n }, (_, i) => (i === n - 1 ? stop : start + i * step));
}

/** numpy.arange(start, 0, -ratio): its length and its steps carry the rounding of the division */
function countdown(start: number, ratio: number): number[] {
  const length = Math.ceil(-start / -ratio);
  const delta = start - ratio - start;
  return Array.from({ length }, (_, i) => start + i * delta);
}

/** How timesteps are spread over training's: `timestep_spacing`, else what is usual for the class. */
export function spacingOf(config: SchedulerConfig, fallback: Spacing): Spacing {
  return choice(config, 'timestep_spacing', SPACINGS, fallback);
}

/**
 * Descending timesteps, n of them.
 * @param whole rounds linspace's to whole numbers (schedulers whose timesteps are integers)
 * @param extra solvers that lay out n + 1 points and drop the last
 * @throws UserError for more steps than it was trained with
 */
export function spacedTimesteps(
  config: SchedulerConfig,
  n: number,
  fallback: Spacing,
  { whole, extra, last }: { whole: boolean; extra: boolean; last?: number },
): number[] {
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const end = last ?? train;
  if (n > train) {
    throw new UserError(say('too-many-steps-for-training', train, n));
  }
  const points = extra ? n + 1 : n;
  switch (spacingOf(config, fallback)) {
    case 'linspace': {
      const all = linspace(0, end - 1, points).map((t) =>
        whole ? roundHalfEven(t) : Math.fround(t),
      );
      const down = all.reverse();
      return extra ? down.slice(0, -1) : down;
    }
    case 'leading': {
      const ratio = Math.floor(end / points);
      const offset = numberOption(config, 'steps_offset', 0);
      const down = Array.from({ length: points }, (_, i) => (points - 1 - i) * ratio);
      return (extra ? down.slice(0, -1) : down).map((t) => t + offset);
    }
    case 'trailing':
      return countdown(end, train / n).map((t) => roundHalfEven(t) - 1);
  }
}

/** How a class treats rescale_betas_zero_snr: not at all, as it comes out, or with the last ᾱ held at 2^-24. */
export type ZeroSnr = 'ignored' | 'plain' | 'held';

/** ᾱ of the training timesteps, their noise levels, ascending, and the logarithms of these; not to be written to. */
export type TrainingTable = { alphas: Float32Array; sigmas: Float32Array; logSigmas: Float32Array };

/** By what was trained and how it is read: whoever counts what an order costs asks for them, too. */
const known = new Map<string, TrainingTable>();
const MOST_KNOWN = 32;

/** ᾱ, σ and ln σ at each timestep of training, kept by all that decides them. */
export function tableOf(config: SchedulerConfig, zeroSnr: ZeroSnr): TrainingTable {
  const training = readTraining(config);
  const key = JSON.stringify([zeroSnr, training]);
  let table = known.get(key);
  if (table === undefined) {
    const alphas = diffusersAlphas({
      ...training,
      zeroTerminalSnr: training.zeroTerminalSnr && zeroSnr !== 'ignored',
    });
    if (training.zeroTerminalSnr && zeroSnr === 'held') alphas[alphas.length - 1] = 2 ** -24;
    const sigmas = alphas.map((a) => Math.sqrt(Math.fround(Math.fround(1 - a) / a)));
    table = { alphas, sigmas, logSigmas: sigmas.map(numpyLog) };
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, table);
  }
  return table;
}

/** ᾱ (alphas_cumprod) at each timestep of training, falling. */
export function alphasOf(config: SchedulerConfig, zeroSnr: ZeroSnr): Float32Array {
  return tableOf(config, zeroSnr).alphas;
}

/** numpy.interp over the table's index */
export function interpolate(table: ArrayLike<number>, at: number): number {
  if (at <= 0) return table[0]!;
  const last = table.length - 1;
  if (at >= last) return table[last]!;
  const low = Math.floor(at);
  return (table[low + 1]! - table[low]!) * (at - low) + table[low]!;
}

/** Index of the last entry not above a value, else 0. Not by halving: zero terminal SNR can end out of order. */
function lastNotAbove(values: ArrayLike<number>, value: number): number {
  let at = values.length - 1;
  while (at > 0 && values[at]! > value) at--;
  return at;
}

/** the (fractional) timestep of a noise level, by interpolation in log σ (_sigma_to_t) */
export function sigmaToTimestep(sigma: number, logSigmas: ArrayLike<number>): number {
  const logSigma = Math.log(Math.max(sigma, 1e-10));
  let low = lastNotAbove(logSigmas, logSigma);
  low = Math.min(low, logSigmas.length - 2);
  const below = logSigmas[low]!;
  const w = Math.min(Math.max((below - logSigma) / (below - logSigmas[low + 1]!), 0), 1);
  return (1 - w) * low + w * (low + 1);
}

/** the same of a float32 level, in the float32 steps that torch takes: a network with whole timesteps cuts it off */
export function sigmaToTimestep32(sigma: number, logSigmas: ArrayLike<number>): number {
  const logSigma = numpyLog(Math.max(sigma, Math.fround(1e-10)));
  const low = Math.min(lastNotAbove(logSigmas, logSigma), logSigmas.length - 2);
  const below = logSigmas[low]!;
  const { fround } = Math;
  const share = fround(fround(below - logSigma) / fround(below - logSigmas[low + 1]!));
  const w = Math.min(Math.max(share, 0), 1);
  return fround(fround(fround(1 - w) * low) + fround(w * (low + 1)));
}

export type Conversion = 'karras' | 'exponential' | 'beta';

/** which respacing of the noise levels a config asks for @throws UserError for more than one */
export function conversionOf(config: SchedulerConfig): Conversion | null {
  const asked = (['karras', 'exponential', 'beta'] as const).filter((name) =>
    flag(config, `use_${name}_sigmas`, false),
  );
  if (asked.length > 1) {
    throw new UserError(
      say('scheduler-two-spacings', asked.map((name) => `use_${name}_sigmas`).join(', ')),
    );
  }
  return asked[0] ?? null;
}

/**
 * n noise levels between the given ends: _convert_to_karras, _convert_to_exponential, _convert_to_beta.
 * @param overrides sigma_min and sigma_max of the config, where the class has them
 */
export function respace(
  conversion: Conversion,
  high: number,
  low: number,
  n: number,
  config: SchedulerConfig = {},
): number[] {
  const sigmaMin = optionalNumber(config, 'sigma_min') ?? low;
  const sigmaMax = optionalNumber(config, 'sigma_max') ?? high;
  switch (conversion) {
    case 'karras': {
      const bottom = sigmaMin ** (1 / 7);
      const top = sigmaMax ** (1 / 7);
      return linspace(0, 1, n).map((r) => (top + r * (bottom - top)) ** 7);
    }
    case 'exponential':
      return linspace(Math.log(sigmaMax), Math.log(sigmaMin), n).map(Math.exp);
    case 'beta':
      return linspace(0, 1, n).map(
        (r) => sigmaMin + betaQuantile(1 - r, 0.6, 0.6) * (sigmaMax - sigmaMin),
      );
  }
}

/** Noise levels and timesteps of the schedulers in sigma space (Euler, Heun, LMS, KDPM2, DPM-Solver SDE). */
export type SigmaTrack = {
  /** n levels and a final one, float32 */
  sigmas: Float32Array;
  timesteps: number[];
  /** logarithms of the training levels, ascending */
  logSigmas: Float32Array;
};

/** Noise levels σ and timesteps of n steps, falling, respaced as the config asks. */
export function sigmaTrack(
  config: SchedulerConfig,
  n: number,
  zeroSnr: ZeroSnr,
  options: { overrides: boolean; roundKarras?: boolean; logLinear?: boolean },
): SigmaTrack {
  const { sigmas: table, logSigmas } = tableOf(config, zeroSnr);
  let timesteps = spacedTimesteps(config, n, 'linspace', { whole: false, extra: false });
  let sigmas = timesteps.map((t) => interpolate(table, t));
  if (options.logLinear === true && config['interpolation_type'] === 'log_linear') {
    // The reference lays out n + 1 levels here and appends the final one to them.
    sigmas = linspace(Math.log(table.at(-1)!), Math.log(table[0]!), n + 1).map(Math.exp);
  }
  const conversion = conversionOf(config);
  if (conversion !== null) {
    sigmas = respace(conversion, sigmas[0]!, sigmas.at(-1)!, n, options.overrides ? config : {});
    timesteps = sigmas.map((s) => sigmaToTimestep(s, logSigmas));
    if (conversion === 'karras' && options.roundKarras === true) {
      timesteps = timesteps.map(roundHalfEven);
    }
  }
  const endsAtMin = options.logLinear === true && config['final_sigmas_type'] === 'sigma_min';
  sigmas.push(endsAtMin ? table[0]! : 0);
  return { sigmas: Float32Array.from(sigmas), timesteps, logSigmas };
}

/** deviation of the start noise of the schedulers in sigma space */
export function startSigma(config: SchedulerConfig, sigmas: Float32Array): number {
  const most = Math.max(...sigmas);
  return spacingOf(config, 'linspace') === 'leading' ? Math.sqrt(most ** 2 + 1) : most;
}
