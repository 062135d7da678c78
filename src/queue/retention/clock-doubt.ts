import type { Job } from '../job.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Two clocks that differ by no more tell the same time. */
const APART_MS = HOUR_MS;
/** Longer without one order, and the clock may be what moved. */
const QUIET_MS = 7 * DAY_MS;
/** A clock that nobody can check is believed once it has run on evenly for so long: by then it would have been set. */
const PROBATION_MS = DAY_MS;

export type ClockDoubtOptions = {
  /** milliseconds since 1970, by the clock in question */
  now: () => number;
  /** milliseconds since any fixed moment, by a clock that nobody sets */
  steady: () => number;
  /** milliseconds since 1970 by somebody else's clock; null: nobody can be asked now */
  otherClock: () => Promise<number | null>;
  /** newest first; one is enough */
  newest: () => Promise<readonly Pick<Job, 'createdAt' | 'finishedAt'>[]>;
};

/**
 * May this machine's clock be believed? A battery that ran out, a slip of whoever set it, a virtual machine that was
 * moved: clocks are off by years, and what is removed by such a clock does not come back.
 */
export type ClockDoubt = {
  /** Why not, as the beginning of a sentence; null: it may. `at` is the time that was looked at. */
  ask(): Promise<{ at: number; doubt: string | null }>;
};

/**
 * Begins to compare the wall clock `now` with `steady`, which is never set. The first question also finds it
 * suspicious where the `newest` job is over a week old. Where `otherClock` answers (milliseconds since 1970; null: it
 * does not), it alone decides.
 */
export function watchClock({ now, steady, otherClock, newest }: ClockDoubtOptions): ClockDoubt {
  let last = { wall: now(), steady: steady() };
  let doubted: { since: number; why: string } | null = null;
  let first = true;

  /** What this machine alone can tell. */
  async function suspicion(wall: number, even: number): Promise<string | null> {
    const leapt = wall - last.wall - (even - last.steady);
    if (Math.abs(leapt) > APART_MS) {
      return `the clock leapt ${inWords(leapt)} ${leapt > 0 ? 'ahead' : 'back'}`;
    }
    if (!first) return null;
    const [job] = await newest();
    if (job === undefined) return null;
    const quiet = wall - Math.max(job.createdAt, job.finishedAt ?? 0);
    return quiet > QUIET_MS ? `the newest order is ${inWords(quiet)} old` : null;
  }

  return {
    async ask() {
      const [wall, even] = [now(), steady()];
      const why = await suspicion(wall, even);
      last = { wall, steady: even };
      first = false;
      if (why !== null) doubted = { since: even, why };
      const other = await otherClock();
      if (other !== null) {
        // The answer took its time: what counts is the clock as it is now.
        const off = now() - other;
        if (Math.abs(off) > APART_MS) {
          const way = off > 0 ? 'ahead of' : 'behind';
          return { at: wall, doubt: `the clock is ${inWords(off)} ${way} Discord's` };
        }
        doubted = null;
      }
      if (doubted !== null && even - doubted.since >= PROBATION_MS) doubted = null;
      return { at: wall, doubt: doubted?.why ?? null };
    },
  };
}

function inWords(ms: number): string {
  const hours = Math.round(Math.abs(ms) / HOUR_MS);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
