import type { FixedReplan } from '../request.ts';
import type { AskedRows, Timings } from '../result.ts';
import type { Journal } from './journal.ts';

/** The steps of all passes of a request: how many there are, which come from an earlier run, and what the others took. */
export type Steps = {
  /** One more is finished. Its number, from 1, and of how many. */
  finish(): { step: number; steps: number };
  finished(): number;
  total(): number;
  /** So many milliseconds since the last step were nobody's step. */
  pause(ms: number): void;
  /** A pass begins: what came before it was no step of its. */
  begin(): void;
  /** The network answered rows of so many pixels each. */
  ask(rows: number, pixels: number): void;
  /** The rest of a pass of `planned` steps is taken in fewer. */
  replan(plan: FixedReplan, planned: number): void;
  /** null: nothing was taken in fewer */
  replanned(): FixedReplan | null;
  timings(): Pick<Timings, 'steps_ms' | 'resumed_steps'>;
  asked(): Omit<AskedRows, 'vaePixels'>;
};

/** Begins to count a request of `planned` steps. A step whose answers the journal knew is counted but not timed. */
export function countSteps(planned: number, journal: Pick<Journal, 'resuming'>): Steps {
  const taken: number[] = [];
  const asked = { evaluations: 0, rows: 0, rowPixels: 0 };
  let [total, finished] = [planned, 0];
  let stepBegan = performance.now();
  let replanned: FixedReplan | null = null;
  return {
    finish() {
      const now = performance.now();
      if (!journal.resuming()) taken.push(now - stepBegan);
      stepBegan = now;
      finished++;
      // DPM adaptive takes as many as it needs.
      return { step: finished, steps: Math.max(total, finished) };
    },
    finished: () => finished,
    total: () => total,
    pause: (ms) => void (stepBegan += ms),
    begin: () => void (stepBegan = performance.now()),
    ask(rows, pixels) {
      asked.evaluations++;
      asked.rows += rows;
      asked.rowPixels += rows * pixels;
    },
    replan(plan, steps) {
      replanned = plan;
      total += plan.after + plan.rest - steps;
    },
    replanned: () => replanned,
    timings: () => ({
      steps_ms: taken,
      ...(finished > taken.length ? { resumed_steps: finished - taken.length } : {}),
    }),
    asked: () => asked,
  };
}
