/** A stream of choices that a seed decides, so that whatever was found is found again. */
export type Random = {
  /** 0 <= n < below */
  below(below: number): number;
  pick<T>(from: readonly T[]): T;
  chance(share: number): boolean;
};

export function randomFrom(seed: number): Random {
  // Mulberry32 (Tommy Ettinger, public domain).
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (below) => Math.floor(next() * below),
    pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number],
    chance: (share) => next() < share,
  };
}
