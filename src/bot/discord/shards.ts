import type { Queue } from '../../queue/contracts.ts';
import type { JobContext } from '../../queue/job.ts';
import type { Deferral } from '../../queue/contracts.ts';

/** Which of all shards this process has; other processes have the others. */
export type ShardRange = { ids: readonly number[]; count: number };

/** What of a bot's work is this process's. */
export type OwnShare = {
  range: ShardRange | null;
  /** one process alone does what there must be one of: commands, the owner's alarms, forgetting what is old */
  leads: boolean;
  owns(guildId: string): boolean;
};

/** Discord's own formula; direct messages, and what is no server, are shard 0's. */
function shardOf(guildId: string, count: number): number {
  return /^\d{1,20}$/.test(guildId) ? Number((BigInt(guildId) >> 22n) % BigInt(count)) : 0;
}

/** `range` null: all of it is this process's. */
export function shareOf(range: ShardRange | null): OwnShare {
  if (range === null) return { range, leads: true, owns: () => true };
  const own = new Set(range.ids);
  return {
    range,
    leads: own.has(0),
    owns: (guildId) => own.has(shardOf(guildId, range.count)),
  };
}

/** Nobody can answer an interaction after so long. */
const DEFERRAL_LIFE_MS = 15 * 60_000;

/**
 * The queue as this process's part of the bot sees it: it hears of its own servers' jobs, takes up what was left
 * unfinished of them, and of promises those that it made. Whatever else it asks for is everybody's.
 */
export function ownPart(queue: Queue, { range, leads, owns }: OwnShare, now = Date.now): Queue {
  if (range === null) return queue;
  const { archive, events, deferrals } = queue;
  const label = `${range.ids.join(',')}/${range.count}`;
  const isMine = ({ context, createdAt }: Deferral): boolean => {
    const { shards } = context as JobContext & { shards?: unknown };
    // Of processes with other shares, which may live: once nothing can be answered any more.
    return shards === label || (leads && now() - createdAt > DEFERRAL_LIFE_MS);
  };
  return {
    ...queue,
    archive: {
      ...archive,
      unsettled: async () => (await archive.unsettled()).filter(({ guildId }) => owns(guildId)),
    },
    events: {
      ...events,
      subscribe: (listener) =>
        events.subscribe((event) => {
          if (owns(event.job.guildId)) listener(event);
        }),
    },
    deferrals: {
      ...deferrals,
      note: (key, context) => deferrals.note(key, { ...context, shards: label }),
      open: async () => (await deferrals.open()).filter(isMine),
    },
  };
}
