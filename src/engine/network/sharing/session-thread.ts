/** The far side of `thread-session.ts`: one session, asked one question at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import type { GraphSource } from '../graph-source.ts';
import { type Feed, openSession, type Output, type Port, type SessionOptions } from '../session.ts';

/** What a thread is opened with. */
export type Opening = { source: GraphSource; options: Omit<SessionOptions, 'clock'> };

/** A feed, or the number of one that came with the question before and never changes. */
export type SentFeed = { feed: Feed; keepAs: number | null } | { kept: number };

export type ToSession =
  | { id: number; feeds: Record<string, SentFeed>; fetches: readonly string[] }
  | 'release';

export type FromSession =
  | { inputs: ReadonlyMap<string, Port>; outputs: ReadonlyMap<string, Port> }
  /** `ms`: inside the runtime */
  | { id: number; outputs: Record<string, Output>; ms: number }
  | { id: number; error: unknown };

const { source, options } = workerData as Opening;
const clock = { ms: 0 };
const session = await openSession(source, { ...options, clock });
/** Those of the last question. */
let constants = new Map<number, Feed>();

post({ inputs: session.inputs, outputs: session.outputs });
/** A run begins a turn after it is asked for: nothing may overtake it. */
let line: Promise<void> = Promise.resolve();
parentPort?.on('message', (message: ToSession) => {
  line = line.then(() => (message === 'release' ? end() : answer(message)));
});

async function end(): Promise<void> {
  await session.release();
  parentPort?.close();
}

function post(message: FromSession): void {
  parentPort?.postMessage(message);
}

async function answer({ id, feeds, fetches }: Exclude<ToSession, string>): Promise<void> {
  try {
    const before = clock.ms;
    const outputs = await session.run(received(feeds), fetches);
    post({ id, outputs, ms: clock.ms - before });
  } catch (error) {
    post({ id, error });
  }
}

function received(feeds: Record<string, SentFeed>): Record<string, Feed> {
  const now = new Map<number, Feed>();
  const all: Record<string, Feed> = {};
  for (const [name, sent] of Object.entries(feeds)) {
    const number = 'kept' in sent ? sent.kept : sent.keepAs;
    const feed = 'kept' in sent ? (constants.get(sent.kept) as Feed) : sent.feed;
    if (number !== null) now.set(number, feed);
    all[name] = feed;
  }
  constants = now;
  return all;
}
