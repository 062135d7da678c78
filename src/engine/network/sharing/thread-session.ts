/** A session in a thread of its own: asking it blocks nobody, so that several of them run side by side. */
import { Worker } from 'node:worker_threads';
import type { GraphSource } from '../graph-source.ts';
import type { Feed, Output, Session, SessionOptions } from '../session.ts';
import type { FromSession, Opening, SentFeed, ToSession } from './session-thread.ts';

export type ThreadOptions = SessionOptions & {
  /** a run that takes longer ends it, as if the thread were gone; milliseconds */
  deadlineMs: number;
};

type Run = PromiseWithResolvers<Record<string, Output>>;

/**
 * Its runs take turns. One that fails because the thread has ended, or says nothing any more, is followed by failures only.
 * @throws what opening it on this thread would throw
 */
export async function openSessionInThread(
  source: GraphSource,
  { clock, deadlineMs, ...options }: ThreadOptions,
): Promise<Session> {
  const worker = startThread({ source, options });
  const ports = Promise.withResolvers<Pick<Session, 'inputs' | 'outputs'>>();
  const ended = Promise.withResolvers<void>();
  const runs = new Map<number, Run>();
  const sent = sentFeeds();
  let lost: Error | null = null;
  let nextId = 1;

  function lose(error: Error): void {
    lost ??= error;
    ports.reject(lost);
    for (const run of runs.values()) run.reject(lost);
    runs.clear();
  }

  worker.on('message', (message: FromSession) => {
    if ('inputs' in message) return ports.resolve(message);
    const run = runs.get(message.id);
    runs.delete(message.id);
    if ('error' in message) return run?.reject(message.error);
    clock.ms += message.ms;
    run?.resolve(message.outputs);
  });
  worker.on('error', (error) => lose(error instanceof Error ? error : new Error(String(error))));
  worker.once('exit', () => {
    lose(new Error(`the thread with ${source.path} has ended`));
    ended.resolve();
  });
  const { inputs, outputs } = await ports.promise;

  return {
    path: source.path,
    provider: options.provider,
    inputs,
    outputs,
    async run(feeds, fetches) {
      if (lost !== null) throw lost;
      const id = nextId++;
      const run: Run = Promise.withResolvers();
      worker.postMessage({ id, feeds: sent(feeds), fetches } satisfies ToSession);
      runs.set(id, run);
      const deadline = setTimeout(() => {
        // It cannot be ended in the middle of a run, and must not keep the program from its end.
        worker.unref();
        ended.resolve();
        lose(new Error(`the thread with ${source.path} has said nothing for ${deadlineMs} ms`));
      }, deadlineMs);
      return run.promise.finally(() => clearTimeout(deadline));
    },
    async release() {
      worker.postMessage('release' satisfies ToSession);
      await ended.promise;
    },
  };
}

function startThread(workerData: Opening): Worker {
  return new Worker(new URL('session-thread.ts', import.meta.url), {
    workerData,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    name: 'darkroom-session',
  });
}

/** What the thread has kept of the last question is not sent again. */
function sentFeeds(): (feeds: Record<string, Feed>) => Record<string, SentFeed> {
  let kept = new Map<Feed, number>();
  let nextNumber = 1;
  return (feeds) => {
    const now = new Map<Feed, number>();
    const all: Record<string, SentFeed> = {};
    for (const [name, feed] of Object.entries(feeds)) {
      const known = kept.get(feed);
      if (known !== undefined) {
        all[name] = { kept: known };
        now.set(feed, known);
        continue;
      }
      const { data, shape, constant = false } = feed;
      const keepAs = constant ? nextNumber++ : null;
      all[name] = { feed: { data, shape, constant }, keepAs };
      if (keepAs !== null) now.set(feed, keepAs);
    }
    kept = now;
    return all;
  };
}
