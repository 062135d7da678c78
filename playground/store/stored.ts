import type { APIEmbed, APIModalInteractionResponseCallbackData } from 'discord-api-types/v10';

/** A component as stored: uploaded media is held by attachment id, never by its link, which changes. */
export type StoredComponent = { type: number; id: number; [key: string]: unknown };

export type StoredMessage = {
  id: string;
  channelId: string;
  authorId: string;
  /** the person who alone sees it; null: everybody in the channel */
  ephemeralFor: string | null;
  /** the interaction that it answers */
  interactionId: string | null;
  flags: number;
  content: string;
  embeds: readonly APIEmbed[];
  components: readonly StoredComponent[];
  attachmentIds: readonly string[];
  timestamp: string;
  editedTimestamp: string | null;
  /** people that it pings */
  mentionIds: readonly string[];
  mentionsEveryone: boolean;
  nonce: string | number | null;
  replyTo: string | null;
};

export type StoredAttachment = {
  id: string;
  channelId: string;
  filename: string;
  contentType: string | null;
  size: number;
  width: number | null;
  height: number | null;
  description: string | null;
  spoiler: boolean;
  ephemeral: boolean;
};

export type StoredInteraction = {
  id: string;
  token: string;
  /** Discord's InteractionType: 2 command, 3 component, 4 autocomplete, 5 modal */
  type: number;
  createdAt: number;
  userId: string;
  channelId: string;
  guildId: string | null;
  /** `data` as sent to the bot */
  data: unknown;
  commandName: string | null;
  /** message that the pressed component sits on */
  sourceMessageId: string | null;
  /** interaction that showed the modal */
  parentId: string | null;
  /** Discord's callback type once the bot has answered */
  answeredWith: number | null;
  /** the message that `@original` means */
  responseId: string | null;
  modal: APIModalInteractionResponseCallbackData | null;
};
