import type { WebSocket } from 'ws';
import type { Channel } from '../world/channels.ts';
import { commandsFor } from './commands-for.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { pageMessage } from './page-message.ts';
import type { FromServer } from '../protocol.ts';
import type { Happening, State } from '../state.ts';
import type { StoredInteraction, StoredMessage } from '../store/stored.ts';
import type { Guild, Person } from '../world/world.ts';
import { canSee, describeChannel, describeGuild } from '../world/world.ts';

/** One open page; `person` is who its tab is. */
export type Page = { socket: WebSocket; person: Person | null };

export type Room = {
  state: State;
  gateway: Gateway;
  pages: Set<Page>;
  /** by interaction id: which page waits for its answer */
  askers: Map<string, { page: Page; nonce: string }>;
};

/** Sends one message as JSON; nothing to a page that is closed. */
export function send(page: Page, message: FromServer): void {
  if (page.socket.readyState === 1) page.socket.send(JSON.stringify(message));
}

/** May the page's person see this message? An ephemeral one is for one person alone. */
export function sees(state: State, { person }: Page, message: StoredMessage): boolean {
  const channel = state.world.channels.get(message.channelId);
  if (!person || !channel || !canSee(state.world, person.id, channel)) return false;
  return message.ephemeralFor === null || message.ephemeralFor === person.id;
}

/** Sends a page the commands of each server its person is a member of, and those for direct messages ("@me"). */
export function sendCommands(state: State, page: Page): void {
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

function tellOfGuild({ state, pages }: Room, guild: Guild): void {
  for (const page of pages) {
    const { person } = page;
    if (!person || !guild.members.some(({ userId }) => userId === person.id)) continue;
    send(page, { type: 'guild', guild: describeGuild(state.world, guild, person.id) });
    sendCommands(state, page);
  }
}

/** Passes on what happened to the pages that it concerns. */
export function tell(room: Room, happening: Happening): void {
  switch (happening.kind) {
    case 'message':
    case 'message-deleted':
      return tellOfMessage(room, happening.message, happening.kind === 'message-deleted');
    case 'channel':
      return tellOfChannel(room, happening.channel);
    case 'guild':
      return tellOfGuild(room, happening.guild);
    case 'guild-deleted':
      return room.pages.forEach((page) =>
        send(page, { type: 'guild-deleted', guildId: happening.guild.id }),
      );
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
    // What is left of the server is told with the server.
    case 'channel-deleted':
    case 'bot-left':
    case 'bot-joined':
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
