import { numpyLog } from '../sampling/float32.ts';
import { combine, sum2 } from '../samplers/linear.ts';
import { flag, numberOption } from './config.ts';
import { limiter, predictionType, toX0 } from './prediction.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { levelOf, onLevels, solverTrack, type Level } from './solver.ts';

const f = Math.fround;

/** a level's ρ = σ/α and its logarithm, in the reference's float32 */
type Rho = { rho: number; log: number };

function rhoOf({ level }: Level, isFlow: boolean): Rho {
  const alpha = isFlow ? f(1 - level) : f(1 / f(Math.sqrt(f(f(level * level) + 1))));
  const rho = f((isFlow ? level : f(level * alpha)) / alpha);
  return { rho, log: numpyLog(rho) };
}

/**
 * Antiderivative of the linear Lagrange polynomial in ln ρ that is 1 at b and 0 at c. Its terms are large and cancel:
 * the reference takes them in float32, and this follows it operation by operation.
 */
function linear(t: Rho, b: Rho, c: Rho): number {
  return f(f(t.rho * f(f(t.log - c.log) - 1)) / f(b.log - c.log));
}

/** the same for the quadratic one that is 1 at b and 0 at c and d */
function quadratic(t: Rho, b: Rho, c: Rho, d: Rho): number {
  let sum = f(c.log * f(f(d.log - t.log) + 1));
  sum = f(sum - f(d.log * t.log));
  sum = f(sum + d.log);
  sum = f(sum + f(t.log * t.log));
  sum = f(sum - f(2 * t.log));
  const denominator = f(f(b.log - c.log) * f(b.log - d.log));
  return f(f(t.rho * f(sum + 2)) / denominator);
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
      return { x: update(past, levels[i + 1]!, history, x, track.isFlow), denoised };
    },
  };
};

/** @param past the levels of the outputs in `history`, newest first */
function update(
  past: readonly Level[],
  to: Level,
  history: readonly Float32Array[],
  x: Float32Array,
  isFlow: boolean,
): Float32Array {
  const from = past[0]!;
  const keep = to.alpha / from.alpha;
  if (past.length === 1) {
    return sum2(keep, x, -to.sigma * Math.expm1(to.lambda - from.lambda), history[0]!);
  }
  const at = rhoOf(to, isFlow);
  const rhos = past.map((level) => rhoOf(level, isFlow));
  const [r0, r1, r2] = rhos as [Rho, Rho, Rho?];
  const weights = rhos.map((own, k) => {
    if (r2 === undefined) {
      const other = k === 0 ? r1 : r0;
      return f(linear(at, own, other) - linear(r0, own, other));
    }
    const c = rhos[(k + 1) % 3]!;
    const d = rhos[(k + 2) % 3]!;
    return f(quadratic(at, own, c, d) - quadratic(r0, own, c, d));
  });
  return combine([[keep, x], ...weights.map((w, k) => [to.alpha * w, history[k]!] as const)]);
}
