import type { Estimator, Work } from '../fairness/estimate.ts';
import { createLines, guildLine, place, userLine } from '../fairness/fairness.ts';
import type { Lines, Turn } from '../fairness/fairness.ts';
import type { JobId } from '../job.ts';
import type { SqliteStore } from './sqlite-store.ts';

export type WaitingJob = Turn & { work: Work };

export type RunningJob = {
  guildId: string;
  userId: string;
  /** milliseconds since 1970 */
  startedAt: number;
  /** seconds the run is expected to take */
  cost: number;
};

/** The live jobs in memory, as the database has them. */
export type Live = {
  lines: Lines;
  waiting: Map<JobId, WaitingJob>;
  running: Map<JobId, RunningJob>;
  /** waiting jobs of each user over all guilds */
  waitingOf: Map<string, number>;
};

/** What waits and runs, with all tags, as the file has it. */
export function loadLive(store: SqliteStore, estimator: Estimator): Live {
  const live: Live = {
    lines: createLines(),
    waiting: new Map(),
    running: new Map(),
    waitingOf: new Map(),
  };
  store.loadTags(live.lines);
  for (const head of store.live()) {
    const { id, seq, guildId, userId, weight } = head;
    const cost = estimator.cost(head);
    if (head.status === 'waiting') {
      const turn = { id, seq, guildId, userId, weight, cost, work: head };
      place(live.lines, turn);
      remember(live, turn);
    } else {
      const guild = guildLine(live.lines, guildId);
      userLine(guild, userId).running++;
      guild.running++;
      live.lines.running++;
      live.running.set(id, { guildId, userId, startedAt: head.startedAt ?? 0, cost });
    }
  }
  return live;
}

/** A job waits from here on. */
export function remember(live: Live, turn: WaitingJob): void {
  live.waiting.set(turn.id, turn);
  live.waitingOf.set(turn.userId, (live.waitingOf.get(turn.userId) ?? 0) + 1);
}

/** A job waits no more. */
export function forgetWaiting(live: Live, turn: Turn): void {
  live.waiting.delete(turn.id);
  const left = (live.waitingOf.get(turn.userId) ?? 0) - 1;
  if (left > 0) live.waitingOf.set(turn.userId, left);
  else live.waitingOf.delete(turn.userId);
}
