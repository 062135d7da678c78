import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { guildCreate, messageEvent, readyEvent } from './gateway-events.ts';
import { interactionEvent } from './interaction-event.ts';
import type { Happening, State } from './state.ts';
import { publish } from './state.ts';
import { isFields } from './validate.ts';

const op = {
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

const close = {
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

const intent = {
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

type Session = {
  id: string;
  intents: number;
  shard: readonly [id: number, count: number];
  sequence: number;
  sent: Event[];
  connection: Connection | null;
  lostAt: number | null;
};

type Connection = {
  socket: WebSocket;
  session: Session | null;
  lastHeartbeat: number;
  received: number[];
  /** fault: nothing is read or written, the TCP connection stays open */
  deaf: boolean;
};

export type GatewayDrop = 'op7' | 'op9' | 'kill' | 'half-open';

export type Gateway = {
  /** A new connection on /gateway. */
  accept(socket: WebSocket): void;
  readonly online: boolean;
  /** a session is there or may still come back, so that events are kept for it */
  readonly reachable: boolean;
  /** Fault injection on every current connection. */
  drop(how: GatewayDrop): void;
  close(): void;
};

export function openGateway(state: State, gatewayUrl: string): Gateway {
  const sessions = new Map<string, Session>();
  const connections = new Set<Connection>();
  let online = false;

  const send = (connection: Connection, payload: object): void => {
    if (!connection.deaf && connection.socket.readyState === 1) {
      connection.socket.send(JSON.stringify(payload));
    }
  };
  const dispatch = (session: Session, t: string, d: unknown): void => {
    const event: Event = { op: op.dispatch, t, s: ++session.sequence, d };
    session.sent.push(event);
    if (session.sent.length > replayLimit) session.sent.shift();
    if (session.connection) send(session.connection, event);
  };
  const announce = (): void => {
    const now = [...connections].some((one) => one.session !== null && !one.deaf);
    if (now === online) return;
    online = now;
    publish(state, { kind: 'bot', online });
  };
  const resumable = (session: Session): boolean =>
    session.connection !== null || Date.now() - (session.lostAt ?? 0) < replayTime;

  const identify = (connection: Connection, d: unknown): void => {
    const refused = refuseIdentify(state, d);
    if (refused !== null) return connection.socket.close(refused.code, refused.reason);
    const fields = d as { intents: number; shard?: [number, number] };
    const session: Session = {
      id: randomBytes(16).toString('hex'),
      intents: fields.intents,
      shard: fields.shard ?? [0, 1],
      sequence: 0,
      sent: [],
      connection,
      lostAt: null,
    };
    connection.session = session;
    sessions.set(session.id, session);
    const guilds = [...state.world.guilds.values()].filter((guild) => onShard(session, guild.id));
    dispatch(session, 'READY', readyEvent(state, session, guilds, `${gatewayUrl}`));
    if ((session.intents & intent.guilds) !== 0) {
      for (const guild of guilds) dispatch(session, 'GUILD_CREATE', guildCreate(state, guild));
    }
    state.log.info({ shard: session.shard[0] }, 'the bot is online');
    announce();
  };

  const resume = (connection: Connection, d: unknown): void => {
    const fields = isFields(d) ? d : {};
    if (fields['token'] !== state.store.token) {
      return connection.socket.close(close.authenticationFailed, 'Authentication failed.');
    }
    const session = sessions.get(String(fields['session_id']));
    if (!session || !resumable(session)) {
      return send(connection, { op: op.invalidSession, d: false });
    }
    const sequence = Number(fields['seq']);
    const oldest = session.sent[0]?.s ?? session.sequence + 1;
    if (!Number.isInteger(sequence) || sequence > session.sequence || sequence + 1 < oldest) {
      return connection.socket.close(close.invalidSequence, 'Invalid seq.');
    }
    session.connection?.socket.terminate();
    session.connection = connection;
    session.lostAt = null;
    connection.session = session;
    for (const event of session.sent) if (event.s > sequence) send(connection, event);
    dispatch(session, 'RESUMED', { _trace: ['playground'] });
    announce();
  };

  const receive = (connection: Connection, text: string): void => {
    const now = Date.now();
    connection.received = connection.received.filter((at) => at > now - 60_000);
    connection.received.push(now);
    if (connection.received.length > 120) {
      return connection.socket.close(close.rateLimited, 'Rate limited.');
    }
    const payload = parse(text);
    if (!payload) {
      return connection.socket.close(close.decode, 'Error while decoding payload.');
    }
    switch (payload['op']) {
      case op.heartbeat:
        connection.lastHeartbeat = now;
        return send(connection, { op: op.heartbeatAck, d: null });
      case op.identify:
      case op.resume:
        if (connection.session) {
          return connection.socket.close(close.alreadyAuthenticated, 'Already authenticated.');
        }
        return payload['op'] === op.identify
          ? identify(connection, payload['d'])
          : resume(connection, payload['d']);
      case op.presence:
      case op.voiceState:
      case op.requestMembers:
        if (!connection.session) {
          connection.socket.close(close.notAuthenticated, 'Not authenticated.');
        }
        return;
      default:
        connection.socket.close(close.unknownOpcode, 'Unknown opcode.');
    }
  };

  const sweep = setInterval(() => {
    const latest = Date.now() - state.timing.heartbeat * 2.5;
    for (const one of connections) {
      if (one.lastHeartbeat < latest) one.socket.close(close.timedOut, 'Session timed out.');
    }
    for (const [id, session] of sessions) if (!resumable(session)) sessions.delete(id);
  }, state.timing.heartbeat);
  sweep.unref();

  const listener = (happening: Happening): void => {
    for (const session of sessions.values()) {
      if (!resumable(session)) continue;
      const event = eventFor(state, session, happening);
      if (event) dispatch(session, event.t, event.d);
    }
  };
  state.listeners.add(listener);

  return {
    get online() {
      return online;
    },
    get reachable() {
      return [...sessions.values()].some(resumable);
    },
    accept(socket) {
      const connection: Connection = {
        socket,
        session: null,
        lastHeartbeat: Date.now(),
        received: [],
        deaf: false,
      };
      connections.add(connection);
      socket.on('message', (data) => {
        if (!connection.deaf) receive(connection, String(data));
      });
      socket.on('error', () => socket.terminate());
      socket.on('close', (code) => {
        connections.delete(connection);
        const { session } = connection;
        if (session?.connection === connection) {
          session.connection = null;
          session.lostAt = Date.now();
          // A client that says goodbye with 1000 or 1001 ends its session.
          if (code === 1000 || code === 1001) sessions.delete(session.id);
        }
        announce();
      });
      send(connection, {
        op: op.hello,
        s: null,
        t: null,
        d: { heartbeat_interval: state.timing.heartbeat },
      });
    },
    drop(how) {
      for (const connection of connections) {
        if (how === 'op7') send(connection, { op: op.reconnect, d: null });
        if (how === 'op9') {
          if (connection.session) sessions.delete(connection.session.id);
          connection.session = null;
          send(connection, { op: op.invalidSession, d: false });
        }
        if (how === 'kill') connection.socket.terminate();
        if (how === 'half-open') {
          connection.deaf = true;
          connection.lastHeartbeat = Number.POSITIVE_INFINITY;
        }
      }
      announce();
    },
    close() {
      clearInterval(sweep);
      state.listeners.delete(listener);
      for (const { socket } of connections) socket.terminate();
    },
  };
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const payload: unknown = JSON.parse(text);
    return isFields(payload) ? payload : null;
  } catch {
    return null;
  }
}

function refuseIdentify(state: State, d: unknown): { code: number; reason: string } | null {
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
function onShard(session: Session, guildId: string | null): boolean {
  const [id, count] = session.shard;
  return guildId === null ? id === 0 : Number((BigInt(guildId) >> 22n) % BigInt(count)) === id;
}

function eventFor(
  state: State,
  session: Session,
  happening: Happening,
): { t: string; d: unknown } | null {
  switch (happening.kind) {
    case 'interaction': {
      if (!onShard(session, happening.interaction.guildId)) return null;
      return { t: 'INTERACTION_CREATE', d: interactionEvent(state, happening.interaction) };
    }
    case 'message':
    case 'message-deleted': {
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
    default:
      return null;
  }
}
