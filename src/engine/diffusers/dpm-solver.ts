import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { sdeDeviation, secondOrder, thirdOrder } from '../samplers/kernels.ts';
import { combine, sum2 } from '../samplers/linear.ts';
import { choice, flag, numberOption, type SchedulerConfig } from './config.ts';
import { limiter, predictionType, toEpsilon, toX0 } from './prediction.ts';
import type { SchedulerFactory, SchedulerSettings } from './scheduler.ts';
import { levelOf, onLevels, solverTrack, type Level } from './solver.ts';

/**
 * DPMSolverMultistepScheduler and DPMSolverSinglestepScheduler: Lu et al., "DPM-Solver" (2022, algorithm_type
 * dpmsolver) and "DPM-Solver++" (2022, dpmsolver++, sde-dpmsolver++), orders 1 to 3.
 */

const ALGORITHMS = ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++'] as const;
type Algorithm = (typeof ALGORITHMS)[number];
type SolverType = 'midpoint' | 'heun';

type Rule = { algorithm: Algorithm; solver: SolverType; order: number };

function ruleOf(config: SchedulerConfig): Rule {
  const algorithm = choice(config, 'algorithm_type', ALGORITHMS, 'dpmsolver++', {
    deis: 'dpmsolver++',
  });
  const solver = choice(config, 'solver_type', ['midpoint', 'heun'], 'midpoint', {
    logrho: 'midpoint',
    bh1: 'midpoint',
    bh2: 'midpoint',
  });
  const order = numberOption(config, 'solver_order', 2);
  if (![1, 2, 3].includes(order)) {
    throw new UserError(say('scheduler-option', 'solver_order', '1, 2, 3', String(order)));
  }
  if (!algorithm.endsWith('++') && config['final_sigmas_type'] !== 'sigma_min') {
    throw new UserError(say('scheduler-sigma-min', algorithm));
  }
  return { algorithm, solver, order };
}

/** the quantity a rule integrates: x̂0 for the ++ forms, ε else */
function converter(config: SchedulerConfig, { algorithm }: Rule, settings: SchedulerSettings) {
  const type = predictionType(config);
  const limit = limiter(config, settings.shape, null);
  return (
    output: Float32Array,
    x: Float32Array,
    { alpha, sigma }: Level,
  ): { model: Float32Array; denoised: Float32Array } => {
    let denoised = toX0(type, output, x, alpha, sigma);
    if (limit !== null) denoised = limit(denoised);
    if (algorithm.endsWith('++')) return { model: denoised, denoised };
    const model =
      limit === null
        ? toEpsilon(type, output, x, alpha, sigma)
        : sum2(1 / sigma, x, -alpha / sigma, denoised);
    return { model, denoised };
  };
}

/**
 * Factors of the update from level `from` to `to`: keep x + flat D0 + linear D1 - curved D2 + noise n, where D1 and
 * D2 are the first and second differences of the model outputs over λ, scaled by the step h.
 */
function factors(
  { algorithm }: Rule,
  from: Level,
  to: Level,
): { keep: number; flat: number; midpoint: number; linear: number; curved: number; noise: number } {
  const h = to.lambda - from.lambda;
  const stochastic = algorithm.startsWith('sde');
  if (algorithm.endsWith('++')) {
    const span = stochastic ? 2 * h : h;
    const gain = -Math.expm1(-span);
    const linear = to.alpha * (1 - gain / span);
    return {
      keep: (to.sigma / from.sigma) * (stochastic ? Math.exp(-h) : 1),
      flat: to.alpha * gain,
      midpoint: 0.5 * to.alpha * gain,
      linear,
      // The reference's stochastic form has the half with the other sign.
      curved: to.alpha * ((span - gain) / span ** 2 + (stochastic ? 0.5 : -0.5)),
      noise: stochastic ? sdeDeviation(to.sigma, h) : 0,
    };
  }
  const gain = Math.expm1(h);
  const twice = stochastic ? 2 : 1;
  return {
    keep: to.alpha / from.alpha,
    flat: -twice * to.sigma * gain,
    midpoint: -0.5 * twice * to.sigma * gain,
    linear: -twice * to.sigma * (gain / h - 1),
    curved: to.sigma * ((gain - h) / h ** 2 - 0.5),
    noise: stochastic ? to.sigma * Math.sqrt(Math.max(0, Math.expm1(2 * h))) : 0,
  };
}

export const dpmSolverMultistep: SchedulerFactory = (config, settings) => {
  const rule = ruleOf(config);
  const track = solverTrack(config, settings.steps, {
    zeroSnr: 'held',
    roundsKarras: config['beta_schedule'] !== 'squaredcos_cap_v2',
    final: 'configured',
    finalOfRespaced: 'table',
    knowsLu: true,
  });
  const levels = Array.from(track.sigmas, (s) => levelOf(s, track.isFlow));
  const convert = converter(config, rule, settings);
  const count = track.timesteps.length;
  const lowerFinal = flag(config, 'lower_order_final', true) && count < 15;
  const firstOrderAtEnd =
    flag(config, 'euler_at_final', false) ||
    lowerFinal ||
    config['final_sigmas_type'] !== 'sigma_min';
  /** newest first */
  const history: Float32Array[] = [];
  let warm = 0;
  return {
    ...onLevels(track),
    step(i, output, x, noise) {
      const { model, denoised } = convert(output, x, levels[i]!);
      history.unshift(model);
      if (history.length > rule.order) history.pop();
      let order = Math.min(rule.order, warm + 1);
      if (i === count - 1 && firstOrderAtEnd) order = 1;
      else if (i === count - 2 && lowerFinal) order = Math.min(order, 2);
      warm = Math.min(warm + 1, rule.order);
      const draw = rule.algorithm.startsWith('sde') ? noise.next() : null;
      const past = levels.slice(Math.max(i - order + 1, 0), i + 1).reverse();
      return { x: multistep(rule, order, past, levels[i + 1]!, history, x, draw), denoised };
    },
  };
};

