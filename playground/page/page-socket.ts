import type { WebSocket } from 'ws';
import { ApiError } from '../rest/api-error.ts';
import { Refusal } from '../interactions/command-options.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { parseFromPage } from './page-shapes.ts';
import { createMessage, deleteMessage } from '../messages/messages.ts';
import { pageActions } from './page-actions.ts';
import type { Page, Room } from './page-news.ts';
import { sees, send, sendCommands, tell } from './page-news.ts';
import { pageMessage } from './page-message.ts';
import type { UploadedFile } from '../messages/message-files.ts';
import type { FromPage } from '../protocol.ts';
import type { Happening, State } from '../state.ts';
import type { Channel } from '../world/channels.ts';
import { deleteGuild, inviteBot, removeBot } from '../world/departures.ts';
import { changeAge, changeRoles, deleteOwnChannel, foundOwnGuild, ownGuild } from './page-guild.ts';
import type { Person } from '../world/world.ts';
import { canSee, describeGuild } from '../world/world.ts';

const historyLength = 100;

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
    const from = parseFromPage(String(data));
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

function receive(room: Room, page: Page, from: FromPage): void {
  const { state } = room;
  if (from.type === 'hello') {
    hello(room, page, from.userId);
    if (page.person && isLocale(from.locale)) state.locales.set(page.person.id, from.locale);
    return;
  }
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
      const files = uploadedFiles(state, from.files);
      createMessage(state, { channel, authorId: person.id }, { body, files });
      return;
    }
    case 'dismiss': {
      const message = state.store.message(from.messageId);
      if (message?.ephemeralFor === person.id) deleteMessage(state, message);
      return;
    }
    case 'age':
      return changeAge(state, person, from);
    case 'delete-channel':
      return deleteOwnChannel(state, person, from);
    case 'delete-guild':
      return deleteGuild(state, ownGuild(state, person, from.guildId));
    case 'found-guild':
      return foundOwnGuild(state, person, from);
    case 'bot-member': {
      const guild = ownGuild(state, person, from.guildId);
      return from.member ? inviteBot(state, guild) : removeBot(state, guild);
    }
    case 'roles':
      return changeRoles(state, person, from);
    default:
      return pageActions(state, person, from, (interaction) => {
        if (!room.gateway.reachable) throw new Refusal('The application did not respond');
        room.askers.set(interaction.id, { page, nonce: from.nonce });
      });
  }
}

/** Discord's own names for languages. */
const LOCALES = new Set(['en-US', 'en-GB', 'de', 'fr', 'es-ES', 'it', 'nl', 'pl', 'ja']);

function isLocale(value: unknown): value is string {
  return typeof value === 'string' && LOCALES.has(value);
}

/** What was uploaded before, as files of a message. @throws Refusal when one is gone */
function uploadedFiles(state: State, ids: readonly string[] = []): UploadedFile[] {
  return [...ids].slice(0, MOST_FILES).map((id, index) => {
    const stored = state.store.attachment(String(id));
    const bytes = stored && state.store.attachmentBytes(stored.id);
    if (!stored || !bytes) throw new Refusal('The file is gone. Please choose it again.');
    return { index, name: stored.filename, contentType: stored.contentType, bytes };
  });
}

const MOST_FILES = 10;

function visibleChannel(state: State, person: Person, channelId: string): Channel {
  const channel = state.world.channels.get(channelId);
  if (channel && canSee(state.world, person.id, channel)) return channel;
  throw new Refusal('There is no such channel for you.');
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

function reasonFor(state: State, error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof ApiError) return error.fields[0]?.message ?? error.message;
  state.log.error({ err: error }, 'the playground failed to do what the page asked');
  return 'That was not understood.';
}
