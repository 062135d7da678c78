import { setImmediate } from 'node:timers/promises';
import type { Archive } from '../archive.ts';
import type { Job } from '../job.ts';
import { type DatedJob, keysOf, scanExpired } from '../retention/expiry.ts';
import { createErasure } from './records/erasure.ts';
import { figuresOf, ratesOf } from './records/figures.ts';
import type { Row } from './rows.ts';
import type { QueueCore } from './queue-core.ts';
import { createRetractions } from './records/retractions.ts';

/** Jobs of one look at the record. */
const PAGE = 200;

/** Makes the archive of the queue in a file. */
export function createSqliteArchive(core: QueueCore): Archive {
  const { db, store, inputs, leases, now, checkOpen, noted } = core;
  const oldestFirst = db.prepare(
    'SELECT id, created_at, finished_at, delivered, result FROM jobs ORDER BY seq',
  );
  const open = async <T>(look: () => T | Promise<T>): Promise<T> => {
    checkOpen();
    return look();
  };

  const located = (job: Job): Job =>
    job.status === 'running' ? { ...job, device: leases.deviceOf(job.id) } : job;

  return {
    get: (id) =>
      open(() => {
        const job = store.byId(id);
        return job === null ? null : located(job);
      }),
    request: (id) => open(() => inputs.read(id)),
    recent: (filter) => open(() => store.recent(filter).map(located)),
    unsettled: () => open(() => store.unsettled().map(located)),
    remember: (id, context) => noted(() => store.setContext(id, context)),
    delivered: (id) => noted(() => store.setDelivered(id)),
    expired: (filter) =>
      open(() => {
        const scan = scanExpired({ ...filter, now: now() });
        for (const row of oldestFirst.iterate()) if (scan.look(datedOf(row))) break;
        return scan.found();
      }),
    settled: () => settledOf(core),
    startPictureBytes: () => open(() => inputs.bytes()),
    async forget(ids) {
      const named = await noted(() => {
        const hashes = inputs.namedBy(ids);
        for (const id of ids) store.forget(id);
        return hashes;
      });
      await inputs.drop(named);
    },
    ...createRetractions(core),
    ...createErasure(core),
    figures: (filter) => open(() => figuresOf(db, filter)),
    rates: () => open(() => ratesOf(db)),
  };
}

/** All that are delivered, a page at a time. */
async function* settledOf({ db, checkOpen }: QueueCore): ReturnType<Archive['settled']> {
  const settled = db.prepare(
    `SELECT seq, id, finished_at, result FROM jobs
      WHERE seq > ? AND delivered = 1 AND finished_at IS NOT NULL ORDER BY seq LIMIT ${PAGE}`,
  );
  for (let after = 0; ;) {
    checkOpen();
    const rows = settled.all(after);
    for (const row of rows) {
      after = Number(row['seq']);
      const pictures = keysOf(row['result']);
      yield { id: String(row['id']), pictures, finishedAt: Number(row['finished_at']) };
    }
    if (rows.length < PAGE) return;
    // Others have their turn.
    await setImmediate();
  }
}

function datedOf(row: Row): DatedJob {
  const { id, created_at: createdAt, finished_at: finishedAt, delivered, result } = row;
  return {
    id: String(id),
    createdAt: Number(createdAt),
    finishedAt: finishedAt === null ? null : Number(finishedAt),
    delivered: delivered === 1,
    result: typeof result === 'string' ? result : null,
  };
}
