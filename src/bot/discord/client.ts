import { Client, Events, GatewayIntentBits, Options, REST, Status } from 'discord.js';
import type { ClientOptions } from 'discord.js';
import type { BotLog } from '../bot-log.ts';
import type { DiscordCall, Gateway } from '../../metrics/monitored.ts';
import { tellingOfCalls } from './calls.ts';
import type { ShardRange } from './shards.ts';

export type DiscordAccess = {
  client: Client;
  /** first responses: short timeout, one retry */
  acks: REST;
  /** messages: no retries and no waiting inside, the caller decides */
  messages: REST;
};

const ACK_TIMEOUT_MS = 1200;
const ACK_RETRIES = 1;
const MESSAGE_TIMEOUT_MS = 120_000;

/** `apiBase`: a Discord API other than Discord's own, e.g. http://127.0.0.1:8080/api, or null. */
export function connectOptions(apiBase: string | null): { api?: string } {
  return apiBase === null ? {} : { api: apiBase };
}

/**
 * Makes the gateway client and two REST clients, one for first responses and one for messages. `apiBase` null is
 * Discord itself; `onCall` hears of every request. Nothing connects before `client.login`.
 */
export function createAccess(
  token: string,
  apiBase: string | null,
  log: BotLog,
  {
    onCall,
    shards = null,
    ackTimeoutMs = ACK_TIMEOUT_MS,
  }: {
    onCall?: ((call: DiscordCall) => void) | undefined;
    shards?: ShardRange | null;
    ackTimeoutMs?: number | undefined;
  } = {},
): DiscordAccess {
  const api = {
    ...connectOptions(apiBase),
    ...(onCall === undefined ? {} : { makeRequest: tellingOfCalls(onCall) }),
  };
  const options: ClientOptions = {
    // Of messages only that they were deleted is of interest; none of these is privileged.
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.DirectMessages,
    ],
    ...(shards !== null && { shards: shards.ids, shardCount: shards.count }),
    allowedMentions: { parse: [], repliedUser: false },
    rest: { ...api, version: '10' },
    // Nothing here reads messages, members or voice states; what is not kept does not grow.
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      MessageManager: 0,
      ReactionManager: 0,
      GuildMemberManager: { maxSize: 0, keepOverLimit: (member) => member.id === client.user?.id },
      UserManager: { maxSize: 200, keepOverLimit: (user) => user.id === client.user?.id },
    }),
  };
  const client: Client = new Client(options);
  const acks = new REST({
    ...api,
    version: '10',
    timeout: ackTimeoutMs,
    retries: ACK_RETRIES,
  });
  const messages = new REST({
    ...api,
    version: '10',
    timeout: MESSAGE_TIMEOUT_MS,
    retries: 0,
    rejectOnRateLimit: () => true,
  }).setToken(token);

  noteGateway(client, log);
  messages.on('rateLimited', ({ route, timeToReset }) =>
    log.debug({ route, timeToReset }, 'rate limit'),
  );
  return { client, acks, messages };
}

function noteGateway(client: Client, log: BotLog): void {
  client.on(Events.Error, (error) => log.warn({ said: error.message }, 'Discord client error'));
  client.on(Events.ShardError, (error, shard) =>
    log.warn({ shard, said: error.message }, 'gateway connection failed; reconnecting'),
  );
  client.on(Events.ShardReconnecting, (shard) => log.info({ shard }, 'gateway reconnecting'));
  client.on(Events.ShardResume, (shard) => log.info({ shard }, 'gateway resumed'));
  client.on(Events.ShardDisconnect, (event, shard) =>
    log.warn({ shard, code: event.code }, 'gateway closed the connection for good'),
  );
}

/** Connected: every shard is. */
export function gatewayOf({ client }: DiscordAccess): Gateway {
  const { shards, ping } = client.ws;
  const connected = shards.size > 0 && shards.every(({ status }) => status === Status.Ready);
  return {
    connected,
    // -1, or no number, before the first heartbeat was answered.
    latencySeconds: ping >= 0 ? ping / 1000 : null,
    servers: client.guilds.cache.size,
  };
}

/** The two REST queues keep sweep timers, which would keep the process alive. */
export async function closeAccess({ client, acks, messages }: DiscordAccess): Promise<void> {
  await client.destroy();
  for (const rest of [acks, messages]) {
    rest.clearHandlerSweeper();
    rest.clearHashSweeper();
  }
}
