import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiParts, Exchange } from './rest/api-server.ts';
import { isThread } from './world/channels.ts';
import type { Faults } from './gateway/faults.ts';
import { startFaults } from './gateway/faults.ts';
import { openGateway } from './gateway/gateway.ts';
import { acceptSockets, answerRequest, listen } from './http-server.ts';
import { signedLinks } from './messages/media.ts';
import { openPages } from './page/page-socket.ts';
import { startRateLimits } from './rest/rate-limits.ts';
import { snowflakeAt, snowflakeSource } from './snowflake.ts';
import type { Log, State, Timing } from './state.ts';
import { openStore } from './store/store.ts';
import { foundGuild, inviteBot, removeBot } from './world/departures.ts';
import { changeThread, openMedia, startPost } from './world/threads.ts';
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
    void answerRequest(api, port, request, response).catch((error: unknown) => {
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
      endTokens: () => void (state.tokensEndedAt = Date.now()),
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
    tokensEndedAt: 0,
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
