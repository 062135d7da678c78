import { LimitError } from '../allowance.ts';
import type { NewJob } from '../job.ts';
import type { Allowance, LimitReached, QueueLimits } from '../allowance.ts';
import type { Live } from '../sqlite/live.ts';

/** Seconds charged today to a person of a guild, or to the whole guild; null: over all guilds. */
export type SpentToday = (guildId: string | null, userId?: string) => number;

/**
 * Throws LimitError when this person or this guild has as many waiting jobs as allowed, or when the new one would
 * need more of the day's seconds than are left. `cost`: seconds the new one is expected to take.
 */
export function checkLimits(
  live: Live,
  limits: QueueLimits,
  allowance: Allowance,
  { guildId, userId }: NewJob,
  cost: number,
  spent: SpentToday,
): void {
  const guild = live.lines.guilds.get(guildId);
  const hold = (limit: LimitReached['limit'], taken: number, allowed: number | undefined) => {
    if (allowed !== undefined && taken >= allowed) throw new LimitError({ limit, taken, allowed });
  };
  hold('waiting-user', live.waitingOf.get(userId) ?? 0, limits.waitingPerUser);
  hold('waiting-user', live.waitingOf.get(userId) ?? 0, allowance.waitingEverywhere);
  hold('waiting-user', guild?.users.get(userId)?.turns.length ?? 0, allowance.waitingPerUser);
  hold('waiting-guild', guild?.waiting ?? 0, limits.waitingPerGuild);
  hold('waiting-guild', guild?.waiting ?? 0, allowance.waitingPerGuild);

  const last = (
    limit: LimitReached['limit'],
    allowed: number | undefined,
    ...of: [string | null, string?]
  ) => {
    if (allowed === undefined) return;
    const taken = spent(...of) + reserved(live, ...of);
    if (taken + cost > allowed) throw new LimitError({ limit, taken, allowed, cost });
  };
  last('seconds-user', allowance.userSeconds, guildId, userId);
  last('seconds-guild', allowance.guildSeconds, guildId);
  last('seconds-everywhere', allowance.secondsEverywhere, null, userId);
}

/** Seconds that the waiting and running jobs of a guild (null: of all), or of one of its people, are expected to take. */
export function reserved(live: Live, guildId: string | null, userId?: string): number {
  let seconds = 0;
  for (const jobs of [live.waiting.values(), live.running.values()]) {
    for (const job of jobs) {
      const isThere = guildId === null || job.guildId === guildId;
      if (isThere && (userId === undefined || job.userId === userId)) {
        seconds += job.cost;
      }
    }
  }
  return seconds;
}

/** Midnight in UTC, milliseconds since 1970: the day's seconds begin anew. */
export function dayOf(now: number): number {
  return now - (now % 86_400_000);
}
