import { workOfOrder } from '../copy.ts';
import type { Work } from '../fairness/estimate.ts';
import { join } from '../fairness/fairness.ts';
import type { Kept } from './inputs/inputs.ts';
import type { Job, NewJob } from '../job.ts';
import type { Line } from '../line.ts';
import type { Allowance } from '../allowance.ts';
import { newJobId } from '../stored/job-id.ts';
import { checkLimits, dayOf } from '../fairness/limits.ts';
import { remember } from './live.ts';
import type { QueueCore } from './queue-core.ts';
import { writingWords } from './file/sqlite-file.ts';

/** A job at its submit, but for what was told. */
const NOT_STARTED = {
  status: 'waiting',
  device: null,
  attempt: 0,
  startedAt: null,
  finishedAt: null,
  result: null,
  failure: null,
  delivered: false,
  retractedAt: null,
  crashes: 0,
} as const satisfies Partial<Job>;

/** The calls that people's orders make. */
export function createOrders(core: QueueCore): Pick<Line, 'submit' | 'cancel' | 'revoke'> {
  const { store, inputs, liveJobs, group, tell, checkOpen } = core;
  return {
    async submit(job, allowance = {}) {
      checkOpen();
      const weight = job.weight ?? 1;
      if (!(weight > 0 && weight < Infinity)) throw new Error(`weight ${weight} is not above 0`);
      try {
        const work = await workOfOrder(job, core.costOf);
        const kept = await inputs.keep(job.request);
        const { stored, fresh } = await group
          .add(() => admit(core, job, { weight, allowance, kept, work }))
          .finally(kept.settle);
        if (fresh) tell({ id: stored.id, status: 'waiting' });
        return stored;
      } catch (error) {
        throw writingWords(error);
      }
    },

    async cancel(id, by) {
      checkOpen();
      const head = store.head(id);
      if (head === null) return 'unknown';
      const moderates = by.moderator && (by.guildId === undefined || by.guildId === head.guildId);
      if (head.userId !== by.userId && !moderates) return 'not-yours';
      if (head.status === 'waiting') {
        core.write(() => liveJobs.end(head, { status: 'cancelled' }));
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

    async revoke(id, failure) {
      checkOpen();
      const head = store.head(id);
      if (head?.status !== 'done') return false;
      const finishedAt = core.now();
      core.write(() =>
        store.change({ ...head, status: 'failed', charged: 0, finishedAt, failure }),
      );
      return true;
    },
  };
}

type Admission = { weight: number; allowance: Allowance; kept: Kept; work: Work };

/** Looks whether the job may wait and answers how it is written down. Inside a transaction. */
function admit(
  { store, deferrals, inputs, liveJobs, limits, now }: QueueCore,
  job: NewJob,
  { weight, allowance, kept, work }: Admission,
): () => { stored: Job; fresh: boolean } {
  const first = store.byKey(job.key);
  if (first !== null) return () => ({ stored: first, fresh: false });
  const { key, guildId, userId, parentId } = job;
  const cost = liveJobs.estimator.cost(work);
  const createdAt = now();
  const spent = (guild: string | null, user?: string) => store.spent(dayOf(createdAt), guild, user);
  checkLimits(liveJobs.state(), limits, allowance, job, cost, spent);
  const id = newJobId();
  const { width, height, count, guidanceScale } = job.request;
  const row = {
    id,
    key,
    guildId,
    userId,
    parentId,
    weight,
    work,
    pixels: width * height,
    images: count,
    guided: guidanceScale !== 1,
  };
  const request = kept.text;
  const context = JSON.stringify(job.context);
  return () => {
    const live = liveJobs.state();
    deferrals.drop(key);
    const seq = store.insert({ ...row, request, context, createdAt });
    inputs.name(seq, kept.hashes);
    const turn = { id, seq, guildId, userId, weight, cost, work };
    const moved = join(live.lines, turn);
    remember(live, turn);
    if (moved) store.saveLines(live.lines, guildId, userId);
    const stored = { ...job, ...NOT_STARTED, request: kept.request, weight, id, createdAt };
    return { stored, fresh: true };
  };
}
