import { sum2 } from '../samplers/linear.ts';
import { flag, numberOption, type SchedulerConfig } from './config.ts';
import type { Scheduler } from './scheduler.ts';
import {
  conversionOf,
  interpolate,
  linspace,
  respace,
  roundHalfEven,
  sigmaToTimestep,
  spacedTimesteps,
  tableOf,
  type ZeroSnr,
} from './spacing.ts';

/** What the exponential-integrator solvers (DPM-Solver, UniPC, DEIS) share: levels, α, σ and λ. */

/** one noise level: x = alpha x0 + sigma n, λ = ln(alpha / sigma) */
export type Level = { alpha: number; sigma: number; lambda: number; level: number };

/** α, σ and λ = ln α - ln σ at a noise level: of a flow α = 1 - σ, else α² + σ² = 1 with level = σ / α. */
export function levelOf(sigma: number, isFlow: boolean): Level {
  const alpha = isFlow ? 1 - sigma : 1 / Math.sqrt(sigma * sigma + 1);
  const deviation = isFlow ? sigma : sigma * alpha;
  return { alpha, sigma: deviation, lambda: Math.log(alpha) - Math.log(deviation), level: sigma };
}

export type SolverTrack = { sigmas: Float32Array; timesteps: number[]; isFlow: boolean };

export type SolverLayout = {
  zeroSnr: ZeroSnr;
  /** which timesteps of respaced levels are rounded to the nearest (all others are cut off) */
  roundsKarras: boolean;
  /** a final level of the config's choosing, or the class's own: the table's lowest, or the last level again */
  final: 'configured' | 'lowest';
  /** respaced levels end where they end when the final level is not 0 */
  finalOfRespaced: 'table' | 'repeat';
  /** only evenly spaced timesteps (singlestep knows no timestep_spacing) */
  alwaysLinspace?: boolean;
  knowsLu?: boolean;
  /** UniPC's flow levels start at 1 - 1e-6 and count down from 1 */
  uniPcFlow?: boolean;
};

/** The noise levels and timesteps of a solver's n steps, falling, as its class lays them out. */
export function solverTrack(config: SchedulerConfig, n: number, layout: SolverLayout): SolverTrack {
  const { alphas, sigmas: table, logSigmas } = tableOf(config, layout.zeroSnr);
  const train = numberOption(config, 'num_train_timesteps', 1000);
  const isFlow = flag(config, 'use_flow_sigmas', false);
  const endsAtZero = layout.final === 'configured' && config['final_sigmas_type'] !== 'sigma_min';
  const conversion = conversionOf(config);
  let sigmas: number[];
  let timesteps: number[];
  let final = endsAtZero ? 0 : table[0]!;
  if (conversion !== null) {
    sigmas = respace(conversion, table.at(-1)!, table[0]!, n, config);
    timesteps = sigmas.map((s) => sigmaToTimestep(s, logSigmas));
    if (conversion === 'karras' && layout.roundsKarras) timesteps = timesteps.map(roundHalfEven);
    if (isFlow && layout.uniPcFlow === true && conversion === 'karras') {
      sigmas = sigmas.map((s) => s / (s + 1));
      timesteps = sigmas.map((s) => s * train);
    }
    if (!endsAtZero && layout.finalOfRespaced === 'repeat') final = sigmas.at(-1)!;
  } else if (layout.knowsLu === true && flag(config, 'use_lu_lambdas', false)) {
    sigmas = linspace(logSigmas.at(-1)!, logSigmas[0]!, n).map(Math.exp);
    timesteps = sigmas.map((s) => sigmaToTimestep(s, logSigmas));
    if (layout.roundsKarras) timesteps = timesteps.map(roundHalfEven);
  } else if (isFlow) {
    sigmas = flowLevels(config, n, train, layout.uniPcFlow === true);
    timesteps = sigmas.map((s) => s * train);
    if (!endsAtZero && layout.finalOfRespaced === 'repeat') final = sigmas.at(-1)!;
  } else {
    const last = clippedEnd(config, alphas, train);
    const spacing = layout.alwaysLinspace === true ? { timestep_spacing: 'linspace' } : {};
    timesteps = spacedTimesteps({ ...config, ...spacing }, n, 'linspace', {
      whole: true,
      extra: true,
      last,
    });
    sigmas = timesteps.map((t) => interpolate(table, t));
  }
  return {
    sigmas: Float32Array.from([...sigmas, final]),
    timesteps: timesteps.map(Math.trunc),
    isFlow,
  };
}

/** where the schedule starts when a config clips λ from below (for cosine betas) */
function clippedEnd(config: SchedulerConfig, alphas: Float32Array, train: number): number {
  const least = numberOption(config, 'lambda_min_clipped', Number.NEGATIVE_INFINITY);
  if (least === Number.NEGATIVE_INFINITY) return train;
  let clipped = 0;
  for (const a of alphas) if (0.5 * (Math.log(a) - Math.log(1 - a)) < least) clipped++;
  return train - clipped;
}

function flowLevels(config: SchedulerConfig, n: number, train: number, uniPc: boolean): number[] {
  const shift = numberOption(config, 'flow_shift', 1);
  const shifted = (s: number): number => (shift * s) / (1 + (shift - 1) * s);
  const grid = linspace(1, 1 / train, n + 1);
  if (!uniPc) {
    return grid
      .map((a) => shifted(1 - a))
      .reverse()
      .slice(0, -1);
  }
  const levels = grid.slice(0, -1).map(shifted);
  if (Math.abs(levels[0]! - 1) < 1e-6) levels[0] = levels[0]! - 1e-6;
  return levels;
}

/** the part of a scheduler that follows from its levels */
export function onLevels({ sigmas, timesteps, isFlow }: SolverTrack): Omit<Scheduler, 'step'> {
  return {
    timesteps,
    order: 1,
    initNoiseSigma: 1,
    inputScale: () => 1,
    sigmaAt: (i) => sigmas[i]!,
    addNoise: (i, x0, noise) => {
      const { alpha, sigma } = levelOf(sigmas[i]!, isFlow);
      return sum2(alpha, x0, sigma, noise);
    },
  };
}
