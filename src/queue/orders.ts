import { encodeRequest } from '../engine/request-codec.ts';
import { workOf } from './estimate.ts';
import { join } from './fairness.ts';
import type { Allowance, Job, NewJob, Queue } from './job.ts';
import { newJobId } from './job-id.ts';
import { checkLimits, dayOf } from './limits.ts';
import { remember } from './live.ts';
import type { QueueCore } from './queue-core.ts';
import { writingWords } from './sqlite-file.ts';

/** A job at its submit, but for what was told. */
const NOT_STARTED = {
  status: 'waiting',
  attempt: 0,
  startedAt: null,
  finishedAt: null,
  result: null,
  failure: null,
  delivered: false,
  crashes: 0,
} as const satisfies Partial<Job>;

type Orders = Pick<
  Queue,
  'submit' | 'pledge' | 'redeem' | 'cancel' | 'setContext' | 'setDelivered' | 'forget'
>;

/** The calls that people's orders make, from the promise to the last word. */
export function createOrders(core: QueueCore): Orders {
  const { store, pledges, ledger, group, now, tell, checkOpen } = core;
  const noted = <T>(write: () => T): Promise<T> => {
    checkOpen();
    return group.add(() => write);
  };

  return {
    async submit(job, allowance = {}) {
      checkOpen();
      const weight = job.weight ?? 1;
      if (!(weight > 0 && weight < Infinity)) throw new Error(`weight ${weight} is not above 0`);
      try {
        const { stored, fresh } = await group.add(() => admit(core, job, weight, allowance));
        if (fresh) tell({ id: stored.id, status: 'waiting' });
        return stored;
      } catch (error) {
        throw writingWords(error);
      }
    },

    pledge: async (key, context) => noted(() => pledges.add({ key, context, createdAt: now() })),
    redeem: async (key) => noted(() => pledges.drop(key)),

    async cancel(id, by) {
      checkOpen();
      const head = store.head(id);
      if (head === null) return 'unknown';
      const moderates = by.moderator && (by.guildId === undefined || by.guildId === head.guildId);
      if (head.userId !== by.userId && !moderates) return 'not-yours';
      if (head.status === 'waiting') {
        core.write(() => ledger.end(head, { status: 'cancelled' }));
        tell({ id, status: 'cancelled' });
        return 'cancelled';
      }
      if (head.status !== 'running') return 'already-finished';
      if (!head.stopping) {
        core.write(() => store.change({ ...head, finishedAt: null, stopping: true }));
      }
      tell({ id, status: 'running', stopping: true });
      return 'stopping';
    },

    setContext: async (id, context) => noted(() => store.setContext(id, context)),
    setDelivered: async (id) => noted(() => store.setDelivered(id)),
    forget: async (ids) => noted(() => ids.forEach((id) => store.forget(id))),
  };
}

/** Looks whether the job may wait and answers how it is written down. Inside a transaction. */
function admit(
  { store, pledges, ledger, limits, now }: QueueCore,
  job: NewJob,
  weight: number,
  allowance: Allowance,
): () => { stored: Job; fresh: boolean } {
  const first = store.byKey(job.key);
  if (first !== null) return () => ({ stored: first, fresh: false });
  const { key, guildId, userId, parentId } = job;
  const work = workOf(job.request);
  const cost = ledger.estimator.cost(work);
  const createdAt = now();
  const spent = (guild: string, user?: string) => store.spent(dayOf(createdAt), guild, user);
  checkLimits(ledger.state(), limits, allowance, job, cost, spent);
  const id = newJobId();
  const row = { id, key, guildId, userId, parentId, weight, ...work };
  const request = encodeRequest(job.request);
  const context = JSON.stringify(job.context);
  return () => {
    const live = ledger.state();
    pledges.drop(key);
    const seq = store.insert({ ...row, request, context, createdAt });
    const turn = { id, seq, guildId, userId, weight, cost, work };
    const moved = join(live.lines, turn);
    remember(live, turn);
    if (moved) store.saveLines(live.lines, guildId, userId);
    return { stored: { ...job, ...NOT_STARTED, weight, id, createdAt }, fresh: true };
  };
}
