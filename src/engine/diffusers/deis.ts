import { combine, sum2 } from '../samplers/linear.ts';
import { flag, numberOption } from './config.ts';
import { limiter, predictionType, toX0 } from './prediction.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { levelOf, onLevels, solverTrack, type Level } from './solver.ts';

/** antiderivative of the linear Lagrange polynomial in ln ρ that is 1 at b and 0 at c */
function linear(rho: number, b: number, c: number): number {
  return (rho * (Math.log(rho) - Math.log(c) - 1)) / (Math.log(b) - Math.log(c));
}

/** the same for the quadratic one that is 1 at b and 0 at c and d */
function quadratic(rho: number, b: number, c: number, d: number): number {
  const [t, lb, lc, ld] = [Math.log(rho), Math.log(b), Math.log(c), Math.log(d)];
  const numerator = rho * (lc * (ld - t + 1) - ld * t + ld + t * t - 2 * t + 2);
  return numerator / ((lb - lc) * (lb - ld));
}

/**
 * DEISMultistepScheduler, the log-ρ form: exponential integrator with polynomials in ln ρ, ρ = σ/α, orders 1 to 3.
 * Zhang and Chen, "Fast Sampling of Diffusion Models with Exponential Integrator" (2023).
 */
export const deis: SchedulerFactory = (config, settings) => {
  const order = Math.min(numberOption(config, 'solver_order', 2), 3);
  const track = solverTrack(config, settings.steps, {
    zeroSnr: 'ignored',
    roundsKarras: true,
    final: 'lowest',
    finalOfRespaced: 'repeat',
  });
  const levels = Array.from(track.sigmas, (s) => levelOf(s, track.isFlow));
  const type = predictionType(config);
  const limit = limiter(config, settings.shape, null);
  const count = track.timesteps.length;
  const lowerFinal = flag(config, 'lower_order_final', true) && count < 15;
  /** ε, newest first */
  const history: Float32Array[] = [];
  let warm = 0;
  return {
    ...onLevels(track),
    step(i, output, x) {
      const here = levels[i]!;
      let denoised = toX0(type, output, x, here.alpha, here.sigma);
      if (limit !== null) denoised = limit(denoised);
      history.unshift(sum2(1 / here.sigma, x, -here.alpha / here.sigma, denoised));
      if (history.length > order) history.pop();
      let current = Math.min(order, warm + 1);
      if (i === count - 1 && lowerFinal) current = 1;
      else if (i === count - 2 && lowerFinal) current = Math.min(current, 2);
      warm = Math.min(warm + 1, order);
      const past = levels.slice(i - current + 1, i + 1).reverse();
      return { x: update(past, levels[i + 1]!, history, x), denoised };
    },
  };
};

/** @param past the levels of the outputs in `history`, newest first */
function update(
  past: readonly Level[],
  to: Level,
  history: readonly Float32Array[],
  x: Float32Array,
): Float32Array {
  const from = past[0]!;
  const keep = to.alpha / from.alpha;
  if (past.length === 1) {
    return sum2(keep, x, -to.sigma * Math.expm1(to.lambda - from.lambda), history[0]!);
  }
  const rho = to.sigma / to.alpha;
  const rhos = past.map((level) => level.sigma / level.alpha);
  const [r0, r1, r2] = rhos;
  const weights = rhos.map((_, k) => {
    if (r2 === undefined) {
      const other = k === 0 ? r1! : r0!;
      return linear(rho, rhos[k]!, other) - linear(r0!, rhos[k]!, other);
    }
    const c = rhos[(k + 1) % 3]!;
    const d = rhos[(k + 2) % 3]!;
    return quadratic(rho, rhos[k]!, c, d) - quadratic(r0!, rhos[k]!, c, d);
  });
  return combine([[keep, x], ...weights.map((w, k) => [to.alpha * w, history[k]!] as const)]);
}
