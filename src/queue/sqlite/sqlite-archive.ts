import type { Archive } from '../archive.ts';
import { createExpiry } from '../retention/expiry.ts';
import { figuresOf, ratesOf } from './figures.ts';
import type { QueueCore } from './queue-core.ts';
import { createRetractions } from './retractions.ts';

export function createSqliteArchive(core: QueueCore): Archive {
  const { db, store, inputs, now, checkOpen, noted } = core;
  const expired = createExpiry(db);
  const open = async <T>(look: () => T | Promise<T>): Promise<T> => {
    checkOpen();
    return look();
  };

  return {
    get: (id) => open(() => store.byId(id)),
    request: (id) => open(() => inputs.read(id)),
    recent: (filter) => open(() => store.recent(filter)),
    unsettled: () => open(() => store.unsettled()),
    remember: (id, context) => noted(() => store.setContext(id, context)),
    delivered: (id) => noted(() => store.setDelivered(id)),
    expired: (filter) => open(() => expired({ ...filter, now: now() })),
    async forget(ids) {
      const named = await noted(() => {
        const hashes = inputs.namedBy(ids);
        for (const id of ids) store.forget(id);
        return hashes;
      });
      await inputs.drop(named);
    },
    ...createRetractions(core),
    figures: (filter) => open(() => figuresOf(db, filter)),
    rates: () => open(() => ratesOf(db)),
  };
}
