import type { WebSocket } from 'ws';
import { ApiError } from './api-error.ts';
import { Refusal } from './command-options.ts';
import { commandsFor } from './commands-for.ts';
import type { Gateway } from './gateway.ts';
import { createMessage, deleteMessage } from './messages.ts';
import { pageActions } from './page-actions.ts';
import { pageMessage } from './page-message.ts';
import type { FromPage, FromServer } from './protocol.ts';
import type { Happening, State } from './state.ts';
import type { StoredInteraction, StoredMessage } from './stored.ts';
import { isFields } from './validate.ts';
import type { Channel } from './channels.ts';
import type { Person } from './world.ts';
import { canSee, describeChannel, describeGuild } from './world.ts';

const historyLength = 100;

/** One open page; `person` is who its tab is. */
type Page = { socket: WebSocket; person: Person | null };

type Room = {
  state: State;
  gateway: Gateway;
  pages: Set<Page>;
  /** by interaction id: which page waits for its answer */
  askers: Map<string, { page: Page; nonce: string }>;
};

export type Pages = {
  /** A new connection on /client. */
  accept(socket: WebSocket): void;
  close(): void;
};

/** The server's side of the page protocol. */
export function openPages(state: State, gateway: Gateway): Pages {
  const room: Room = { state, gateway, pages: new Set(), askers: new Map() };
  const listener = (happening: Happening): void => tell(room, happening);
  state.listeners.add(listener);
  return {
    accept: (socket) => accept(room, socket),
    close() {
      state.listeners.delete(listener);
      for (const { socket } of room.pages) socket.terminate();
    },
  };
}

function accept(room: Room, socket: WebSocket): void {
  const page: Page = { socket, person: null };
  room.pages.add(page);
  socket.on('message', (data) => {
    const from = parse(String(data));
    if (!from) return send(page, { type: 'refused', reason: 'That was not understood.' });
    try {
      receive(room, page, from);
    } catch (error) {
      const reason = reasonFor(room.state, error);
      if ('nonce' in from) {
        send(page, { type: 'interaction-failed', nonce: from.nonce, reason });
      } else {
        send(page, { type: 'refused', reason });
      }
    }
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    room.pages.delete(page);
    for (const [id, asker] of room.askers) if (asker.page === page) room.askers.delete(id);
  });
}

function send(page: Page, message: FromServer): void {
  if (page.socket.readyState === 1) page.socket.send(JSON.stringify(message));
}

function receive(room: Room, page: Page, from: FromPage): void {
  const { state } = room;
  if (from.type === 'hello') return hello(room, page, from.userId);
  const { person } = page;
  if (!person) throw new Refusal('Say hello first.');
  switch (from.type) {
    case 'open': {
      const channel = visibleChannel(state, person, from.channelId);
      const messages = state.store
        .messagesIn(channel.id, historyLength)
        .filter((message) => sees(state, page, message))
        .map((message) => pageMessage(state, message));
      return send(page, { type: 'history', channelId: channel.id, messages });
    }
    case 'say': {
      const channel = visibleChannel(state, person, from.channelId);
      const body = { content: String(from.content) };
      createMessage(state, { channel, authorId: person.id }, { body, files: [] });
      return;
    }
    case 'dismiss': {
      const message = state.store.message(from.messageId);
      if (message?.ephemeralFor === person.id) deleteMessage(state, message);
      return;
    }
    default:
      return pageActions(state, person, from, (interaction) => {
        if (!room.gateway.reachable) throw new Refusal('The application did not respond');
        room.askers.set(interaction.id, { page, nonce: from.nonce });
      });
  }
}

function visibleChannel(state: State, person: Person, channelId: string): Channel {
  const channel = state.world.channels.get(channelId);
  if (channel && canSee(state.world, person.id, channel)) return channel;
  throw new Refusal('There is no such channel for you.');
}

function sees(state: State, { person }: Page, message: StoredMessage): boolean {
  const channel = state.world.channels.get(message.channelId);
  if (!person || !channel || !canSee(state.world, person.id, channel)) return false;
  return message.ephemeralFor === null || message.ephemeralFor === person.id;
}

