/** How long one picture took, in seconds: its share of its batch, without loading the model. */
export type Pace = {
  /** of each step that was taken in this run */
  steps: readonly number[];
  /** steps that an earlier, interrupted run had taken: nobody's clock saw them to the end */
  missing: number;
  /** text, VAE and writing the file */
  rest: number;
};

/** So much longer than the median: the machine was doing something else, or the engine was still getting warm. */
const DISTURBED = 1.5;

/**
 * What pictures of one sampler, size and model take on a machine that does nothing else in between. Text, VAE and file
 * are the same work for each of them: their median. Steps are the clock's, but one longer than 1.5 x the median of all
 * counts as that median; they differ by less than that by themselves. Shorter ones, such as the last of a sampler that
 * asks twice in all others, stay as they are. A machine that is busy all the time is slow here too: only what sticks
 * out is taken away.
 */
export function steadySeconds(paces: readonly Pace[]): number[] {
  const step = median(paces.flatMap(({ steps }) => steps));
  const rest = median(paces.map((pace) => pace.rest));
  return paces.map((pace) => {
    const taken = pace.steps.reduce((sum, one) => sum + steadied(one, step), 0);
    return taken + pace.missing * step + rest;
  });
}

function steadied(seconds: number, usual: number): number {
  return seconds > DISTURBED * usual ? usual : seconds;
}

/** 0 of nothing */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
