import { unipcUpdate } from '../samplers/kernels.ts';
import { bhFactors } from '../samplers/unipc-factors.ts';
import { choice, flag, numberOption } from './config.ts';
import { limiter, predictionType, toEpsilon, toX0 } from './prediction.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { levelOf, onLevels, solverTrack, type Level } from './solver.ts';

/**
 * UniPCMultistepScheduler: Zhao et al., "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of
 * Diffusion Models" (2023), variants B1(h) and B2(h); one evaluation serves a step's corrector and the next
 * step's predictor.
 */
export const uniPc: SchedulerFactory = (config, settings) => {
  const order = numberOption(config, 'solver_order', 2);
  const variant = choice(config, 'solver_type', ['bh1', 'bh2'], 'bh2', {
    midpoint: 'bh2',
    heun: 'bh2',
    logrho: 'bh2',
  });
  const predictX0 = flag(config, 'predict_x0', true);
  const rule = { variant, predictX0 };
  const disabled = Array.isArray(config['disable_corrector']) ? config['disable_corrector'] : [];
  const track = solverTrack(config, settings.steps, {
    zeroSnr: 'held',
    roundsKarras: true,
    final: 'configured',
    finalOfRespaced: 'repeat',
    uniPcFlow: true,
  });
  const levels = Array.from(track.sigmas, (s) => levelOf(s, track.isFlow));
  const type = predictionType(config);
  const limit = limiter(config, settings.shape, null);
  const lowerFinal = flag(config, 'lower_order_final', true);
  const count = track.timesteps.length;
  /** model outputs, newest first */
  const history: Float32Array[] = [];
  let lastX: Float32Array | null = null;
  let lastOrder = 1;
  let warm = 0;

  return {
    ...onLevels(track),
    step(i, output, x) {
      const here = levels[i]!;
      let denoised = toX0(type, output, x, here.alpha, here.sigma);
      if (limit !== null) denoised = limit(denoised);
      const model = predictX0 ? denoised : toEpsilon(type, output, x, here.alpha, here.sigma);
      let at = x;
      if (i > 0 && lastX !== null && !disabled.includes(i - 1)) {
        const past = levels.slice(i - lastOrder, i).reverse();
        at = update(rule, lastX, here, past, history, model);
      }
      history.unshift(model);
      if (history.length > order) history.pop();
      lastOrder = Math.min(lowerFinal ? Math.min(order, count - i) : order, warm + 1);
      lastX = at;
      const past = levels.slice(i - lastOrder + 1, i + 1).reverse();
      const next = update(rule, at, levels[i + 1]!, past, history, null);
      warm = Math.min(warm + 1, order);
      return { x: next, denoised };
    },
  };
};

type Rule = { variant: 'bh1' | 'bh2'; predictX0: boolean };

/**
 * The update to level `to` from the outputs in `history` at the levels `past`, both newest first; `newest` makes it the
 * corrector.
 */
function update(
  { variant, predictX0 }: Rule,
  x: Float32Array,
  to: Level,
  past: readonly Level[],
  history: readonly Float32Array[],
  newest: Float32Array | null,
): Float32Array {
  const from = past[0]!;
  const h = to.lambda - from.lambda;
  // A final level equal to the last one leaves nothing to do; the reference divides zero by zero there.
  if (h === 0) return x.slice();
  const rks = past.slice(1).map((level) => (level.lambda - from.lambda) / h);
  rks.push(1);
  const hh = predictX0 ? -h : h;
  const scale = predictX0 ? to.alpha : to.sigma;
  const { predictor, corrector } = bhFactors(rks, hh, scale, variant, newest !== null);
  const keep = predictX0 ? to.sigma / from.sigma : to.alpha / from.alpha;
  const gain = -scale * Math.expm1(hh);
  return unipcUpdate(x, { keep, gain }, newest === null ? predictor : corrector, history, newest);
}
