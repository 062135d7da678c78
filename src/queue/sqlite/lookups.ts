import { workOf } from '../fairness/estimate.ts';
import { createExpiry } from '../retention/expiry.ts';
import { figuresOf, ratesOf } from './figures.ts';
import type { Job, Queue } from '../job.ts';
import { dayOf, reserved } from '../fairness/limits.ts';
import type { QueueCore } from './queue-core.ts';

type Lookups = Pick<
  Queue,
  | 'pledges'
  | 'usage'
  | 'get'
  | 'outlook'
  | 'unsettled'
  | 'expired'
  | 'recent'
  | 'figures'
  | 'rates'
  | 'estimate'
>;

/** The calls that change nothing. */
export function createLookups(core: QueueCore): Lookups {
  const { db, store, pledges, inputs, ledger, now, checkOpen } = core;
  const expired = createExpiry(db);
  const open = <T>(look: () => T): Promise<T> => {
    checkOpen();
    return Promise.resolve(look());
  };

  /** One file that cannot be read must not hide all jobs: its picture counts as gone. */
  const filled = (job: Job): Promise<Job> => inputs.fill(job).catch(() => withoutPicture(job));
  const allFilled = (jobs: readonly Job[]) => Promise.all(jobs.map(filled));

  return {
    pledges: async () => open(() => pledges.all()),

    async usage(guildId, userId) {
      checkOpen();
      const live = ledger.state();
      const guild = live.lines.guilds.get(guildId);
      const waiting =
        userId === undefined ? guild?.waiting : guild?.users.get(userId)?.turns.length;
      return {
        waiting: waiting ?? 0,
        seconds: store.spent(dayOf(now()), guildId, userId),
        reserved: reserved(live, guildId, userId),
      };
    },

    async get(id) {
      const job = await open(() => store.byId(id));
      return job === null ? null : filled(job);
    },

    async outlook() {
      checkOpen();
      const live = ledger.state();
      const measured = ledger.estimator.measured();
      // As many places as jobs run now: each waiting job takes the place that becomes free first.
      const free = [...live.running.values()].map(({ startedAt, cost }) => {
        // A clock that was set back would have a run begin tomorrow.
        const seconds = Math.max(0, now() - startedAt) / 1000;
        return Math.max(0, cost - seconds);
      });
      if (free.length === 0) free.push(0);
      return core.order().map(({ id, cost }, index) => {
        const wait = Math.min(...free);
        free[free.indexOf(wait)] = wait + cost;
        return { id, position: index + 1, waitSeconds: measured ? wait : null };
      });
    },

    unsettled: async () => allFilled(await open(() => store.unsettled())),
    expired: async (filter) => open(() => expired({ ...filter, now: now() })),
    recent: async (filter) => allFilled(await open(() => store.recent(filter))),
    figures: async (filter) => open(() => figuresOf(db, filter)),
    rates: async () => open(() => ratesOf(db)),
    estimate: async (request) => ledger.estimator.seconds(workOf(request)),
  };
}

function withoutPicture(job: Job): Job {
  const { init } = job.request;
  if (init === null) return job;
  return { ...job, request: { ...job.request, init: { ...init, image: new Uint8Array(0) } } };
}
