import type { FixedReplan, Replan } from '../request.ts';

/**
 * Re-planning: once x̂0 has stopped moving, the rest of the way is taken in fewer steps, on a schedule of the same
 * family from the present noise level to the end. While x̂0 stands still the probability flow is a straight line
 * between x and x̂0 that a step of any length follows exactly, so what is saved there costs little (docs/explore.md
 * has the figures). Never a break: the last step still ends at the schedule's end.
 */

/** Before this share of the steps x̂0 may stand still only because the noise hides everything. */
const EARLIEST = 0.25;

/** Asked after each evaluation: how many steps shall take the rest from here on; null goes on as planned. */
export type Replanner = (index: number, denoised: Float32Array) => number | null;

/**
 * @param total steps as planned
 * @param batch pictures in one x̂0: all of them have to stand still
 */
export function openReplanner(
  replan: Replan | null,
  { total, batch }: { total: number; batch: number },
  onReplan: (plan: FixedReplan) => void,
): Replanner | null {
  if (replan === null) return null;
  let over = false;
  let before: Float32Array | null = null;
  return (index, denoised) => {
    if (over) return null;
    const rest = 'after' in replan ? fixedRest(replan, index) : stillRest(replan, index, denoised);
    if (rest === null) return null;
    over = true;
    before = null;
    onReplan({ after: index, rest });
    return rest;
  };

  function fixedRest({ after, rest }: FixedReplan, index: number): number | null {
    return index === after ? rest : null;
  }

  function stillRest(
    { still, share }: { still: number; share: number },
    index: number,
    denoised: Float32Array,
  ): number | null {
    const past = before;
    before = denoised;
    if (past === null || index < EARLIEST * total) return null;
    const left = total - index;
    const rest = Math.max(2, Math.ceil(share * left));
    return rest < left && movement(past, denoised, batch) < still ? rest : null;
  }
}

/** How far x̂0 [B,…] went in one step: the largest over the pictures of RMS(b - a) / RMS(b). */
export function movement(a: Float32Array, b: Float32Array, batch: number): number {
  const size = b.length / batch;
  let most = 0;
  for (let image = 0; image < batch; image++) {
    let moved = 0;
    let all = 0;
    for (let i = image * size; i < (image + 1) * size; i++) {
      moved += (b[i]! - a[i]!) ** 2;
      all += b[i]! ** 2;
    }
    most = Math.max(most, Math.sqrt(moved / Math.max(all, Number.MIN_VALUE)));
  }
  return most;
}

/**
 * The same levels up to number `index`, then `rest` steps to the end. The new ones lie evenly on the old ones'
 * numbering, in between by log σ: for every family of schedules that is the family itself, only coarser.
 */
export function coarserSigmas(sigmas: Float32Array, index: number, rest: number): Float32Array {
  const lowest = sigmas.length - 2;
  const planned = new Float32Array(index + rest + 1);
  planned.set(sigmas.subarray(0, index + 1));
  for (let j = 1; j < rest; j++) {
    const place = index + (j * (lowest - index)) / (rest - 1);
    const below = Math.min(Math.floor(place), lowest - 1);
    const share = place - below;
    const [high, low] = [sigmas[below]!, sigmas[below + 1]!];
    planned[index + j] = share === 0 ? high : high ** (1 - share) * low ** share;
  }
  planned[index + rest] = sigmas.at(-1)!;
  return planned;
}

/** The same for ascending timesteps of which the last is taken first and the first is where the run ends. */
export function coarserTimesteps(
  timesteps: readonly number[],
  index: number,
  rest: number,
): number[] {
  const here = timesteps.length - 1 - index;
  const ahead = Array.from({ length: rest }, (_, j) => timesteps[Math.round((j * here) / rest)]!);
  return [...ahead, ...timesteps.slice(here)];
}
