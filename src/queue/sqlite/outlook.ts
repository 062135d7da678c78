import { workOf } from '../fairness/estimate.ts';
import { dayOf, reserved } from '../fairness/limits.ts';
import { heldBy, type Line } from '../line.ts';
import type { QueueCore } from './queue-core.ts';

/** The line's calls that change no job. */
export function createOutlook(
  core: QueueCore,
): Pick<Line, 'outlook' | 'standing' | 'usage' | 'estimate' | 'mode' | 'setMode'> {
  const { store, liveJobs, now, checkOpen, tell } = core;
  return {
    outlook: (first) => outlookOf(core, first),
    standing: () => standingOf(core),

    async usage(guildId, userId) {
      checkOpen();
      const live = liveJobs.state();
      const guild = live.lines.guilds.get(guildId ?? '');
      const there = userId === undefined ? guild?.waiting : guild?.users.get(userId)?.turns.length;
      const waiting = guildId === null ? live.waitingOf.get(userId ?? '') : there;
      return {
        waiting: waiting ?? 0,
        seconds: store.spent(dayOf(now()), guildId, userId),
        reserved: reserved(live, guildId, userId),
      };
    },

    async mode() {
      checkOpen();
      return store.mode();
    },

    async setMode(mode) {
      core.write(() => store.setMode(mode));
      tell();
    },

    async estimate(request) {
      return liveJobs.estimator.seconds(workOf(request.model, await core.costOf(request)));
    },
  };
}

async function outlookOf(core: QueueCore, first?: number): ReturnType<Line['outlook']> {
  const { store, liveJobs, now, checkOpen } = core;
  checkOpen();
  const live = liveJobs.state();
  const held = heldBy(store.mode());
  const measured = liveJobs.estimator.measured();
  // As many places as jobs run now: each waiting job takes the place that becomes free first.
  const free = [...live.running.values()].map(({ startedAt, cost }) => {
    // A clock that was set back would have a run begin tomorrow.
    const seconds = Math.max(0, now() - startedAt) / 1000;
    return Math.max(0, cost - seconds);
  });
  if (free.length === 0) free.push(0);
  return core.order(first).map(({ id, cost }, index) => {
    const wait = Math.min(...free);
    free[free.indexOf(wait)] = wait + cost;
    const position = index + 1;
    if (held !== null) return { id, position, waitSeconds: null, held };
    return { id, position, waitSeconds: measured ? wait : null };
  });
}

async function standingOf(core: QueueCore): ReturnType<Line['standing']> {
  const { store, liveJobs, checkOpen } = core;
  checkOpen();
  const { waiting, running } = liveJobs.state();
  let oldest: { id: string; seq: number } | null = null;
  for (const turn of waiting.values()) {
    if (oldest === null || turn.seq < oldest.seq) oldest = turn;
  }
  const begun = [...running.values()].map(({ startedAt }) => startedAt);
  return {
    waiting: {
      jobs: waiting.size,
      since: oldest === null ? null : (store.byId(oldest.id)?.createdAt ?? null),
    },
    running: { jobs: running.size, since: begun.length === 0 ? null : Math.min(...begun) },
  };
}
