const discordEpoch = 1_420_070_400_000;

/** Milliseconds since 1970 that a snowflake was made at. */
export function snowflakeTime(id: string): number {
  return Number(BigInt(id) >> 22n) + discordEpoch;
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
