import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { guildCreate, readyEvent } from './gateway-events.ts';
import type { Connection, Session } from './gateway-session.ts';
import {
  close,
  dispatch,
  eventFor,
  intent,
  isResumable,
  onShard,
  op,
  refuseIdentify,
  send,
} from './gateway-session.ts';
import type { Happening, State } from '../state.ts';
import { publish } from '../state.ts';
import { hasBot } from '../world/departures.ts';
import { isFields } from '../validate/validate.ts';

export type GatewayDrop = 'op7' | 'op9' | 'op9-resumable' | 'kill' | 'half-open';

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

type Room = {
  state: State;
  gatewayUrl: string;
  sessions: Map<string, Session>;
  connections: Set<Connection>;
  online: boolean;
};

/** The gateway at `gatewayUrl`: sessions, heartbeats, resumes, and the events of everything that happens. */
export function openGateway(state: State, gatewayUrl: string): Gateway {
  const room: Room = {
    state,
    gatewayUrl,
    sessions: new Map(),
    connections: new Set(),
    online: false,
  };
  const sweep = setInterval(() => sweepOut(room), state.timing.heartbeat);
  sweep.unref();
  const listener = (happening: Happening): void => {
    for (const session of room.sessions.values()) {
      if (!isResumable(session)) continue;
      const event = eventFor(state, session, happening);
      if (event) dispatch(session, event.t, event.d);
    }
  };
  state.listeners.add(listener);
  return {
    get online() {
      return room.online;
    },
    get reachable() {
      return [...room.sessions.values()].some(isResumable);
    },
    accept: (socket) => accept(room, socket),
    drop(how) {
      for (const connection of room.connections) drop(room, connection, how);
      announce(room);
    },
    close() {
      clearInterval(sweep);
      state.listeners.delete(listener);
      for (const { socket } of room.connections) socket.terminate();
    },
  };
}

function accept(room: Room, socket: WebSocket): void {
  const connection: Connection = {
    socket,
    session: null,
    lastHeartbeat: Date.now(),
    received: [],
    deaf: false,
  };
  room.connections.add(connection);
  socket.on('message', (data) => {
    if (!connection.deaf) receive(room, connection, String(data));
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', (code) => {
    room.connections.delete(connection);
    const { session } = connection;
    if (session?.connection === connection) {
      session.connection = null;
      session.lostAt = Date.now();
      // A client that says goodbye with 1000 or 1001 ends its session.
      if (code === 1000 || code === 1001) room.sessions.delete(session.id);
    }
    announce(room);
  });
  const interval = room.state.timing.heartbeat;
  send(connection, { op: op.hello, s: null, t: null, d: { heartbeat_interval: interval } });
}

function receive(room: Room, connection: Connection, text: string): void {
  const { socket } = connection;
  const now = Date.now();
  connection.received = connection.received.filter((at) => at > now - 60_000);
  connection.received.push(now);
  if (connection.received.length > 120) return socket.close(close.rateLimited, 'Rate limited.');
  const payload = parse(text);
  if (!payload) return socket.close(close.decode, 'Error while decoding payload.');
  switch (payload['op']) {
    case op.heartbeat:
      connection.lastHeartbeat = now;
      return send(connection, { op: op.heartbeatAck, d: null });
    case op.identify:
    case op.resume:
      if (connection.session) {
        return socket.close(close.alreadyAuthenticated, 'Already authenticated.');
      }
      return payload['op'] === op.identify
        ? identify(room, connection, payload['d'])
        : resume(room, connection, payload['d']);
    case op.presence:
    case op.voiceState:
    case op.requestMembers:
      if (!connection.session) socket.close(close.notAuthenticated, 'Not authenticated.');
      return;
    default:
      socket.close(close.unknownOpcode, 'Unknown opcode.');
  }
}

function identify(room: Room, connection: Connection, d: unknown): void {
  const { state, sessions, gatewayUrl } = room;
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
  const guilds = [...state.world.guilds.values()].filter(
    (guild) => onShard(session, guild.id) && hasBot(guild),
  );
  dispatch(session, 'READY', readyEvent(state, session, guilds, gatewayUrl));
  if ((session.intents & intent.guilds) !== 0) {
    for (const guild of guilds) dispatch(session, 'GUILD_CREATE', guildCreate(state, guild));
  }
  state.log.info({ shard: session.shard[0] }, 'the bot is online');
  announce(room);
}

function resume(room: Room, connection: Connection, d: unknown): void {
  const fields = isFields(d) ? d : {};
  if (fields['token'] !== room.state.store.token) {
    return connection.socket.close(close.authenticationFailed, 'Authentication failed.');
  }
  const session = room.sessions.get(String(fields['session_id']));
  if (!session || !isResumable(session)) {
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
  announce(room);
}

function drop(room: Room, connection: Connection, how: GatewayDrop): void {
  switch (how) {
    case 'op7':
      return send(connection, { op: op.reconnect, d: null });
    case 'op9':
      if (connection.session) room.sessions.delete(connection.session.id);
      connection.session = null;
      return send(connection, { op: op.invalidSession, d: false });
    case 'op9-resumable':
      return send(connection, { op: op.invalidSession, d: true });
    case 'kill':
      return connection.socket.terminate();
    case 'half-open':
      connection.deaf = true;
      // This side does not notice either: it never times the connection out.
      connection.lastHeartbeat = Number.POSITIVE_INFINITY;
  }
}

function announce(room: Room): void {
  const now = [...room.connections].some((one) => one.session !== null && !one.deaf);
  if (now === room.online) return;
  room.online = now;
  publish(room.state, { kind: 'bot', online: now });
}

function sweepOut(room: Room): void {
  const latest = Date.now() - room.state.timing.heartbeat * 2.5;
  for (const one of room.connections) {
    if (one.lastHeartbeat < latest) one.socket.close(close.timedOut, 'Session timed out.');
  }
  for (const [id, session] of room.sessions) if (!isResumable(session)) room.sessions.delete(id);
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const payload: unknown = JSON.parse(text);
    return isFields(payload) ? payload : null;
  } catch {
    return null;
  }
}
