import type { APIChannel, APIGuild, APIGuildMember, APIRole, APIUser } from 'discord-api-types/v10';
import type { State } from '../state.ts';
import { channelType, isThread } from './channels.ts';
import type { Channel } from './channels.ts';
import type { Guild, Member, Person, Role } from './world.ts';
import { applicationId, permissionsOf } from './world.ts';

/**
 * Makes Discord's form of a user. The username is the name in lower case with dots for spaces; a bot has a
 * discriminator and no global name.
 */
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

/** Makes Discord's form of a member with their user in it, as in most answers. */
export function renderMember(state: State, member: Member): APIGuildMember {
  const person = state.world.people.get(member.userId);
  return {
    ...memberWithoutUser(member),
    user: person ? renderUser(person) : undefined,
  } as APIGuildMember;
}

/** Makes a member as Discord sends one beside the user, with a message. */
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

/** A server keeps its roles as people see them, @everyone and then the highest first; Discord counts from below. */
export function renderRole(role: Role, index: number, all: readonly Role[]): APIRole {
  return {
    id: role.id,
    name: role.name,
    permissions: role.permissions,
    position: index === 0 ? 0 : all.length - index,
    color: role.color ?? 0,
    colors: { primary_color: role.color ?? 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: role.managed,
    mentionable: false,
    icon: null,
    unicode_emoji: null,
    flags: 0,
    ...(role.managed ? { tags: { bot_id: applicationId } } : {}),
  } as unknown as APIRole;
}

/** Makes Discord's form of a channel, thread or direct channel. */
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
  if (isThread(channel)) return renderThread(channel, last);
  const siblings = [...state.world.channels.values()].filter((c) => c.guildId === channel.guildId);
  return {
    id: channel.id,
    type: channel.type,
    guild_id: channel.guildId,
    name: channel.name,
    position: Math.max(0, siblings.indexOf(channel)),
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

function renderThread(thread: Channel, last: string | null): APIChannel {
  const opened = '2025-01-01T00:00:00.000Z';
  return {
    id: thread.id,
    type: thread.type,
    guild_id: thread.guildId,
    parent_id: thread.parentId,
    owner_id: thread.ownerId ?? applicationId,
    name: thread.name,
    last_message_id: last,
    last_pin_timestamp: null,
    rate_limit_per_user: 0,
    message_count: 0,
    total_message_sent: 0,
    member_count: Math.max(1, thread.members.length),
    flags: 0,
    thread_metadata: {
      archived: thread.archived,
      locked: thread.locked,
      auto_archive_duration: 1440,
      archive_timestamp: opened,
      create_timestamp: opened,
      ...(thread.type === channelType.privateThread ? { invitable: true } : {}),
    },
  } as unknown as APIChannel;
}

/** Makes Discord's form of a guild without its channels and members, as REST answers it. */
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

/** Permission bits of the bot in a channel, as interactions carry them. */
export function appPermissions(state: State, channel: Channel): string {
  return String(permissionsOf(state.world, applicationId, channel));
}
