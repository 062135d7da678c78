import type { APIAttachment, APIMessage } from 'discord-api-types/v10';
import { renderUser } from '../world/render.ts';
import type { State } from '../state.ts';
import type {
  StoredAttachment,
  StoredComponent,
  StoredInteraction,
  StoredMessage,
} from '../store/stored.ts';
import { componentType } from './component-types.ts';
import { applicationId } from '../world/world.ts';

export const messageFlag = {
  suppressEmbeds: 1 << 2,
  ephemeral: 1 << 6,
  loading: 1 << 7,
  suppressNotifications: 1 << 12,
  componentsV2: 1 << 15,
} as const;

/** Makes Discord's form of an attachment, with a freshly signed link. */
export function renderAttachment(state: State, attachment: StoredAttachment): APIAttachment {
  const url = state.links.attachment(attachment);
  return {
    id: attachment.id,
    filename: attachment.filename,
    size: attachment.size,
    url,
    proxy_url: url,
    ...(attachment.width !== null && attachment.height !== null
      ? { width: attachment.width, height: attachment.height }
      : {}),
    ...(attachment.contentType ? { content_type: attachment.contentType } : {}),
    ...(attachment.description ? { description: attachment.description } : {}),
    ...(attachment.ephemeral ? { ephemeral: true } : {}),
    ...(attachment.spoiler ? { flags: 1 << 3 } : {}),
  } as APIAttachment;
}

/** The message as the API and the gateway show it, with fresh links. */
export function renderMessage(state: State, message: StoredMessage): APIMessage {
  const author = state.world.people.get(message.authorId) ?? state.world.bot;
  const used = new Set<string>();
  const components = message.components.map((one) => renderComponent(state, one, used));
  const embeds = message.embeds.map((one) => renderEmbed(state, one, used));
  const interaction = message.interactionId ? state.store.interaction(message.interactionId) : null;
  const reply = message.replyTo ? state.store.message(message.replyTo) : null;
  // Files shown by a component or an embed are not listed a second time.
  const attachments = message.attachmentIds
    .filter((id) => !used.has(id))
    .map((id) => state.store.attachment(id))
    .filter((one) => one !== null);
  const guildId = state.world.channels.get(message.channelId)?.guildId ?? null;
  return {
    id: message.id,
    channel_id: message.channelId,
    type: interaction?.type === 2 ? commandMessageType(interaction) : message.replyTo ? 19 : 0,
    author: renderUser(author),
    content: message.content,
    mentions: message.mentionIds.flatMap((id) => {
      const person = state.world.people.get(id);
      return person ? [renderUser(person)] : [];
    }),
    mention_roles: [],
    mention_everyone: message.mentionsEveryone,
    attachments: attachments.map((one) => renderAttachment(state, one)),
    embeds,
    components,
    timestamp: message.timestamp,
    edited_timestamp: message.editedTimestamp,
    flags: message.flags,
    pinned: false,
    tts: false,
    ...(message.nonce === null ? {} : { nonce: message.nonce }),
    ...(author.bot ? { application_id: applicationId } : {}),
    ...(interaction ? { webhook_id: applicationId, ...origin(state, interaction, message) } : {}),
    ...(message.replyTo
      ? {
          message_reference: {
            type: 0,
            channel_id: message.channelId,
            message_id: message.replyTo,
            ...(guildId ? { guild_id: guildId } : {}),
          },
          referenced_message: reply ? renderMessage(state, { ...reply, replyTo: null }) : null,
        }
      : {}),
  } as unknown as APIMessage;
}

/** 20 answers a slash command, 23 one from a context menu. */
function commandMessageType(interaction: StoredInteraction): number {
  return (interaction.data as { type?: number } | null)?.type === 1 ? 20 : 23;
}

/**
 * Says for whom an app was installed in an interaction: key "0" is a server's installation, "0" as its value direct
 * messages with the bot.
 */
export function integrationOwners(interaction: StoredInteraction): Record<string, string> {
  return { '0': interaction.guildId ?? '0' };
}

/** Where an answer came from: `interaction_metadata` and the older `interaction`. */
function origin(state: State, interaction: StoredInteraction, message: StoredMessage): object {
  const person = state.world.people.get(interaction.userId) ?? state.world.bot;
  const metadata: Record<string, unknown> = {
    id: interaction.id,
    type: interaction.type,
    user: renderUser(person),
    authorizing_integration_owners: integrationOwners(interaction),
  };
  if (interaction.responseId !== null && interaction.responseId !== message.id) {
    metadata['original_response_message_id'] = interaction.responseId;
  }
  if (interaction.type === 3) metadata['interacted_message_id'] = interaction.sourceMessageId;
  if (interaction.type === 5) {
    const parent = interaction.parentId ? state.store.interaction(interaction.parentId) : null;
    metadata['triggering_interaction_metadata'] = parent
      ? (origin(state, parent, message) as { interaction_metadata: unknown }).interaction_metadata
      : null;
  }
  return {
    interaction_metadata: metadata,
    ...(interaction.type === 2
      ? {
          interaction: {
            id: interaction.id,
            type: 2,
            name: interaction.commandName ?? '',
            user: renderUser(person),
          },
        }
      : {}),
  };
}

type Media = { attachmentId?: string; url?: string };

/** A link inside an embed or component: ours gets a fresh signature, a foreign one stays. */
function renderMedia(state: State, media: Media, used: Set<string>): Record<string, unknown> {
  const attachment = media.attachmentId ? state.store.attachment(media.attachmentId) : null;
  if (!attachment) {
    const url = media.url ?? '';
    return { id: '0', url, proxy_url: url, width: null, height: null, content_type: null };
  }
  used.add(attachment.id);
  const url = state.links.attachment(attachment);
  return {
    id: attachment.id,
    url,
    proxy_url: url,
    width: attachment.width,
    height: attachment.height,
    content_type: attachment.contentType,
    attachment_id: attachment.id,
  };
}

function renderComponent(
  state: State,
  component: StoredComponent,
  used: Set<string>,
): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...component };
  const children = component['components'];
  if (Array.isArray(children)) {
    shown['components'] = children.map((child: StoredComponent) =>
      renderComponent(state, child, used),
    );
  }
  if (component['accessory']) {
    shown['accessory'] = renderComponent(state, component['accessory'] as StoredComponent, used);
  }
  for (const name of ['media', 'file'] as const) {
    if (component[name]) shown[name] = renderMedia(state, component[name] as Media, used);
  }
  if (component.type === componentType.file) {
    const id = (component['file'] as Media).attachmentId;
    const attachment = id ? state.store.attachment(id) : null;
    shown['name'] = attachment?.filename ?? null;
    shown['size'] = attachment?.size ?? null;
  }
  if (Array.isArray(component['items'])) {
    shown['items'] = component['items'].map((item: { media: Media }) => ({
      ...item,
      media: renderMedia(state, item.media, used),
    }));
  }
  return shown;
}

type EmbedWithMedia = Record<string, unknown>;

function renderEmbed(state: State, embed: object, used: Set<string>): APIMessage['embeds'][number] {
  const shown: EmbedWithMedia = { ...embed };
  for (const name of ['image', 'thumbnail'] as const) {
    if (!shown[name]) continue;
    const media = renderMedia(state, shown[name] as Media, used);
    shown[name] = {
      url: media['url'],
      proxy_url: media['url'],
      ...(media['width'] === null ? {} : { width: media['width'], height: media['height'] }),
    };
  }
  return shown as unknown as APIMessage['embeds'][number];
}
