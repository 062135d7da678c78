import { GatewayDispatchEvents } from 'discord.js';
import type {
  Client,
  GatewayChannelDeleteDispatchData,
  GatewayGuildCreateDispatchData,
  GatewayGuildDeleteDispatchData,
  GatewayMessageDeleteBulkDispatchData,
  GatewayMessageDeleteDispatchData,
  GatewayThreadDeleteDispatchData,
} from 'discord.js';
import { isSheet } from '../../explore/sheet/order.ts';
import type { Archive, ShownIn } from '../../queue/archive.ts';
import type { JobId } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import type { BotLog } from '../bot-log.ts';
import { chainOf } from '../sheet/sheet-chain.ts';
import { describe } from './discord-errors.ts';

/**
 * What is deleted in Discord is deleted here: a message, many at once, a channel, a thread, or the server with all that
 * is in it. No further picture is painted for it. Answers the way to stop.
 */
export function watchDeletions(
  client: Client,
  { archive, line, log }: { archive: Archive; line: Pick<Line, 'cancel'>; log: BotLog },
): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();

  async function retract(shown: ShownIn): Promise<void> {
    for (const id of await archive.retract(shown)) {
      await retractRest(id);
      log.info({ job: id }, 'its message was deleted in Discord');
    }
  }

  async function retractRest(id: JobId): Promise<void> {
    const job = await archive.get(id);
    if (job === null) return;
    // The first jobs of a sheet did not know its message yet.
    if (isSheet(job.context)) {
      const chain = await chainOf(job, archive);
      await archive.retract({ jobs: chain.map((one) => one.id) });
    }
    if (job.status === 'waiting' || job.status === 'running') {
      await line.cancel(id, { userId: job.userId, moderator: true });
    }
  }

  const ends: (() => void)[] = [];
  // As they come from the gateway: discord.js tells of a message only where it has kept it.
  function hear<T>(event: GatewayDispatchEvents, follow: (data: T) => Promise<void>): void {
    const listener = (data: T): void => {
      last = last
        .then(() => follow(data))
        .catch((error: unknown) => {
          log.error(describe(error), 'a deletion in Discord could not be followed');
        });
    };
    client.ws.on(event, listener);
    ends.push(() => client.ws.off(event, listener));
  }

  hear(GatewayDispatchEvents.MessageDelete, ({ id }: GatewayMessageDeleteDispatchData) =>
    retract({ messages: [id] }),
  );
  hear(GatewayDispatchEvents.MessageDeleteBulk, ({ ids }: GatewayMessageDeleteBulkDispatchData) =>
    retract({ messages: ids }),
  );
  hear(GatewayDispatchEvents.ChannelDelete, ({ id }: GatewayChannelDeleteDispatchData) =>
    retract({ channels: [id, ...threadsOf(client, id)] }),
  );
  hear(GatewayDispatchEvents.ThreadDelete, ({ id }: GatewayThreadDeleteDispatchData) =>
    retract({ channels: [id] }),
  );
  hear(GatewayDispatchEvents.GuildDelete, async (data: GatewayGuildDeleteDispatchData) => {
    // An outage is no deletion.
    if (data.unavailable !== true) await retract({ guildId: data.id });
  });
  hear(GatewayDispatchEvents.GuildCreate, ({ id }: GatewayGuildCreateDispatchData) =>
    archive.restore(id),
  );
  return async () => {
    for (const end of ends) end();
    await last;
  };
}

/** Those that are open go with their channel without a word of their own. */
function threadsOf(client: Client, channelId: string): string[] {
  return client.channels.cache
    .filter((channel) => channel.isThread() && channel.parentId === channelId)
    .map(({ id }) => id);
}
