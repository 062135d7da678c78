import { ChannelType, PermissionFlagsBits, Routes } from 'discord.js';
import type { BaseInteraction, ThreadChannel } from 'discord.js';
import type { Archive } from '../../queue/archive.ts';
import type { Job } from '../../queue/job.ts';
import { troubleOf } from '../discord/discord-errors.ts';
import { addressIn } from '../reply/reply-address.ts';
import type { ReplyAddress } from '../reply/reply-address.ts';

/**
 * One's own, and what everybody may see who sees the channel it was ordered in, as long as its message is there. What
 * was deleted while this program was away is noticed here.
 */
export async function maySee(
  job: Job,
  interaction: BaseInteraction,
  { archive }: { archive: Pick<Archive, 'retract'> },
): Promise<boolean> {
  if (job.userId === interaction.user.id) return true;
  const address = addressIn(job.context);
  if (interaction.guildId === null || job.guildId !== interaction.guildId) return false;
  if (address === null || address.private === true || (job.retractedAt ?? null) !== null) {
    return false;
  }
  if (isAbout(interaction, address)) return true;
  return (
    (await seesChannel(interaction, address.channelId, archive)) &&
    (await isThere(interaction, address, job, archive))
  );
}

/** Did they press a button of the very message, or choose it? Then they see it. */
function isAbout(interaction: BaseInteraction, { messageId }: ReplyAddress): boolean {
  if (messageId === null) return false;
  if (interaction.isMessageComponent()) return interaction.message.id === messageId;
  if (interaction.isModalSubmit()) return interaction.message?.id === messageId;
  return interaction.isMessageContextMenuCommand() && interaction.targetId === messageId;
}

async function seesChannel(
  interaction: BaseInteraction,
  channelId: string,
  archive: Pick<Archive, 'retract'>,
): Promise<boolean> {
  if (interaction.channelId === channelId) return true;
  if (!interaction.inCachedGuild()) return false;
  const { client, guild, member } = interaction;
  const known = guild.channels.cache.get(channelId) ?? null;
  const channel = known ?? (await client.channels.fetch(channelId).catch(gone));
  if (channel === null || !('guildId' in channel) || channel.guildId !== guild.id) return false;
  const may = channel.permissionsFor(member);
  if (may?.has(PermissionFlagsBits.ViewChannel) !== true) return false;
  if (!channel.isThread() || !isPrivate(channel)) return true;
  return may.has(PermissionFlagsBits.ManageThreads) || isIn(channel, member.id);

  async function gone(error: unknown): Promise<null> {
    if (troubleOf(error) === 'deleted') await archive.retract({ channels: [channelId] });
    return null;
  }
}

function isPrivate({ type }: ThreadChannel): boolean {
  return type === ChannelType.PrivateThread;
}

async function isIn(thread: ThreadChannel, userId: string): Promise<boolean> {
  return thread.members.fetch(userId).then(
    () => true,
    () => false,
  );
}

/** Where Discord cannot be asked, or does not let us look, the message counts as there. */
async function isThere(
  { client }: BaseInteraction,
  { channelId, messageId }: ReplyAddress,
  job: Job,
  archive: Pick<Archive, 'retract'>,
): Promise<boolean> {
  if (messageId === null) return true;
  try {
    await client.rest.get(Routes.channelMessage(channelId, messageId));
    return true;
  } catch (error) {
    if (troubleOf(error) !== 'deleted') return true;
    await archive.retract({ jobs: [job.id] });
    return false;
  }
}
