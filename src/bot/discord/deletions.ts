import { GatewayDispatchEvents, Routes } from 'discord.js';
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
import { addressIn } from '../reply/reply-address.ts';
import { chainOf } from '../sheet/sheet-chain.ts';
import { describe, troubleOf } from './discord-errors.ts';

/** Answers what is to be done once what came before is done. */
type Follow<T> = (data: T) => () => Promise<void>;

/** Orders of a server that are looked through when one of its channels goes, and channels that Discord is asked for. */
const LOOKED_AT = 500;
const ASKED = 30;

type DeletionOptions = { archive: Archive; line: Pick<Line, 'cancel'>; log: BotLog };

/**
 * What is deleted in Discord is deleted here: a message, many at once, a channel, a thread, or the server with all that
 * is in it. No further picture is painted for it. Answers the way to stop.
 */
export function watchDeletions(client: Client, options: DeletionOptions): () => Promise<void> {
  const { archive, log } = options;
  let last: Promise<void> = Promise.resolve();

  const { retract, retractUnknown } = retracting(client, options);
  const ends: (() => void)[] = [];
  // As they come from the gateway: discord.js tells of a message only where it has kept it.
  function hear<T>(event: GatewayDispatchEvents, follow: Follow<T>): void {
    const listener = (data: T): void => {
      // What discord.js still knows now it forgets with this very event.
      const work = follow(data);
      last = last.then(work).catch((error: unknown) => {
        log.error(describe(error), 'a deletion in Discord could not be followed');
      });
    };
    client.ws.on(event, listener);
    ends.push(() => client.ws.off(event, listener));
  }

  hear(
    GatewayDispatchEvents.MessageDelete,
    ({ id }: GatewayMessageDeleteDispatchData) =>
      () =>
        retract({ messages: [id] }),
  );
  hear(
    GatewayDispatchEvents.MessageDeleteBulk,
    ({ ids }: GatewayMessageDeleteBulkDispatchData) =>
      () =>
        retract({ messages: ids }),
  );
  hear(GatewayDispatchEvents.ChannelDelete, (data: GatewayChannelDeleteDispatchData) => {
    const channels = [data.id, ...threadsOf(client, data.id)];
    const guildId = 'guild_id' in data ? (data.guild_id ?? null) : null;
    return async () => {
      await retract({ channels });
      if (guildId !== null) await retractUnknown(guildId);
    };
  });
  hear(
    GatewayDispatchEvents.ThreadDelete,
    ({ id }: GatewayThreadDeleteDispatchData) =>
      () =>
        retract({ channels: [id] }),
  );
  hear(GatewayDispatchEvents.GuildDelete, (data: GatewayGuildDeleteDispatchData) => async () => {
    // An outage is no deletion.
    if (data.unavailable !== true) await retract({ guildId: data.id });
  });
  hear(
    GatewayDispatchEvents.GuildCreate,
    ({ id }: GatewayGuildCreateDispatchData) =>
      () =>
        archive.restore(id),
  );
  return async () => {
    for (const end of ends) end();
    await last;
  };
}

function retracting(client: Client, { archive, line, log }: DeletionOptions) {
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

  /**
   * Closed threads go with their channel as well, and nobody knows them here: of places that the last orders of the
   * server were made in, and that discord.js has not, Discord itself is asked.
   */
  async function retractUnknown(guildId: string): Promise<void> {
    const jobs = await archive.recent({ guildId, limit: LOOKED_AT });
    const places = jobs
      .filter(({ retractedAt }) => (retractedAt ?? null) === null)
      .flatMap(({ context }) => addressIn(context)?.channelId ?? []);
    const unknown = [...new Set(places)].filter((id) => !client.channels.cache.has(id));
    for (const channelId of unknown.slice(0, ASKED)) {
      const isGone = await client.rest.get(Routes.channel(channelId)).then(
        () => false,
        (error: unknown) => troubleOf(error) === 'deleted',
      );
      if (isGone) await retract({ channels: [channelId] });
    }
  }

  return { retract, retractUnknown };
}

/** Those that are open go with their channel without a word of their own. */
function threadsOf(client: Client, channelId: string): string[] {
  return client.channels.cache
    .filter((channel) => channel.isThread() && channel.parentId === channelId)
    .map(({ id }) => id);
}