function hello({ state, gateway }: Room, page: Page, userId: string | null): void {
  const { world } = state;
  const people = [...world.people.values()].filter((one) => !one.bot);
  const you = people.find((one) => one.id === userId) ?? people[0];
  if (!you) return;
  page.person = you;
  const direct = [...world.channels.values()].find((one) => one.recipient === you.id);
  const plain = ({ id, name, avatarColour }: Person) => ({ id, name, avatarColour });
  send(page, {
    type: 'ready',
    you: plain(you),
    users: people.map(plain),
    guilds: [...world.guilds.values()]
      .filter((guild) => guild.members.some((member) => member.userId === you.id))
      .map((guild) => describeGuild(world, guild, you.id)),
    bot: { id: world.bot.id, name: world.bot.name, online: gateway.online },
    ...(direct ? { direct: { id: direct.id, name: world.bot.name, ageRestricted: false } } : {}),
  });
  sendCommands(state, page);
}

function sendCommands(state: State, page: Page): void {
  if (!page.person) return;
  const { id } = page.person;
  for (const guild of state.world.guilds.values()) {
    if (!guild.members.some((member) => member.userId === id)) continue;
    send(page, { type: 'commands', guildId: guild.id, commands: commandsFor(state, id, guild) });
  }
  send(page, { type: 'commands', guildId: '@me', commands: commandsFor(state, id, null) });
}

function tellOfChannel({ state, pages }: Room, channel: Channel): void {
  for (const page of pages) {
    if (!page.person || !canSee(state.world, page.person.id, channel)) continue;
    send(page, { type: 'channel', channel: describeChannel(state.world, channel) });
  }
}

/** Passes on what happened to the pages that it concerns. */
function tell(room: Room, happening: Happening): void {
  switch (happening.kind) {
    case 'message':
    case 'message-deleted':
      return tellOfMessage(room, happening.message, happening.kind === 'message-deleted');
    case 'channel':
      return tellOfChannel(room, happening.channel);
    case 'commands':
      return room.pages.forEach((page) => sendCommands(room.state, page));
    case 'bot':
      return room.pages.forEach((page) => send(page, { type: 'bot', online: happening.online }));
    case 'acknowledged':
      return settle(room, happening.interaction, (nonce) => ({ type: 'acknowledged', nonce }));
    case 'choices': {
      const { interaction, choices } = happening;
      return settle(room, interaction, (nonce) => ({ type: 'choices', nonce, choices }));
    }
    case 'modal': {
      const { interaction, modal } = happening;
      return settle(room, interaction, (nonce) => ({
        type: 'show-modal',
        nonce,
        interactionId: interaction.id,
        modal,
      }));
    }
    case 'unanswered': {
      const typing = happening.interaction.type === 4;
      const reason = typing ? 'Loading options failed' : 'The application did not respond';
      return settle(room, happening.interaction, (nonce) => ({
        type: 'interaction-failed',
        nonce,
        reason,
      }));
    }
    case 'interaction':
      return;
  }
}

function tellOfMessage({ state, pages }: Room, message: StoredMessage, deleted: boolean): void {
  const viewers = [...pages].filter((page) => sees(state, page, message));
  if (viewers.length === 0) return;
  const { id, channelId } = message;
  const news: FromServer = deleted
    ? { type: 'message-deleted', channelId, messageId: id }
    : { type: 'message', channelId, message: pageMessage(state, message) };
  for (const page of viewers) send(page, news);
}

/** Answers whoever asked, once. */
function settle(
  { askers }: Room,
  interaction: StoredInteraction,
  answer: (nonce: string) => FromServer,
): void {
  const asker = askers.get(interaction.id);
  if (!asker) return;
  askers.delete(interaction.id);
  send(asker.page, answer(asker.nonce));
}

function parse(text: string): FromPage | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) && typeof value['type'] === 'string' ? (value as FromPage) : null;
  } catch {
    return null;
  }
}

function reasonFor(state: State, error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof ApiError) return error.fields[0]?.message ?? error.message;
  state.log.error({ err: error }, 'the playground failed to do what the page asked');
  return 'That was not understood.';
}
