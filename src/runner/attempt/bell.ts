/** Wakes a loop that waits for news. What rings while nobody waits is heard by the next wait. */
export type Bell = {
  ring(): void;
  /** Forgets what has rung so far. */
  silence(): void;
  /** Returns at the next ring, or after `ms`. */
  wait(ms: number): Promise<void>;
  /** Returns after `ms`, or once closed. */
  sleep(ms: number): Promise<void>;
  /** Nothing waits any more. */
  close(): void;
};

export function createBell(): Bell {
  let rung = false;
  let closed = false;
  const waiters = new Set<() => void>();

  function pause(ms: number, hears: boolean): Promise<void> {
    if (closed || (hears && rung)) return Promise.resolve();
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

  function ring(): void {
    rung = true;
    for (const wake of waiters) wake();
  }

  return {
    ring,
    silence: () => void (rung = false),
    wait: (ms) => pause(ms, true),
    sleep: (ms) => pause(ms, false),
    close() {
      closed = true;
      ring();
    },
  };
}
