/**
 * First responses go before everything else: Discord gives them 3 s, and an edit that shows a place in the line can
 * wait. Counts the interactions that have no first response yet.
 */
export type ResponsesInFlight = {
  /** An interaction came in; call the answer when its first response is through, or is not to come. */
  begin(): () => void;
  /** Resolves when no first response is owed, or after `patience` milliseconds. */
  settled(patience: number): Promise<void>;
};

/** Discord takes no first response after this; milliseconds. */
const FIRST_RESPONSE_MS = 3000;

/** Starts with none owed. An interaction whose end nobody tells is not waited for after Discord's 3 s. */
export function trackResponses(): ResponsesInFlight {
  const owed = new Set<symbol>();
  let waiting: (() => void)[] = [];

  function leave(one: symbol): void {
    if (!owed.delete(one) || owed.size > 0) return;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  }

  return {
    begin() {
      const one = Symbol();
      owed.add(one);
      const timer = setTimeout(leave, FIRST_RESPONSE_MS, one);
      timer.unref();
      return () => {
        clearTimeout(timer);
        leave(one);
      };
    },
    async settled(patience) {
      if (owed.size === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patience);
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
