import { test } from 'node:test';
import type { QueueLimits } from '../../src/queue/allowance.ts';
import type { Queue } from '../../src/queue/contracts.ts';

export type OpenedQueue = {
  queue: Queue;
  /** ends the queue as kill -9 would: no release, no hand-over; then opens the same storage again */
  killAndReopen(): Promise<Queue>;
  /** lets the time of a lease pass and more; `meanwhile` is called before each half of it */
  outlastLeases(meanwhile?: () => Promise<unknown>): Promise<void>;
  dispose(): Promise<void>;
};

export type OpenForTest = (limits: QueueLimits, now: () => number) => Promise<OpenedQueue>;

const WIDE: QueueLimits = { waitingPerUser: 1000, waitingPerGuild: 1000 };

export type Bench = {
  queue: Queue;
  clock: { now: number };
  reopen(): Promise<void>;
  outlastLeases: OpenedQueue['outlastLeases'];
};

export type Contract = (
  what: string,
  body: (t: Bench) => Promise<void>,
  limits?: QueueLimits,
) => void;

/** Answers the way to write one test of a contract: each gets a fresh queue, which is taken away afterwards. */
export function contractOf(open: OpenForTest): Contract {
  return (what, body, limits = WIDE) => {
    test(what, async () => {
      const clock = { now: 1_700_000_000_000 };
      const opened = await open(limits, () => clock.now);
      const bench: Bench = {
        queue: opened.queue,
        clock,
        async reopen() {
          bench.queue = await opened.killAndReopen();
        },
        outlastLeases: (meanwhile) => opened.outlastLeases(meanwhile),
      };
      try {
        await body(bench);
      } finally {
        await opened.dispose();
      }
    });
  };
}
