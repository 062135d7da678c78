import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { ApiParts, Exchange } from './rest/api-server.ts';
import { handleApi } from './rest/api-server.ts';
import { isThread } from './world/channels.ts';
import type { Faults } from './gateway/faults.ts';
import { startFaults } from './gateway/faults.ts';
import { openGateway } from './gateway/gateway.ts';
import { isOwnHost, isOwnOrigin } from './rest/http.ts';
import { signedLinks } from './messages/media.ts';
import { mebibyte } from './messages/message-files.ts';
import { serveAttachment, servePage } from './page/page-server.ts';
import { openPages } from './page/page-socket.ts';
import { PlaygroundError } from './playground-error.ts';
import { startRateLimits } from './rest/rate-limits.ts';
import { snowflakeAt, snowflakeSource } from './snowflake.ts';
import type { Log, State, Timing } from './state.ts';
import { openStore } from './store/store.ts';
import { foundGuild, inviteBot, removeBot } from './world/departures.ts';
import { changeThread, openMedia, startPost } from './world/threads.ts';
import { receiveUpload } from './page/uploads.ts';
import { applicationId } from './world/world.ts';

export type { Exchange } from './rest/api-server.ts';
export { PlaygroundError } from './playground-error.ts';

export type PlaygroundOptions = {
  /** 0: any free one */
  port: number;
  host?: '127.0.0.1';
  /** where messages, pictures and ids are kept */
  dataFile: string | ':memory:';
  log?: Log;
  /** shorter clocks, for tests */
  timing?: Partial<Timing>;
  /** that many members more in both servers */
  guests?: number;
  /** hears of every REST request and its answer */
  onExchange?: (exchange: Exchange) => void;
};

export type Playground = {
  /** the page */
  url: string;
  /** what discord.js takes as `rest.api` */
  apiBase: string;
  /** the only bot token that is accepted */
  token: string;
  applicationId: string;
  faults: Faults;
  close(): Promise<void>;
};

const discordTiming: Timing = {
  firstResponse: 3000,
  interactionToken: 15 * 60_000,
  attachmentLink: 24 * 3600_000,
  heartbeat: 41_250,
};

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Starts a local Discord on the loopback interface: REST v10, gateway v10, attachments, and a page to use them with.
 * Everything is kept in `dataFile`, so that a killed process finds its messages, pictures and ids again. Throws when
 * the port is taken or the file cannot be opened; the message says what to do.
 */
export async function startPlayground(options: PlaygroundOptions): Promise<Playground> {
  const host = options.host ?? '127.0.0.1';
  const server = createServer();
  await listen(server, options.port, host);
  try {
    return run(server, options);
  } catch (error) {
    server.close();
    throw error;
  }
}

