/** Everything the page knows, and how each message from the server changes it. Pure. */
import type {
  APIApplicationCommand,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import type {
  CommandValue,
  FromServer,
  PlaygroundChannel,
  PlaygroundGuild,
  PlaygroundMessage,
  PlaygroundUser,
} from '../protocol.ts';

/** An interaction that was sent and not acknowledged yet, or that failed and still shows its reason. */
export type Pending = {
  nonce: string;
  kind: 'command' | 'component' | 'modal';
  channelId: string;
  /** as the "used" line shows it; commands only */
  name: string;
  options: readonly CommandValue[];
  messageId: string | null;
  customId: string | null;
  failed: string | null;
  /** when it was sent, ms */
  at: number;
};

export type OpenModal = { interactionId: string; modal: APIModalInteractionResponseCallbackData };

export type BotState = { id: string; name: string; online: boolean; wasOnline: boolean };

export type State = {
  connection: 'connecting' | 'open' | 'lost';
  you: PlaygroundUser | null;
  users: readonly PlaygroundUser[];
  guilds: readonly PlaygroundGuild[];
  /** direct messages with the bot; they count as a server named DIRECT */
  direct: PlaygroundChannel | null;
  bot: BotState | null;
  guildId: string | null;
  channelId: string | null;
  commands: Readonly<Record<string, readonly APIApplicationCommand[]>>;
  messages: Readonly<Record<string, readonly PlaygroundMessage[]>>;
  pending: readonly Pending[];
  modal: OpenModal | null;
  /** one polite sentence for the person, e.g. that plain text does nothing here */
  notice: string | null;
};

/** Where the page keeps direct messages: `guildId` of their commands, as the server sends them. */
export const DIRECT = '@me';

export const initialState: State = {
  connection: 'connecting',
  you: null,
  users: [],
  guilds: [],
  direct: null,
  bot: null,
  guildId: null,
  channelId: null,
  commands: {},
  messages: {},
  pending: [],
  modal: null,
  notice: null,
};

/** Snowflakes are 64-bit: compared as text, since a JavaScript number would round them. */
function compareIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Finds the server of a channel: its id, DIRECT for direct messages, null where it is unknown. */
export function guildIdOf(state: State, channelId: string | null): string | null {
  if (channelId !== null && state.direct?.id === channelId) return DIRECT;
  return guildOf(state, channelId)?.id ?? null;
}

/** Finds the server of a channel; null for direct messages and unknown channels. */
export function guildOf(state: State, channelId: string | null): PlaygroundGuild | null {
  return state.guilds.find((g) => g.channels.some((c) => c.id === channelId)) ?? null;
}

/** State after one text from the server. Unknown types change nothing, so that an older page survives. */
export function receive(state: State, from: FromServer): State {
  switch (from.type) {
    case 'ready':
      return ready(state, from);
    case 'bot':
      return state.bot ? { ...state, bot: withOnline(state.bot, from.online) } : state;
    case 'guild':
      return withGuild(state, from.guild);
    case 'guild-deleted':
      return withoutGuild(state, from.guildId);
    case 'channel':
      return {
        ...state,
        guilds: state.guilds.map((guild) => ({
          ...guild,
          channels: guild.channels.map((one) => (one.id === from.channel.id ? from.channel : one)),
        })),
      };
    case 'commands':
      return { ...state, commands: { ...state.commands, [from.guildId]: from.commands } };
    case 'history': {
      const sorted = [...from.messages].sort((a, b) => compareIds(a.id, b.id));
      return { ...state, messages: { ...state.messages, [from.channelId]: sorted } };
    }
    case 'message':
      return withMessage(state, from.channelId, from.message);
    case 'message-deleted': {
      const left = (state.messages[from.channelId] ?? []).filter((m) => m.id !== from.messageId);
      return { ...state, messages: { ...state.messages, [from.channelId]: left } };
    }
    case 'show-modal':
      return {
        ...settled(state, from.nonce),
        modal: { interactionId: from.interactionId, modal: from.modal },
      };
    case 'acknowledged': {
      const done = state.pending.find((p) => p.nonce === from.nonce);
      return { ...settled(state, from.nonce), modal: done?.kind === 'modal' ? null : state.modal };
    }
    case 'interaction-failed':
      return {
        ...state,
        pending: state.pending.map((p) =>
          p.nonce === from.nonce ? { ...p, failed: from.reason } : p,
        ),
      };
    case 'refused':
      return { ...state, notice: from.reason };
    default:
      return state;
  }
}

function ready(state: State, from: Extract<FromServer, { type: 'ready' }>): State {
  const samePerson = state.you?.id === from.you.id;
  const direct = from.direct ?? null;
  const stays = state.guildId === DIRECT && direct !== null;
  const guild =
    from.guilds.find((g) => g.id === state.guildId && g.members.includes(from.you.id)) ??
    from.guilds.find((g) => g.members.includes(from.you.id)) ??
    from.guilds[0];
  const channel = guild?.channels.find((c) => c.id === state.channelId) ?? guild?.channels[0];
  return {
    ...state,
    connection: 'open',
    you: from.you,
    users: from.users,
    guilds: from.guilds,
    bot: withOnline({ wasOnline: state.bot?.wasOnline ?? false, ...from.bot }, from.bot.online),
    direct,
    guildId: stays ? DIRECT : (guild?.id ?? null),
    channelId: stays ? direct.id : (channel?.id ?? null),
    // Another person sees other ephemeral messages: what was loaded belongs to the one before.
    messages: samePerson ? state.messages : {},
    pending: samePerson ? state.pending.filter((p) => p.failed) : [],
    modal: samePerson ? state.modal : null,
  };
}

/** A channel that is not for this person any more is left for the server's first one. */
function withGuild(state: State, guild: PlaygroundGuild): State {
  const isNew = !state.guilds.some((one) => one.id === guild.id);
  const guilds = isNew
    ? [...state.guilds, guild]
    : state.guilds.map((one) => (one.id === guild.id ? guild : one));
  const here = state.guildId !== guild.id || guild.channels.some((c) => c.id === state.channelId);
  const [first] = guild.channels;
  if (here || first !== undefined) {
    return { ...state, guilds, channelId: here ? state.channelId : first!.id };
  }
  return { ...state, guilds, guildId: DIRECT, channelId: state.direct?.id ?? null };
}

/** Whoever was in a server that is gone finds themselves in the first one, or in their direct messages. */
function withoutGuild(state: State, guildId: string): State {
  const guilds = state.guilds.filter(({ id }) => id !== guildId);
  if (state.guildId !== guildId) return { ...state, guilds };
  const first = guilds.find(({ members }) => members.includes(state.you?.id ?? ''));
  if (first === undefined) {
    return { ...state, guilds, guildId: DIRECT, channelId: state.direct?.id ?? null };
  }
  return { ...state, guilds, guildId: first.id, channelId: first.channels[0]?.id ?? null };
}

function withOnline(bot: BotState, online: boolean): BotState {
  return { ...bot, online, wasOnline: bot.wasOnline || online };
}

function withMessage(state: State, channelId: string, message: PlaygroundMessage): State {
  const known = state.messages[channelId] ?? [];
  const at = known.findIndex((m) => m.id === message.id);
  const next = at < 0 ? [...known, message] : known.with(at, message);
  if (at < 0 && known.length > 0 && compareIds(known.at(-1)!.id, message.id) > 0) {
    next.sort((a, b) => compareIds(a.id, b.id));
  }
  return { ...state, messages: { ...state.messages, [channelId]: next } };
}

/** Without the interaction of that nonce. */
export function settled(state: State, nonce: string): State {
  return { ...state, pending: state.pending.filter((p) => p.nonce !== nonce) };
}
