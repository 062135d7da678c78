const discordEpoch = 1_420_070_400_000;

/** The lowest snowflake of a moment in milliseconds since 1970. */
export function snowflakeAt(time: number): string {
  return String(BigInt(Math.max(0, time - discordEpoch)) << 22n);
}

/**
 * Ids as Discord makes them: 42 bits of time, 22 bits of counter, as a decimal text. Strictly growing even when the
 * clock steps back, and greater than `after` (the highest id of an earlier run).
 */
export function snowflakeSource(after: string, now: () => number = Date.now): () => string {
  let last = BigInt(after);
  return () => {
    const fromClock = BigInt(now() - discordEpoch) << 22n;
    last = fromClock > last ? fromClock : last + 1n;
    return String(last);
  };
}
