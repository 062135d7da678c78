import { adamsBashforth } from '../samplers/kernels.ts';
import { combine, sum2 } from '../samplers/linear.ts';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { flag, numberOption, type SchedulerConfig } from './config.ts';
import { finalAlpha, variancePreserving } from './ddim.ts';
import { predictionType, toEpsilon, toX0 } from './prediction.ts';
import type { SchedulerFactory } from './scheduler.ts';
import { alphasOf, spacedTimesteps } from './spacing.ts';

const ORDER = 4;

/**
 * PNDMScheduler: pseudo linear multistep (F-PNDM without its Runge-Kutta start when skip_prk_steps, else with it).
 * Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds" (2022), eq. 9, 12 and 13.
 */
export const pndm: SchedulerFactory = (config, { steps }) => {
  const alphas = alphasOf(config, 'ignored');
  const last = finalAlpha(config, alphas, false);
  const stride = Math.floor(numberOption(config, 'num_train_timesteps', 1000) / steps);
  const { start, rest } = layout(config, steps, stride);
  const timesteps = [...start, ...rest];
  const type = predictionType(config);

  /** newest last */
  let slopes: Float32Array[] = [];
  let counter = 0;
  let held: Float32Array | null = null;
  let sum: [number, Float32Array][] = [];

  /** eq. 9 of the paper: x moved from timestep `from` to `to` along an ε */
  const move = (x: Float32Array, from: number, to: number, output: Float32Array): Float32Array => {
    const a = alphas[from]!;
    const b = to >= 0 ? alphas[to]! : last;
    const eps = toEpsilon(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
    const denominator = a * Math.sqrt(1 - b) + Math.sqrt(a * (1 - a) * b);
    return sum2(Math.sqrt(b / a), x, -(b - a) / denominator, eps);
  };

  const rungeKutta = (t: number, output: Float32Array, x: Float32Array): Float32Array => {
    const to = t - (counter % 2 === 1 ? 0 : Math.floor(stride / 2));
    const from = start[Math.floor(counter / 4) * 4]!;
    let direction = output;
    switch (counter % 4) {
      case 0:
        sum.push([1 / 6, output]);
        slopes.push(output);
        held = x;
        break;
      case 3:
        direction = combine([...sum, [1 / 6, output]]);
        sum = [];
        break;
      default:
        sum.push([1 / 3, output]);
    }
    return move(held ?? x, from, to, direction);
  };

  const multistep = (t: number, output: Float32Array, x: Float32Array): Float32Array => {
    let from = t;
    let to = t - stride;
    if (counter === 1) {
      // The second evaluation repairs the first step: it lies where that one ended.
      to = t;
      from = t + stride;
    } else {
      slopes = [...slopes.slice(-3), output];
    }
    let direction = output;
    let at = x;
    if (slopes.length === 1 && counter === 0) held = x;
    else if (slopes.length === 1 && counter === 1) {
      direction = sum2(0.5, output, 0.5, slopes[0]!);
      at = held!;
      held = null;
    } else direction = adamsBashforth(slopes.toReversed());
    return move(at, from, to, direction);
  };

  return {
    ...variancePreserving(alphas, timesteps),
    step(i, output, x) {
      const t = timesteps[i]!;
      const a = alphas[t]!;
      const denoised = toX0(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      const moved = counter < start.length ? rungeKutta(t, output, x) : multistep(t, output, x);
      counter++;
      return { x: moved, denoised };
    },
  };
};

/** timesteps of the Runge-Kutta start and of the multistep part, descending */
function layout(
  config: SchedulerConfig,
  steps: number,
  stride: number,
): { start: number[]; rest: number[] } {
  const ascending = spacedTimesteps(config, steps, 'leading', {
    whole: true,
    extra: false,
  }).toReversed();
  if (flag(config, 'skip_prk_steps', false)) {
    const rest = [...ascending.slice(0, -1), ...ascending.slice(-2, -1), ...ascending.slice(-1)];
    return { start: [], rest: rest.reverse() };
  }
  if (steps < ORDER) {
    throw new UserError(say('too-few-steps-for-pndm', ORDER, steps));
  }
  const half = Math.floor(stride / 2);
  const doubled = ascending.slice(-ORDER).flatMap((t) => [t, t + half]);
  const start = doubled
    .slice(0, -1)
    .flatMap((t) => [t, t])
    .slice(1, -1)
    .reverse();
  return { start, rest: ascending.slice(0, -3).reverse() };
}