/** @param past the levels of the outputs in `history`, newest first */
function multistep(
  rule: Rule,
  order: number,
  past: readonly Level[],
  to: Level,
  history: readonly Float32Array[],
  x: Float32Array,
  draw: Float32Array | null,
): Float32Array {
  const from = past[0]!;
  const f = factors(rule, from, to);
  const h = to.lambda - from.lambda;
  // Respaced levels may end on the lowest one twice; the reference divides zero by zero there.
  if (h === 0) return x.slice();
  const [m0, m1, m2] = history;
  const terms: [number, Float32Array][] = [[f.keep, x]];
  if (order === 1) terms.push([f.flat, m0!]);
  else {
    const r0 = (from.lambda - past[1]!.lambda) / h;
    if (order === 2) {
      const slope = (rule.solver === 'heun' ? f.linear : f.midpoint) / r0;
      const [w0, w1] = secondOrder(f.flat, slope);
      terms.push([w0, m0!], [w1, m1!]);
    } else {
      const r1 = (past[1]!.lambda - past[2]!.lambda) / h;
      const [w0, w1, w2] = thirdOrder(f.flat, f.linear, f.curved, [r0, r1]);
      terms.push([w0, m0!], [w1, m1!], [w2, m2!]);
    }
  }
  if (draw !== null) terms.push([f.noise, draw]);
  return combine(terms);
}

export const dpmSolverSinglestep: SchedulerFactory = (config, settings) => {
  const rule = ruleOf(config);
  const track = solverTrack(config, settings.steps, {
    zeroSnr: 'ignored',
    roundsKarras: true,
    final: 'configured',
    finalOfRespaced: 'table',
    alwaysLinspace: true,
  });
  const levels = Array.from(track.sigmas, (s) => levelOf(s, track.isFlow));
  const convert = converter(config, rule, settings);
  const orders = orderList(config, rule.order, settings.steps);
  const history: Float32Array[] = [];
  let base = new Float32Array(0) as Float32Array;
  return {
    ...onLevels(track),
    step(i, output, x, noise) {
      const { model, denoised } = convert(output, x, levels[i]!);
      history.unshift(model);
      if (history.length > rule.order) history.pop();
      const draw = rule.algorithm.startsWith('sde') ? noise.next() : null;
      const order = Math.min(orders[i]!, history.length);
      if (order === 1) base = x;
      const past = levels.slice(i - order + 1, i + 1).reverse();
      return { x: singlestep(rule, past, levels[i + 1]!, history, base, draw), denoised };
    },
  };
};

/** the order of each evaluation's update: groups of 1, 2, … order, cut to fit */
function orderList(config: SchedulerConfig, order: number, steps: number): number[] {
  const endsAtZero = config['final_sigmas_type'] !== 'sigma_min';
  const lowerFinal = flag(config, 'lower_order_final', false) || steps % order !== 0 || endsAtZero;
  const list = Array.from({ length: steps }, (_, i) => (i % order) + 1);
  if (lowerFinal) {
    if (order === 3 && steps % 3 === 0) list.splice(-3, 3, 1, 2, 1);
    if (order === 2 && steps % 2 === 0) list.splice(-2, 2, 1, 1);
  }
  if (endsAtZero) list[list.length - 1] = 1;
  return list;
}

/** The update of a group from its first level; @param past the group's levels so far, newest first */
function singlestep(
  rule: Rule,
  past: readonly Level[],
  to: Level,
  history: readonly Float32Array[],
  x: Float32Array,
  draw: Float32Array | null,
): Float32Array {
  const origin = past.at(-1)!;
  const f = factors(rule, origin, to);
  const h = to.lambda - origin.lambda;
  const [m0, m1, m2] = history;
  const terms: [number, Float32Array][] = [[f.keep, x]];
  if (past.length === 1) terms.push([f.flat, m0!]);
  else {
    const r0 = (past[0]!.lambda - origin.lambda) / h;
    if (past.length === 2) {
      const slope = (rule.solver === 'heun' ? f.linear : f.midpoint) / r0;
      terms.push([f.flat - slope, m1!], [slope, m0!]);
    } else if (rule.solver === 'midpoint') {
      terms.push([f.flat - f.linear / r0, m2!], [f.linear / r0, m0!]);
    } else {
      const r1 = (past[1]!.lambda - origin.lambda) / h;
      // D1 = (r0 D10 - r1 D11)/(r0 - r1), D2 = 2 (D11 - D10)/(r0 - r1), D10 = (m1-m2)/r1, D11 = (m0-m2)/r0
      const on10 = (f.linear * r0 + 2 * f.curved) / (r0 - r1) / r1;
      const on11 = (-f.linear * r1 - 2 * f.curved) / (r0 - r1) / r0;
      terms.push([f.flat - on10 - on11, m2!], [on10, m1!], [on11, m0!]);
    }
  }
  if (draw !== null) terms.push([f.noise, draw]);
  return combine(terms);
}
