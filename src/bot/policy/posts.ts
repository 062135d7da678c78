import { ChannelType, PermissionFlagsBits, Routes } from 'discord.js';
import type { BaseInteraction, Client, PermissionsBitField } from 'discord.js';
import type { Job } from '../../queue/job.ts';
import { troubleOf } from '../discord/discord-errors.ts';
import { isModerator } from '../interaction/permissions.ts';
import { addressIn } from '../reply/reply-address.ts';
import type { SettingsStore } from '../stores/settings.ts';
import type { ServerPolicy } from './policy.ts';

/** A post of a forum or media channel. `starterId` null: Discord does not tell who started it. */
export type Post = { starterId: string | null };

const FORUMS: ReadonlySet<unknown> = new Set([ChannelType.GuildForum, ChannelType.GuildMedia]);

/** Whoever has one of these looks after posts that others started. */
const MANAGING = [
  PermissionFlagsBits.ManageGuild,
  PermissionFlagsBits.ManageThreads,
  PermissionFlagsBits.ManageMessages,
];

/** What Discord was asked for: whose a post is never changes. */
const asked = new WeakMap<Client, Map<string, Post | null>>();
const REMEMBERED = 5000;

/**
 * The post that a channel is; null: it is none. discord.js knows neither closed posts from before its login, nor who
 * started one that it first met in an interaction. Rejects where Discord cannot be asked now.
 */
async function postAt(client: Client, channelId: string): Promise<Post | null> {
  const channel = client.channels.cache.get(channelId);
  if (channel !== undefined && !channel.isThread()) return null;
  const parent = channel?.parent ?? null;
  if (parent !== null && !FORUMS.has(parent.type)) return null;
  // discord.js promises a string, and has none of a thread that came without it.
  const starterId: unknown = channel?.ownerId;
  if (parent !== null && isId(starterId)) return { starterId };
  const known = asked.get(client) ?? new Map<string, Post | null>();
  asked.set(client, known);
  const before = known.get(channelId);
  if (before !== undefined) return before;
  try {
    const post = await ask(client, channelId);
    if (known.size >= REMEMBERED) known.clear();
    known.set(channelId, post);
    return post;
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === 'transient' || trouble === 'rate-limited') throw error;
    // What is gone belongs to nobody; where we may not look, nobody is taken for the starter.
    return trouble === 'deleted' ? null : { starterId: null };
  }
}

async function ask(client: Client, channelId: string): Promise<Post | null> {
  const thread = Object(await client.rest.get(Routes.channel(channelId)));
  if (thread.type !== ChannelType.PublicThread || !isId(thread.parent_id)) return null;
  const parent =
    client.channels.cache.get(thread.parent_id) ??
    Object(await client.rest.get(Routes.channel(thread.parent_id)));
  if (!FORUMS.has(parent.type)) return null;
  return { starterId: isId(thread.owner_id) ? thread.owner_id : null };
}

const isId = (value: unknown): value is string => typeof value === 'string' && value !== '';

/**
 * The post of somebody else that a person would paint in, where the server says that posts belong to their starters;
 * null: no such thing stands in the way. `manages`: asked only where it matters.
 */
export async function othersPost(
  { starterPosts }: Pick<ServerPolicy, 'starterPosts'>,
  place: { client: Client; channelId: string | null; userId: string },
  manages: () => boolean | Promise<boolean>,
): Promise<Post | null> {
  if (!starterPosts || place.channelId === null) return null;
  const post = await postAt(place.client, place.channelId);
  if (post === null || post.starterId === place.userId) return null;
  return (await manages()) ? null : post;
}

/** Do these permissions let somebody change others' posts in a forum? Unknown permissions do not. */
export function managesPosts(granted: Readonly<PermissionsBitField> | null): boolean {
  return granted?.any(MANAGING) === true;
}

/** The same of somebody who is not asking just now. Rejects where Discord cannot be asked now. */
export async function managesPostsIn(
  client: Client,
  { guildId, channelId, userId }: { guildId: string; channelId: string; userId: string },
): Promise<boolean> {
  const guild = client.guilds.cache.get(guildId);
  if (guild === undefined) return false;
  try {
    const member = await guild.members.fetch({ user: userId, force: true, cache: false });
    const channel = guild.channels.cache.get(channelId) ?? null;
    return managesPosts(channel?.permissionsFor(member) ?? member.permissions);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === 'transient' || trouble === 'rate-limited') throw error;
    // They have left.
    return false;
  }
}

/** May this person stop and delete the job? Its moderators may, and whoever started the post that it was ordered in. */
export async function moderates(
  job: Pick<Job, 'guildId' | 'context'>,
  interaction: BaseInteraction,
  { settings }: { settings: SettingsStore },
): Promise<boolean> {
  const { guildId, user, client } = interaction;
  if (guildId === null || job.guildId !== guildId) return false;
  if (isModerator(interaction)) return true;
  return startedPost(
    addressIn(job.context)?.channelId ?? null,
    { guildId, user, client },
    settings,
  );
}

/** Did this person start the post, on a server where posts belong to their starters? Unknown is no. */
export async function startedPost(
  channelId: string | null,
  { guildId, user, client }: Pick<BaseInteraction, 'guildId' | 'user' | 'client'>,
  settings: SettingsStore,
): Promise<boolean> {
  if (guildId === null || channelId === null) return false;
  if (!(await settings.policy(guildId)).starterPosts) return false;
  const post = await postAt(client, channelId).catch(() => null);
  return post?.starterId === user.id;
}
