import { spawnSync } from 'node:child_process';

/**
 * Deadlines of tests say how long something may take on an idle machine of two cores. Here they are as many times longer
 * as a program takes longer to start than there: measured before the first deadline, anew whenever one has passed and
 * every few minutes, for others come and go on the same machine, and a process of tests takes many files.
 */

/** Milliseconds that START_UP takes on such a machine. */
const IDLE_MS = 50;
const START_UP = 'let x = 0; for (let i = 0; i < 1e7; i++) x = (x * 31 + i) | 0;';
/** Something that has not come by then never will. */
const MOST = 30;
/** A deadline that has passed is not measured for more often. */
const MEASURED_FOR_MS = 5000;
/** What was measured is forgotten after so long. */
const KEPT_MS = 120_000;

let kept: { at: number; factor: number }[] = [];

/** How many times slower than idle, at least 1: the slowest of the last minutes, measured in the last `recentMs`. */
function slowness(recentMs = KEPT_MS): number {
  const began = performance.now();
  kept = kept.filter(({ at }) => began - at < KEPT_MS);
  if (!kept.some(({ at }) => began - at < recentMs)) {
    spawnSync(process.execPath, ['-e', START_UP]);
    const at = performance.now();
    kept.push({ at, factor: Math.min(MOST, Math.max(1, (at - began) / IDLE_MS)) });
  }
  return Math.max(...kept.map(({ factor }) => factor));
}

/** So many milliseconds of an idle machine, on this one; for what cannot ask again, such as a test's own deadline. */
export function patience(idleMs: number): number {
  return Math.round(idleMs * slowness());
}

/** Discord's three seconds for the first response; not for ever, since tests also wait for programs that are gone. */
export function responsePatience(): number {
  return Math.min(20_000, patience(3000));
}

export type Deadline = {
  /** milliseconds from its beginning on, as far as is known now */
  ms(): number;
  /** Measures anew before it says yes. */
  hasPassed(): boolean;
};

export function deadlineAfter(idleMs: number): Deadline {
  const began = performance.now();
  let factor = slowness();
  const isOver = () => performance.now() - began >= idleMs * factor;
  return {
    ms: () => Math.round(idleMs * factor),
    hasPassed() {
      if (!isOver()) return false;
      factor = Math.max(factor, slowness(MEASURED_FOR_MS));
      return isOver();
    },
  };
}
