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

  const past: Past = { slopes: [], held: null, sum: [] };
  let counter = 0;

  /** eq. 9 of the paper: x moved from timestep `from` to `to` along an ε */
  const move = ({ x, from, to, output }: Move): Float32Array => {
    const a = alphas[from]!;
    const b = to >= 0 ? alphas[to]! : last;
    const eps = toEpsilon(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
    const denominator = a * Math.sqrt(1 - b) + Math.sqrt(a * (1 - a) * b);
    return sum2(Math.sqrt(b / a), x, -(b - a) / denominator, eps);
  };

  return {
    ...variancePreserving(alphas, timesteps),
    step(i, output, x) {
      const t = timesteps[i]!;
      const a = alphas[t]!;
      const denoised = toX0(type, output, x, Math.sqrt(a), Math.sqrt(1 - a));
      const asked = { counter, t, output, x };
      const moved =
        counter < start.length
          ? rungeKutta(past, asked, start, stride)
          : multistep(past, asked, stride);
      counter++;
      return { x: move(moved), denoised };
    },
  };
};

type Past = {
  /** newest last */
  slopes: Float32Array[];
  /** x that several evaluations start from */
  held: Float32Array | null;
  /** of a Runge-Kutta step so far */
  sum: [number, Float32Array][];
};

/** Evaluation number `counter`. */
type Asked = { counter: number; t: number; output: Float32Array; x: Float32Array };

type Move = { x: Float32Array; from: number; to: number; output: Float32Array };

function rungeKutta(
  past: Past,
  { counter, t, output, x }: Asked,
  start: readonly number[],
  stride: number,
): Move {
  const to = t - (counter % 2 === 1 ? 0 : Math.floor(stride / 2));
  const from = start[Math.floor(counter / 4) * 4]!;
  let direction = output;
  switch (counter % 4) {
    case 0:
      past.sum.push([1 / 6, output]);
      past.slopes.push(output);
      past.held = x;
      break;
    case 3:
      direction = combine([...past.sum, [1 / 6, output]]);
      past.sum = [];
      break;
    default:
      past.sum.push([1 / 3, output]);
  }
  return { x: past.held ?? x, from, to, output: direction };
}

function multistep(past: Past, { counter, t, output, x }: Asked, stride: number): Move {
  // The second evaluation repairs the first step: it lies where that one ended.
  const [from, to] = counter === 1 ? [t + stride, t] : [t, t - stride];
  if (counter !== 1) past.slopes = [...past.slopes.slice(-3), output];
  const { slopes, held } = past;
  if (slopes.length === 1 && counter === 0) {
    past.held = x;
    return { x, from, to, output };
  }
  if (slopes.length === 1 && counter === 1) {
    past.held = null;
    return { x: held!, from, to, output: sum2(0.5, output, 0.5, slopes[0]!) };
  }
  return { x, from, to, output: adamsBashforth(slopes.toReversed()) };
}

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
