/** Wakes a loop that waits for news. One that comes while nobody waits ends the next wait at once. */
export type WakeUp = {
  now(): void;
  /** Forgets those that came so far. */
  reset(): void;
  /** Returns when it is woken, or after `ms`. */
  wait(ms: number): Promise<void>;
  /** Returns after `ms`, or once closed. */
  sleep(ms: number): Promise<void>;
  /** Nothing waits any more. */
  close(): void;
};

/** Makes a wake-up that nobody has called. Its timers keep no program alive. */
export function createWakeUp(): WakeUp {
  let woken = false;
  let closed = false;
  const waiters = new Set<() => void>();

  function pause(ms: number, hears: boolean): Promise<void> {
    if (closed || (hears && woken)) return Promise.resolve();
    return new Promise<void>((resolve) => {
      const over = () => {
        clearTimeout(timer);
        waiters.delete(wake);
        resolve();
      };
      const wake = () => {
        if (hears || closed) over();
      };
      const timer = setTimeout(over, ms);
      timer.unref();
      waiters.add(wake);
    });
  }

  function now(): void {
    woken = true;
    for (const wake of waiters) wake();
  }

  return {
    now,
    reset: () => void (woken = false),
    wait: (ms) => pause(ms, true),
    sleep: (ms) => pause(ms, false),
    close() {
      closed = true;
      now();
    },
  };
}
