/** Signs of life of a host: whether its message loop still turns. */
export type Heartbeat = {
  /** A message came from it. */
  beat(): void;
  /** Milliseconds since it was heard, or since it was last expected to begin something. */
  silentMs(): number;
  /** Asks it; false when nothing at all came within so many milliseconds. */
  ask(withinMs: number): Promise<boolean>;
};

/** Begins to listen; a host counts as heard now. `ask` sends the question that it answers. */
export function createHeartbeat(ask: () => void): Heartbeat {
  let heardAt = performance.now();
  let listeners: (() => void)[] = [];
  return {
    beat() {
      heardAt = performance.now();
      for (const listener of listeners.splice(0)) listener();
    },
    silentMs: () => performance.now() - heardAt,
    ask(withinMs) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const hear = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        listeners = listeners.filter((one) => one !== hear);
        resolve(false);
      }, withinMs);
      timer.unref();
      listeners.push(hear);
      ask();
      return promise;
    },
  };
}
