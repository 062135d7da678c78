import type { Pledges } from '../contracts.ts';
import type { QueueCore } from './queue-core.ts';

export function createSqlitePledges({ pledges, now, checkOpen, noted }: QueueCore): Pledges {
  return {
    make: (key, context) => noted(() => pledges.add({ key, context, createdAt: now() })),
    redeem: (key) => noted(() => pledges.drop(key)),
    async open() {
      checkOpen();
      return pledges.all();
    },
  };
}