function run(server: Server, options: PlaygroundOptions): Playground {
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const gatewayUrl = `ws://127.0.0.1:${port}/gateway`;
  const state = openState(origin, options);
  const gateway = openGateway(state, gatewayUrl);
  const pages = openPages(state, gateway);
  const faults = startFaults();
  const limits = startRateLimits();
  const api: ApiParts = {
    state,
    faults,
    limits,
    gatewayUrl,
    fileDelay: 0,
    onExchange: options.onExchange,
  };
  server.on('request', (request, response) => {
    void handle(api, port, request, response).catch((error: unknown) => {
      state.log.error({ err: error }, 'the playground failed to answer a request');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const sockets = acceptSockets(server, port, {
    '/gateway': gateway.accept,
    '/gateway/': gateway.accept,
    '/client': pages.accept,
  });
  return {
    url: `${origin}/`,
    apiBase: `${origin}/api`,
    token: state.store.token,
    applicationId,
    faults: {
      add: faults.add,
      clear: faults.clear,
      dropGateway: gateway.drop,
      denyBot: (channelId, bits) => denyBot(state, channelId, bits),
      closeThread: (channelId, how) => closeThread(state, channelId, how),
      openMedia: (guildId, name) => openMedia(state, guildId, name).id,
      startPost: (forumId, post) => startPost(state, forumId, post).id,
      ownApplication: (ownership) => void (state.ownership = ownership),
      foundGuild: (guild) => foundGuild(state, guild).id,
      botMember: (guildId, member) => botMember(state, guildId, member),
      slowFiles: (milliseconds) => void (api.fileDelay = milliseconds),
    },
    async close() {
      for (const timer of state.timers) clearTimeout(timer);
      gateway.close();
      pages.close();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      state.store.close();
    },
  };
}

function openState(origin: string, options: PlaygroundOptions): State {
  const timing = { ...discordTiming, ...options.timing };
  const store = openStore(options.dataFile);
  store.sweep(snowflakeAt(Date.now() - 24 * 3600_000));
  return {
    store,
    world: store.loadWorld(options.guests ?? 0),
    links: signedLinks(origin, store.signingKey, timing.attachmentLink),
    timing,
    newId: snowflakeSource(store.highestId),
    log: options.log ?? silent,
    listeners: new Set(),
    locales: new Map(),
    ownership: { ownerId: null },
    timers: new Set(),
  };
}

function denyBot(state: State, channelId: string, bits: bigint): void {
  const channel = state.world.channels.get(channelId);
  if (!channel) throw new Error(`The playground has no channel ${channelId}.`);
  channel.botDenied = String(bits);
  state.store.saveChannel(channel);
}

function botMember(state: State, guildId: string, member: boolean): void {
  const guild = state.world.guilds.get(guildId);
  if (!guild) throw new Error(`The playground has no server ${guildId}.`);
  if (member) inviteBot(state, guild);
  else removeBot(state, guild);
}

function closeThread(
  state: State,
  channelId: string,
  how: { archived: boolean; locked: boolean },
): void {
  const channel = state.world.channels.get(channelId);
  if (!channel || !isThread(channel)) throw new Error(`The playground has no thread ${channelId}.`);
  changeThread(state, channel, how);
}

/** Upgrades requests on the given paths to WebSockets; anybody else, and other sites' pages, get 403. */
function acceptSockets(
  server: Server,
  port: number,
  doors: Readonly<Record<string, (socket: WebSocket) => void>>,
): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: mebibyte });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const accept = doors[(request.url ?? '').split('?')[0] ?? ''];
    if (!accept || !isOwnHost(request, port) || !isOwnOrigin(request, port)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, accept);
  });
  return sockets;
}

async function handle(
  api: ApiParts,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOwnHost(request, port)) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('Unknown host.');
    return;
  }
  const origin = `http://127.0.0.1:${port}`;
  if (!URL.canParse(request.url ?? '/', origin)) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end('That is no path.');
    return;
  }
  const url = new URL(request.url ?? '/', origin);
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (url.pathname.startsWith('/api/')) return handleApi(api, request, response, url);
  if (url.pathname === '/client/upload' && request.method === 'POST') {
    if (isOwnOrigin(request, port)) return receiveUpload(api.state, request, response, url);
    response.writeHead(403).end();
    return;
  }
  if (!reading) {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  if (/^\/(ephemeral-)?attachments\//.test(url.pathname)) {
    if (api.fileDelay > 0) await new Promise((resolve) => setTimeout(resolve, api.fileDelay));
    return serveAttachment(api.state, response, url);
  }
  // One origin for page, pictures and stored preferences.
  if (url.pathname === '/' && request.headers.host?.startsWith('localhost')) {
    response.writeHead(302, { location: `${origin}/` }).end();
    return;
  }
  return servePage(response, url.pathname, port);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(error, port)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function portError(error: NodeJS.ErrnoException, port: number): Error {
  const what =
    error.code === 'EADDRINUSE'
      ? `Port ${port} is already taken by another program`
      : `Port ${port} cannot be used (${error.message})`;
  return new PlaygroundError(
    `${what}: the playground cannot start there. Set PLAYGROUND_PORT to a free port, or to 0 for any.`,
    { cause: error },
  );
}
