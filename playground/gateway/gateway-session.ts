import type { WebSocket } from 'ws';
import { isThread } from '../world/channels.ts';
import { guildCreate, messageEvent } from './gateway-events.ts';
import { interactionEvent } from '../interactions/interaction-event.ts';
import type { Happening, State } from '../state.ts';
import { renderChannel } from '../world/render.ts';
import { isFields } from '../validate/validate.ts';
import { hasBot } from '../world/departures.ts';
import { applicationId, canSee } from '../world/world.ts';

export const op = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  presence: 3,
  voiceState: 4,
  resume: 6,
  reconnect: 7,
  requestMembers: 8,
  invalidSession: 9,
  hello: 10,
  heartbeatAck: 11,
} as const;

export const close = {
  unknown: 4000,
  unknownOpcode: 4001,
  decode: 4002,
  notAuthenticated: 4003,
  authenticationFailed: 4004,
  alreadyAuthenticated: 4005,
  invalidSequence: 4007,
  rateLimited: 4008,
  timedOut: 4009,
  invalidShard: 4010,
  invalidIntents: 4013,
  disallowedIntents: 4014,
} as const;

export const intent = {
  guilds: 1 << 0,
  members: 1 << 1,
  presences: 1 << 8,
  guildMessages: 1 << 9,
  directMessages: 1 << 12,
  messageContent: 1 << 15,
} as const;

const knownIntents = 0x3ffffff;
const privilegedIntents = intent.members | intent.presences | intent.messageContent;
/** Events kept for a resume; Discord keeps them for some minutes. */
const replayLimit = 1000;
const replayTime = 5 * 60_000;

type Event = { op: 0; t: string; s: number; d: unknown };

export type Session = {
  id: string;
  intents: number;
  shard: readonly [id: number, count: number];
  sequence: number;
  sent: Event[];
  connection: Connection | null;
  lostAt: number | null;
};

export type Connection = {
  socket: WebSocket;
  session: Session | null;
  lastHeartbeat: number;
  received: number[];
  /** fault: nothing is read or written, the TCP connection stays open */
  deaf: boolean;
};

/** May this session still be taken up again, so that events are kept for it? */
export function isResumable(session: Session): boolean {
  return session.connection !== null || Date.now() - (session.lostAt ?? 0) < replayTime;
}

/** Numbers the event, keeps it for a resume and sends it when the session is connected. */
export function dispatch(session: Session, t: string, d: unknown): void {
  const event: Event = { op: op.dispatch, t, s: ++session.sequence, d };
  session.sent.push(event);
  if (session.sent.length > replayLimit) session.sent.shift();
  if (session.connection) send(session.connection, event);
}

/** Sends one payload as JSON; nothing over a connection that is closed or that a fault has made deaf. */
export function send(connection: Connection, payload: object): void {
  if (!connection.deaf && connection.socket.readyState === 1) {
    connection.socket.send(JSON.stringify(payload));
  }
}

/** Why an identify is refused, as a close code; null when it is fine. */
export function refuseIdentify(state: State, d: unknown): { code: number; reason: string } | null {
  if (!isFields(d)) return { code: close.decode, reason: 'Error while decoding payload.' };
  if (d['token'] !== state.store.token) {
    state.log.warn({}, 'a bot with an unknown token was refused at the gateway');
    return { code: close.authenticationFailed, reason: 'Authentication failed.' };
  }
  const shard = d['shard'];
  if (shard !== undefined) {
    const [id, count] = Array.isArray(shard) ? shard : [];
    if (!Number.isInteger(id) || !Number.isInteger(count) || id < 0 || count < 1 || id >= count) {
      return { code: close.invalidShard, reason: 'Invalid shard.' };
    }
  }
  const intents = d['intents'];
  if (typeof intents !== 'number' || (intents & ~knownIntents) !== 0 || intents < 0) {
    return { code: close.invalidIntents, reason: 'Invalid intent(s).' };
  }
  if ((intents & privilegedIntents) !== 0) {
    return { code: close.disallowedIntents, reason: 'Disallowed intent(s).' };
  }
  return null;
}

/** Discord's own formula; direct messages go to shard 0. */
export function onShard(session: Session, guildId: string | null): boolean {
  const [id, count] = session.shard;
  return guildId === null ? id === 0 : Number((BigInt(guildId) >> 22n) % BigInt(count)) === id;
}

/** null: nothing is told. */
type Told = { t: string; d: unknown } | null;

/** What a session is told of something that happened. */
export function eventFor(state: State, session: Session, happening: Happening): Told {
  switch (happening.kind) {
    case 'interaction':
      if (!onShard(session, happening.interaction.guildId)) return null;
      return { t: 'INTERACTION_CREATE', d: interactionEvent(state, happening.interaction) };
    case 'message':
    case 'message-deleted':
      return ofMessage(state, session, happening);
    case 'channel':
    case 'channel-deleted':
      return ofChannel(state, session, happening);
    case 'guild-deleted':
    case 'bot-left':
    case 'bot-joined':
      return ofGuild(state, session, happening);
    default:
      return null;
  }
}

function ofMessage(
  state: State,
  session: Session,
  happening: Extract<Happening, { message: unknown }>,
): Told {
  const { message } = happening;
  const guildId = state.world.channels.get(message.channelId)?.guildId ?? null;
  const needed = guildId === null ? intent.directMessages : intent.guildMessages;
  const hidden = message.ephemeralFor !== null || (session.intents & needed) === 0;
  if (hidden || !onShard(session, guildId)) return null;
  if (happening.kind === 'message-deleted') {
    const place = { id: message.id, channel_id: message.channelId };
    return { t: 'MESSAGE_DELETE', d: guildId ? { ...place, guild_id: guildId } : place };
  }
  return {
    t: happening.created ? 'MESSAGE_CREATE' : 'MESSAGE_UPDATE',
    d: messageEvent(state, message, guildId),
  };
}

function ofChannel(
  state: State,
  session: Session,
  happening: Extract<Happening, { channel: unknown }>,
): Told {
  const { channel } = happening;
  const closed = (session.intents & intent.guilds) === 0;
  if (closed || !onShard(session, channel.guildId)) return null;
  if (happening.kind === 'channel') {
    if (!canSee(state.world, applicationId, channel)) return null;
    return { t: channelEvent(happening), d: renderChannel(state, channel) };
  }
  if (!botIsIn(state, channel.guildId)) return null;
  const { id, guildId: guild_id, parentId: parent_id, type } = channel;
  return isThread(channel)
    ? { t: 'THREAD_DELETE', d: { id, guild_id, parent_id, type } }
    : { t: 'CHANNEL_DELETE', d: renderChannel(state, channel) };
}

function ofGuild(
  state: State,
  session: Session,
  { kind, guild }: Extract<Happening, { guild: unknown }>,
): Told {
  if ((session.intents & intent.guilds) === 0 || !onShard(session, guild.id)) return null;
  if (kind === 'bot-joined') return { t: 'GUILD_CREATE', d: guildCreate(state, guild) };
  const wasIn = kind === 'bot-left' || hasBot(guild);
  // `unavailable` is what tells an outage from this.
  return wasIn ? { t: 'GUILD_DELETE', d: { id: guild.id } } : null;
}

function channelEvent({ channel, created }: Extract<Happening, { kind: 'channel' }>): string {
  return `${isThread(channel) ? 'THREAD' : 'CHANNEL'}_${created === true ? 'CREATE' : 'UPDATE'}`;
}

const botIsIn = ({ world }: State, guildId: string | null): boolean => {
  const guild = world.guilds.get(guildId ?? '');
  return guild !== undefined && hasBot(guild);
};
