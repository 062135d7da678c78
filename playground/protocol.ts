/**
 * What the page and the local Discord say to each other over one WebSocket (`/client`), as JSON texts.
 * Messages, components, embeds, commands and modals keep Discord's own API v10 shapes, so that the page
 * renders what a Discord client would be given.
 */
import type {
  APIApplicationCommand,
  APIApplicationCommandOptionChoice,
  APIMessage,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';

export type PlaygroundUser = { id: string; name: string; avatarColour: string };
export type PlaygroundChannel = {
  id: string;
  name: string;
  ageRestricted: boolean;
  kind?: 'text' | 'voice' | 'announcement' | 'forum' | 'thread' | 'private-thread';
  /** of a thread: the channel it belongs to */
  parentId?: string | null;
  archived?: boolean;
  locked?: boolean;
  /** of a thread that a person started: their name */
  starter?: string;
};
export type PlaygroundGuild = {
  id: string;
  name: string;
  channels: readonly PlaygroundChannel[];
  /** user id -> may manage this server */
  managers: readonly string[];
  members: readonly string[];
  /** user id -> their roles, the highest first */
  memberRoles: Readonly<Record<string, readonly string[]>>;
  /** what you may change here: the channels' age flag, and which roles you may give and take */
  yours: {
    channels: boolean;
    roles: readonly string[];
    /** it is your server: you may delete it, and say whether the bot is in it */
    owned?: boolean;
  };
  /** the bot is one of its members; absent: it is */
  bot?: boolean;
  /** for role selects and mentions, the highest first; absent: the server has no roles but @everyone */
  roles?: readonly PlaygroundRole[];
};
/** `managed`: an application's own, which nobody gives or takes. */
export type PlaygroundRole = { id: string; name: string; color: number; managed: boolean };

/** `sentAs`: which person this tab is; ephemeral messages go to that person only. */
export type FromPage =
  /** `locale`: the language of this person's Discord, as `de` or `en-US`; absent: as before */
  | { type: 'hello'; userId: string | null; locale?: string }
  | { type: 'open'; channelId: string }
  | {
      type: 'command';
      nonce: string;
      channelId: string;
      commandId: string;
      /** message commands: the message it was used on (user commands: the person) */
      targetId?: string;
      /** names of the subcommand group and subcommand, outermost first; `options` are the leaf's own */
      path?: readonly string[];
      options: readonly CommandValue[];
    }
  | {
      type: 'autocomplete';
      nonce: string;
      channelId: string;
      commandId: string;
      path?: readonly string[];
      /** what is filled in so far, the focused one included as typed (a number option may hold text) */
      options: readonly CommandValue[];
      focused: string;
    }
  | {
      type: 'component';
      nonce: string;
      messageId: string;
      customId: string;
      componentType: number;
      values?: readonly string[];
    }
  | {
      type: 'modal';
      nonce: string;
      /** from `show-modal` */
      interactionId: string;
      customId: string;
      /**
       * custom id of the input -> text, or the chosen values. Radio group: the value, '' for none;
       * checkbox: 'true' or 'false'; file upload: the ids answered by POST /client/upload.
       */
      values: Readonly<Record<string, string | readonly string[]>>;
    }
  | { type: 'dismiss'; messageId: string }
  /** `files`: ids answered by POST /client/upload */
  | { type: 'say'; channelId: string; content: string; files?: readonly string[] }
  /** whether a channel is age-restricted */
  | { type: 'age'; channelId: string; ageRestricted: boolean }
  /** a channel or thread, and all that was said in it */
  | { type: 'delete-channel'; channelId: string }
  | { type: 'delete-guild'; guildId: string }
  /** a new server of yours, with the bot in it and everybody who is here */
  | { type: 'found-guild'; name: string }
  /** the bot comes into a server of yours, or has to leave it */
  | { type: 'bot-member'; guildId: string; member: boolean }
  /** all roles that a member has from now on */
  | { type: 'roles'; guildId: string; userId: string; roleIds: readonly string[] };

/**
 * value: string, number, boolean, or for attachment options the id answered by POST /client/upload. A subcommand is
 * one more entry before the options, with its name, type 1 and value true (a subcommand group: type 2, before it).
 */
export type CommandValue = { name: string; type: number; value: string | number | boolean };

/**
 * POST /client/upload?name=<file name, URL-encoded>, the file's bytes as the body and its type as
 * Content-Type; answers this as JSON, or 4xx with `{ "error": "<words>" }`.
 */
export type Uploaded = { id: string; name: string; size: number; contentType: string; url: string };

export type FromServer =
  | {
      type: 'ready';
      you: PlaygroundUser;
      users: readonly PlaygroundUser[];
      guilds: readonly PlaygroundGuild[];
      bot: { id: string; name: string; online: boolean };
      /** your direct messages with the bot; its commands come as guildId '@me' */
      direct?: PlaygroundChannel;
    }
  | { type: 'bot'; online: boolean }
  /** a server's roles, members or channels are other ones than before */
  | { type: 'guild'; guild: PlaygroundGuild }
  | { type: 'guild-deleted'; guildId: string }
  /** a thread was closed or opened */
  | { type: 'channel'; channel: PlaygroundChannel }
  | { type: 'commands'; guildId: string; commands: readonly APIApplicationCommand[] }
  | { type: 'history'; channelId: string; messages: readonly PlaygroundMessage[] }
  | { type: 'message'; channelId: string; message: PlaygroundMessage }
  | { type: 'message-deleted'; channelId: string; messageId: string }
  | { type: 'choices'; nonce: string; choices: readonly APIApplicationCommandOptionChoice[] }
  | {
      type: 'show-modal';
      nonce: string;
      interactionId: string;
      modal: APIModalInteractionResponseCallbackData;
    }
  /** the bot acknowledged: the page stops its spinner */
  | { type: 'acknowledged'; nonce: string }
  /** words as Discord shows them: "The application did not respond" and the like */
  | { type: 'interaction-failed'; nonce: string; reason: string }
  | { type: 'refused'; reason: string };

/**
 * Attachment and media URLs in it are ready to load from the page. `thinking` is Discord's deferred state.
 * `used`: the command this message answers, with the values given to it, for the line above it.
 */
export type PlaygroundMessage = APIMessage & {
  thinking?: boolean;
  used?: { name: string; options: readonly CommandValue[] };
};
