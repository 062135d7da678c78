/**
 * Writes of many callers in one transaction, and so in one fsync: at 3-6 ms each they would otherwise hold up
 * everything else that the thread has to do.
 */
export type GroupCommit = {
  /**
   * `prepare` looks and may refuse by throwing, `write` changes; both run inside the shared transaction, callers in
   * the order they came. What `prepare` throws rejects this call alone, what `write` throws all calls of the group.
   * Resolves with what `write` returned, once that is durable.
   */
  add<T>(prepare: () => () => T): Promise<T>;
  /** Commits what waits, now. */
  flush(): void;
};

type Entry = {
  prepare: () => () => unknown;
  settle: (outcome: Outcome) => void;
};
type Outcome = { value: unknown } | { error: unknown };

/** A group waits this many times as long as the last commit took: commits never fill more than a quarter of the time. */
const REST = 3;
const LONGEST_REST_MS = 50;

/** `transact` runs its body as one transaction, and throws when it did not become durable. */
export function createGroupCommit(transact: (body: () => void) => void): GroupCommit {
  let entries: Entry[] = [];
  let scheduled = false;
  let notBefore = 0;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    const wait = notBefore - performance.now();
    if (wait > 1) setTimeout(flush, wait);
    // Behind the input that this turn of the loop still has to read.
    else setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const group = entries;
    entries = [];
    if (group.length === 0) return;
    const began = performance.now();
    const outcomes: Outcome[] = [];
    try {
      transact(() => {
        for (const { prepare } of group) outcomes.push(run(prepare));
      });
    } catch (error) {
      for (const { settle } of group) settle({ error });
      return;
    } finally {
      const took = performance.now() - began;
      notBefore = began + took + Math.min(LONGEST_REST_MS, took * REST);
    }
    for (const [index, { settle }] of group.entries()) settle(outcomes[index]!);
  }

  return {
    add<T>(prepare: () => () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const settle = (outcome: Outcome) => {
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.value as T);
        };
        entries.push({ prepare, settle });
        schedule();
      });
    },
    flush,
  };
}

function run(prepare: () => () => unknown): Outcome {
  let write: () => unknown;
  try {
    write = prepare();
  } catch (error) {
    return { error };
  }
  return { value: write() };
}
