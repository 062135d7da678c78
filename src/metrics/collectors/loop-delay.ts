import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How long the thread's next piece of work had to wait while there was some. */
export type LoopDelay = {
  /** There is work: it measures, until there was none for a while. */
  note(): void;
  isOn(): boolean;
  /** Seconds, by percentile (0-100), of what was measured since `restart`; 0 where nothing was. */
  seconds(percentile: number): number;
  restart(): void;
  close(): void;
};

/** Node's own timer that looks at the clock; its mode without one misses what runs in answer to the network. */
const EVERY_MS = 10;
const IDLE_MS = 10_000;

/** Makes a measure that is off until there is work, and again `idleMs` milliseconds after the last. */
export function createLoopDelay(idleMs = IDLE_MS): LoopDelay {
  const delay = monitorEventLoopDelay({ resolution: EVERY_MS });
  let notedAt = 0;
  let isOn = false;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    if (performance.now() - notedAt < idleMs) {
      timer = setTimeout(look, idleMs);
      timer.unref();
      return;
    }
    // An idle thread is not woken a hundred times a second to find that it is idle.
    delay.disable();
    isOn = false;
  }

  return {
    note() {
      notedAt = performance.now();
      if (isOn) return;
      isOn = true;
      delay.enable();
      look();
    },
    isOn: () => isOn,
    seconds: (percentile) =>
      // What is recorded is how far two looks were apart.
      delay.count === 0 ? 0 : Math.max(0, delay.percentile(percentile) / 1e9 - EVERY_MS / 1000),
    restart: () => delay.reset(),
    close() {
      clearTimeout(timer);
      delay.disable();
    },
  };
}
