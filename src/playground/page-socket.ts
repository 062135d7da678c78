import type { WebSocket } from 'ws';
import { commandsFor } from './commands-for.ts';
import { Refusal } from './command-options.ts';
import type { Gateway } from './gateway.ts';
import { createMessage, deleteMessage } from './messages.ts';
import { pageActions } from './page-actions.ts';
import type { FromPage, FromServer } from './protocol.ts';
import { pageMessage } from './page-message.ts';
import type { Happening, State } from './state.ts';
import type { StoredInteraction, StoredMessage } from './store.ts';
import { ApiError } from './api-error.ts';
import { isFields } from './validate.ts';
import type { Person } from './world.ts';
import { canSee, describeGuild } from './world.ts';

const historyLength = 100;

/** One open page; `person` is who its tab is. */
export type Page = { socket: WebSocket; person: Person | null };

export type Pages = {
  accept(socket: WebSocket): void;
  close(): void;
};

/** The server's side of the page protocol. */
export function openPages(state: State, gateway: Gateway): Pages {
  const pages = new Set<Page>();
  /** who waits for what an interaction is answered with */
  const askers = new Map<string, { page: Page; nonce: string }>();

  const send = (page: Page, message: FromServer): void => {
    if (page.socket.readyState === 1) page.socket.send(JSON.stringify(message));
  };
  const settle = (interaction: StoredInteraction, answer: (nonce: string) => FromServer): void => {
    const asker = askers.get(interaction.id);
    if (!asker) return;
    askers.delete(interaction.id);
    send(asker.page, answer(asker.nonce));
  };
  const showTo = (page: Page, message: StoredMessage): boolean => {
    const channel = state.world.channels.get(message.channelId);
    if (!page.person || !channel || !canSee(state.world, page.person.id, channel)) return false;
    return message.ephemeralFor === null || message.ephemeralFor === page.person.id;
  };
  const sendCommands = (page: Page): void => {
    if (!page.person) return;
    const { id } = page.person;
    for (const guild of state.world.guilds.values()) {
      if (!guild.members.some((member) => member.userId === id)) continue;
      send(page, { type: 'commands', guildId: guild.id, commands: commandsFor(state, id, guild) });
    }
    send(page, { type: 'commands', guildId: '@me', commands: commandsFor(state, id, null) });
  };

  const hello = (page: Page, userId: string | null): void => {
    const people = [...state.world.people.values()].filter((one) => !one.bot);
    const you = people.find((one) => one.id === userId) ?? people[0];
    if (!you) return;
    page.person = you;
    const direct = [...state.world.channels.values()].find((one) => one.recipient === you.id);
    const plain = ({ id, name, avatarColour }: Person) => ({ id, name, avatarColour });
    send(page, {
      type: 'ready',
      you: plain(you),
      users: people.map(plain),
      guilds: [...state.world.guilds.values()]
        .filter((guild) => guild.members.some((member) => member.userId === you.id))
        .map((guild) => describeGuild(state.world, guild)),
      bot: { id: state.world.bot.id, name: state.world.bot.name, online: gateway.online },
      ...(direct
        ? { direct: { id: direct.id, name: state.world.bot.name, ageRestricted: false } }
        : {}),
    });
    sendCommands(page);
  };

  const receive = (page: Page, from: FromPage): void => {
    if (from.type === 'hello') return hello(page, from.userId);
    const { person } = page;
    if (!person) throw new Refusal('Say hello first.');
    switch (from.type) {
      case 'open': {
        const channel = state.world.channels.get(from.channelId);
        if (!channel || !canSee(state.world, person.id, channel)) {
          throw new Refusal('There is no such channel for you.');
        }
        const messages = state.store
          .messagesIn(channel.id, historyLength)
          .filter((message) => showTo(page, message))
          .map((message) => pageMessage(state, message));
        return send(page, { type: 'history', channelId: channel.id, messages });
      }
      case 'say': {
        const channel = state.world.channels.get(from.channelId);
        if (!channel || !canSee(state.world, person.id, channel)) {
          throw new Refusal('There is no such channel for you.');
        }
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
          if (!gateway.reachable) throw new Refusal('The application did not respond');
          askers.set(interaction.id, { page, nonce: from.nonce });
        });
    }
  };

  const listener = (happening: Happening): void => {
    switch (happening.kind) {
      case 'message': {
        const { message } = happening;
        for (const page of pages) {
          if (!showTo(page, message)) continue;
          const shown = pageMessage(state, message);
          send(page, { type: 'message', channelId: message.channelId, message: shown });
        }
        return;
      }
      case 'message-deleted': {
        const { id, channelId } = happening.message;
        for (const page of pages) {
          if (showTo(page, happening.message)) {
            send(page, { type: 'message-deleted', channelId, messageId: id });
          }
        }
        return;
      }
      case 'commands':
        return pages.forEach(sendCommands);
      case 'bot':
        return pages.forEach((page) => send(page, { type: 'bot', online: happening.online }));
      case 'acknowledged':
        return settle(happening.interaction, (nonce) => ({ type: 'acknowledged', nonce }));
      case 'choices':
        return settle(happening.interaction, (nonce) => ({
          type: 'choices',
          nonce,
          choices: happening.choices,
        }));
      case 'modal':
        return settle(happening.interaction, (nonce) => ({
          type: 'show-modal',
          nonce,
          interactionId: happening.interaction.id,
          modal: happening.modal,
        }));
      case 'unanswered':
        return settle(happening.interaction, (nonce) => ({
          type: 'interaction-failed',
          nonce,
          reason:
            happening.interaction.type === 4
              ? 'Loading options failed'
              : 'The application did not respond',
        }));
      case 'interaction':
        return;
    }
  };
  state.listeners.add(listener);

  return {
    accept(socket) {
      const page: Page = { socket, person: null };
      pages.add(page);
      socket.on('message', (data) => {
        const from = parse(String(data));
        if (!from) return send(page, { type: 'refused', reason: 'That was not understood.' });
        try {
          receive(page, from);
        } catch (error) {
          const reason = reasonFor(state, error);
          const nonce = 'nonce' in from ? from.nonce : null;
          if (nonce === null) send(page, { type: 'refused', reason });
          else send(page, { type: 'interaction-failed', nonce, reason });
        }
      });
      socket.on('error', () => socket.terminate());
      socket.on('close', () => {
        pages.delete(page);
        for (const [id, asker] of askers) if (asker.page === page) askers.delete(id);
      });
    },
    close() {
      state.listeners.delete(listener);
      for (const page of pages) page.socket.terminate();
    },
  };
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
