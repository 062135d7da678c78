import { isThread } from '../world/channels.ts';
import { renderMessage } from '../messages/render-message.ts';
import {
  memberWithoutUser,
  renderChannel,
  renderGuild,
  renderMember,
  renderUser,
} from '../world/render.ts';
import type { State } from '../state.ts';
import type { StoredMessage } from '../store/stored.ts';
import type { Guild } from '../world/world.ts';
import { applicationId, canSee } from '../world/world.ts';

/** Makes the data of READY (gateway v10). Its guilds are unavailable until a GUILD_CREATE follows for each. */
export function readyEvent(
  state: State,
  session: { id: string; shard: readonly [number, number] },
  guilds: readonly Guild[],
  resumeUrl: string,
): object {
  return {
    v: 10,
    user: { ...renderUser(state.world.bot), mfa_enabled: false, verified: true, email: null },
    user_settings: {},
    guilds: guilds.map((guild) => ({ id: guild.id, unavailable: true })),
    private_channels: [],
    relationships: [],
    presences: [],
    guild_join_requests: [],
    session_id: session.id,
    session_type: 'normal',
    resume_gateway_url: resumeUrl,
    shard: session.shard,
    application: { id: applicationId, flags: 0 },
    _trace: ['playground'],
  };
}

/** Makes the data of GUILD_CREATE: the guild as the bot may see it, with open threads only. */
export function guildCreate(state: State, guild: Guild): object {
  const channels = [...state.world.channels.values()].filter((one) => one.guildId === guild.id);
  const bot = guild.members.find((one) => one.userId === applicationId);
  return {
    ...renderGuild(guild),
    joined_at: bot?.joinedAt ?? '',
    large: false,
    unavailable: false,
    member_count: guild.members.length,
    // Without the members intent Discord sends the bot's own member only.
    members: bot ? [renderMember(state, bot)] : [],
    channels: channels.filter((one) => !isThread(one)).map((one) => renderChannel(state, one)),
    // Those that are open and that the bot may look into.
    threads: channels
      .filter((one) => isThread(one) && !one.archived && canSee(state.world, applicationId, one))
      .map((one) => renderChannel(state, one)),
    voice_states: [],
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

/** Without the message content intent a bot reads its own messages, direct ones and those that mention it. */
export function messageEvent(state: State, message: StoredMessage, guildId: string | null): object {
  const shown = renderMessage(state, message);
  const readable =
    message.authorId === applicationId ||
    guildId === null ||
    message.content.includes(`<@${applicationId}>`);
  const member = state.world.guilds
    .get(guildId ?? '')
    ?.members.find((one) => one.userId === message.authorId);
  return {
    ...shown,
    ...(readable ? {} : { content: '', embeds: [], attachments: [], components: [] }),
    ...(guildId === null ? {} : { guild_id: guildId }),
    ...(member ? { member: memberWithoutUser(member) } : {}),
    channel_type: state.world.channels.get(message.channelId)?.type ?? 0,
  };
}
