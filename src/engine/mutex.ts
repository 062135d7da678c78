/** Runs one work at a time: each begins when the one before it has ended, well or badly. Answers what it answers. */
export type Mutex = <T>(work: () => Promise<T>) => Promise<T>;

/** Makes a mutex that nobody holds. Works run in the order they came. */
export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
