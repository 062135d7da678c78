/** Notices a host that spends too long in one step. */
export type Watchdog = {
  /** A sign of life: the clock begins anew, and may run so many times longer than a step. */
  wind(patience: number): void;
  stop(): void;
  /** how long it waits at present */
  patienceMs(): number;
};

/** `onStuck` null: nobody can end the host, so nobody watches it. */
export function createWatchdog(stepDeadlineMs: number, onStuck: (() => void) | null): Watchdog {
  let deadline: NodeJS.Timeout | undefined;
  let patienceMs = stepDeadlineMs;
  return {
    wind(patience) {
      clearTimeout(deadline);
      patienceMs = stepDeadlineMs * patience;
      if (onStuck === null) return;
      deadline = setTimeout(onStuck, patienceMs);
      deadline.unref();
    },
    stop: () => clearTimeout(deadline),
    patienceMs: () => patienceMs,
  };
}
