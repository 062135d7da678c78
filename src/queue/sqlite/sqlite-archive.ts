import type { Archive } from '../archive.ts';
import type { Job } from '../job.ts';
import { createExpiry } from '../retention/expiry.ts';
import { figuresOf, ratesOf } from './figures.ts';
import type { QueueCore } from './queue-core.ts';

export function createSqliteArchive(core: QueueCore): Archive {
  const { db, store, inputs, now, checkOpen, noted } = core;
  const expired = createExpiry(db);
  const open = async <T>(look: () => T): Promise<T> => {
    checkOpen();
    return look();
  };

  /** One file that cannot be read must not hide all jobs: its picture counts as gone. */
  const filled = (job: Job): Promise<Job> => inputs.fill(job).catch(() => withoutPicture(job));
  const allFilled = (jobs: readonly Job[]) => Promise.all(jobs.map(filled));

  return {
    async get(id) {
      const job = await open(() => store.byId(id));
      return job === null ? null : filled(job);
    },
    recent: async (filter) => allFilled(await open(() => store.recent(filter))),
    unsettled: async () => allFilled(await open(() => store.unsettled())),
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
    figures: (filter) => open(() => figuresOf(db, filter)),
    rates: () => open(() => ratesOf(db)),
  };
}

function withoutPicture(job: Job): Job {
  const { init } = job.request;
  if (init === null) return job;
  return { ...job, request: { ...job.request, init: { ...init, image: new Uint8Array(0) } } };
}
