import type {
  APIAttachment,
  APIChannel,
  APIGuild,
  APIGuildMember,
  APIMessage,
  APIRole,
  APIUser,
} from 'discord-api-types/v10';
import type { State } from './state.ts';
import type {
  StoredAttachment,
  StoredComponent,
  StoredInteraction,
  StoredMessage,
} from './store.ts';
import type { Channel, Guild, Member, Person, Role } from './world.ts';
import { applicationId, permissionsOf } from './world.ts';

export const messageFlag = {
  suppressEmbeds: 1 << 2,
  ephemeral: 1 << 6,
  loading: 1 << 7,
  suppressNotifications: 1 << 12,
  componentsV2: 1 << 15,
} as const;

export function renderUser(person: Person): APIUser {
  return {
    id: person.id,
    username: person.name.toLowerCase().replaceAll(' ', '.'),
    global_name: person.bot ? null : person.name,
    discriminator: person.bot ? '0001' : '0',
    avatar: null,
    banner: null,
    accent_color: null,
    avatar_decoration_data: null,
    collectibles: null,
    primary_guild: null,
    public_flags: 0,
    flags: 0,
    ...(person.bot ? { bot: true } : {}),
  } as unknown as APIUser;
}

export function renderMember(state: State, member: Member): APIGuildMember {
  const person = state.world.people.get(member.userId);
  return {
    ...memberWithoutUser(member),
    user: person ? renderUser(person) : undefined,
  } as APIGuildMember;
}

export function memberWithoutUser(member: Member): Omit<APIGuildMember, 'user'> {
  const shown = {
    avatar: null,
    banner: null,
    communication_disabled_until: null,
    flags: 0,
    joined_at: member.joinedAt,
    nick: null,
    pending: false,
    premium_since: null,
    roles: [...member.roles],
    mute: false,
    deaf: false,
  };
  return shown as unknown as Omit<APIGuildMember, 'user'>;
}

export function renderRole(role: Role, position: number): APIRole {
  return {
    id: role.id,
    name: role.name,
    permissions: role.permissions,
    position,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: role.managed,
    mentionable: false,
    icon: null,
    unicode_emoji: null,
    flags: 0,
    ...(role.managed ? { tags: { bot_id: applicationId } } : {}),
  } as unknown as APIRole;
}

export function renderChannel(state: State, channel: Channel): APIChannel {
  const last = state.store.messagesIn(channel.id, 1)[0]?.id ?? null;
  if (channel.guildId === null) {
    const recipient = state.world.people.get(channel.recipient ?? '');
    return {
      id: channel.id,
      type: 1,
      flags: 0,
      last_message_id: last,
      recipients: recipient ? [renderUser(recipient)] : [],
    } as unknown as APIChannel;
  }
  const siblings = [...state.world.channels.values()].filter((c) => c.guildId === channel.guildId);
  return {
    id: channel.id,
    type: 0,
    guild_id: channel.guildId,
    name: channel.name,
    position: siblings.indexOf(channel),
    permission_overwrites:
      channel.botDenied === '0'
        ? []
        : [{ id: applicationId, type: 1, allow: '0', deny: channel.botDenied }],
    nsfw: channel.ageRestricted,
    parent_id: null,
    topic: null,
    rate_limit_per_user: 0,
    last_message_id: last,
    last_pin_timestamp: null,
    flags: 0,
  } as unknown as APIChannel;
}

export function renderGuild(guild: Guild): APIGuild {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    description: null,
    home_header: null,
    splash: null,
    discovery_splash: null,
    features: [],
    banner: null,
    owner_id: guild.ownerId,
    application_id: null,
    region: 'rotterdam',
    afk_channel_id: null,
    afk_timeout: 300,
    system_channel_id: null,
    system_channel_flags: 0,
    widget_enabled: false,
    widget_channel_id: null,
    verification_level: 0,
    roles: guild.roles.map(renderRole),
    default_message_notifications: 1,
    mfa_level: 0,
    explicit_content_filter: 0,
    max_presences: null,
    max_members: 500_000,
    max_stage_video_channel_users: 50,
    max_video_channel_users: 25,
    vanity_url_code: null,
    premium_tier: 0,
    premium_subscription_count: 0,
    preferred_locale: 'en-US',
    rules_channel_id: null,
    safety_alerts_channel_id: null,
    public_updates_channel_id: null,
    premium_progress_bar_enabled: false,
    nsfw: false,
    nsfw_level: 0,
    emojis: [],
    stickers: [],
    incidents_data: null,
    hub_type: null,
  } as unknown as APIGuild;
}

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
    mentions: mentioned(state, message.content),
    mention_roles: [],
    mention_everyone: false,
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

function mentioned(state: State, content: string): APIUser[] {
  const ids = new Set([...content.matchAll(/<@!?(\d{17,20})>/g)].map((match) => match[1] ?? ''));
  return [...ids].flatMap((id) => {
    const person = state.world.people.get(id);
    return person ? [renderUser(person)] : [];
  });
}

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
  if (component.type === 13) {
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

/** Permission bits of the bot in a channel, as interactions carry them. */
export function appPermissions(state: State, channel: Channel): string {
  return String(permissionsOf(state.world, applicationId, channel));
}
