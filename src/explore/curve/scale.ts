/** One axis of a plot. */
export type Scale = {
  /** value -> pixels from the axis's beginning */
  at: (value: number) => number;
  ticks: readonly number[];
};

/** Three figures, without idle zeros. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The first steps matter most and time is compared by factors: logarithmic, ticks at 1, 2 and 5. */
export function logScale(values: readonly number[], length: number): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.min(...positive, 1e9);
  const high = Math.max(...positive, low * 1.5);
  const span = Math.log(high / low);
  const inset = 14;
  const ticks: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
    for (const factor of [1, 2, 5]) {
      const tick = decade * factor;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return {
    at: (value) => inset + (Math.log(Math.max(value, low) / low) / span) * (length - 2 * inset),
    ticks,
  };
}

/** Upwards; round ticks that cover the values. */
export function linearScale(low: number, high: number, length: number): Scale {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  const [bottom, top] = [first * step, last * step];
  return { at: (value) => length - ((value - bottom) / (top - bottom)) * length, ticks };
}
