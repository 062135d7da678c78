/** How long the rest of a run will take, by the steps it has taken. */
export type TimeLeft = {
  note(at: { step: number; steps: number }): void;
  /** Seconds; null until two steps are known. */
  left(): number | null;
};

/** `now`: milliseconds that only go forward. */
export function createTimeLeft(now: () => number = () => performance.now()): TimeLeft {
  let first: { step: number; at: number } | null = null;
  let last: { step: number; steps: number; at: number } | null = null;
  return {
    note({ step, steps }) {
      const at = now();
      // A run that went on elsewhere, or began anew, has a pace of its own.
      if (first === null || last === null || step < last.step) first = { step, at };
      last = { step, steps, at };
    },
    left() {
      if (first === null || last === null || last.step === first.step) return null;
      const pace = (last.at - first.at) / (last.step - first.step) / 1000;
      return Math.max(0, (last.steps - last.step) * pace - (now() - last.at) / 1000);
    },
  };
}
