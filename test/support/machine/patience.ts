import { spawnSync } from 'node:child_process';

/**
 * Deadlines of tests say how long something may take on an idle machine of two cores. Here they are as many times longer
 * as a program takes longer to start than there: measured before the first deadline, and anew whenever one has passed,
 * for others come and go on the same machine.
 */

/** Milliseconds that START_UP takes on such a machine. */
const IDLE_MS = 50;
const START_UP = 'let x = 0; for (let i = 0; i < 1e7; i++) x = (x * 31 + i) | 0;';
/** Something that has not come by then never will. */
const MOST = 30;
const MEASURED_FOR_MS = 5000;

let factor = 0;
let measuredAt = -Infinity;

/** How many times slower than idle, at least 1; the slowest so far. */
function slowness(): number {
  if (performance.now() - measuredAt > MEASURED_FOR_MS) {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', START_UP]);
    measuredAt = performance.now();
    factor = Math.min(MOST, Math.max(1, factor, (measuredAt - began) / IDLE_MS));
  }
  return factor;
}

/** So many milliseconds of an idle machine, on this one; for what cannot ask again, such as a test's own deadline. */
export function patience(idleMs: number): number {
  return Math.round(idleMs * (factor || slowness()));
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
  const isOver = () => performance.now() - began >= patience(idleMs);
  return {
    ms: () => patience(idleMs),
    hasPassed() {
      if (!isOver()) return false;
      slowness();
      return isOver();
    },
  };
}
