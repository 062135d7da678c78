import type { Deferrals } from '../contracts.ts';
import type { QueueCore } from './queue-core.ts';

/** Makes the deferrals of the queue in a file. */
export function createSqliteDeferrals({ deferrals, now, checkOpen, noted }: QueueCore): Deferrals {
  return {
    note: (key, context) => noted(() => deferrals.add({ key, context, createdAt: now() })),
    settle: (key) => noted(() => deferrals.drop(key)),
    async open() {
      checkOpen();
      return deferrals.all();
    },
  };
}
