import type { MessageComponentInteraction, RepliableInteraction } from 'discord.js';
import { UserError } from '../engine/errors.ts';
import type { GenerateRequest } from '../engine/request.ts';
import type { Job } from '../queue/job.ts';
import type { Scene } from './command.ts';
import type { CustomId } from './custom-id.ts';
import { missingToPost } from './permissions.ts';
import { LEAST_ATTACHMENT_LIMIT, TOKEN_LIFE_MS, fromContext, messageUrl } from './reply-address.ts';
import { toContext } from './reply-address.ts';
import type { Lineage, ReplyAddress } from './reply-address.ts';

/**
 * The one way a picture is ordered, whatever asked for it: permissions, acknowledgement, queue, reply.
 * The job is stored only after Discord knows that an answer comes.
 * @throws UserError when the line is full, LostInteractionError when nobody would see the result
 */
export async function placeOrder(
  interaction: RepliableInteraction | MessageComponentInteraction,
  scene: Scene,
  request: GenerateRequest,
  parent: { job: Job; kind: Lineage['kind'] } | null,
): Promise<void> {
  const { answer, queue, replies } = scene;
  checkMayPost(interaction, scene);
  const lineage = lineageOf(parent);
  await answer.acknowledge('public');
  const job = await queue.submit({
    key: interaction.id,
    guildId: interaction.guildId ?? `dm:${interaction.user.id}`,
    userId: interaction.user.id,
    request,
    context: toContext(addressOf(interaction, scene, lineage)),
    parentId: parent?.job.id ?? null,
  });
  answer.handOver();
  replies.open(job);
}

/** @throws UserError when the bot lacks a permission it will need to show a picture there */
export function checkMayPost(
  interaction: RepliableInteraction | MessageComponentInteraction,
  { text }: Scene,
): void {
  const missing = missingToPost(interaction.appPermissions, {
    inGuild: interaction.inGuild(),
    inThread: interaction.channel?.isThread() ?? false,
  });
  if (missing.length === 0) return;
  const names = missing.map((name) => text.permissionNames[name]);
  throw new UserError(text.missingPermissions(names.join(', ')));
}

/** Where the reply to this interaction lives, once it is acknowledged. */
export function addressOf(
  interaction: RepliableInteraction | MessageComponentInteraction,
  { answer }: Scene,
  lineage: Lineage | null,
): ReplyAddress {
  return {
    applicationId: interaction.applicationId,
    token: interaction.token,
    tokenUntil: Date.now() + TOKEN_LIFE_MS,
    channelId: interaction.channelId ?? '0',
    messageId: answer.messageId,
    guildId: interaction.guildId,
    // What everybody sees speaks the server's language, what one person sees theirs.
    locale: interaction.guildLocale ?? interaction.locale,
    attachmentLimit: interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT,
    lineage,
  };
}

function lineageOf(parent: { job: Job; kind: Lineage['kind'] } | null): Lineage | null {
  if (parent === null) return null;
  const address = fromContext(parent.job.context);
  return { kind: parent.kind, url: address === null ? null : messageUrl(address) };
}

/** The job a button belongs to. @throws UserError when it is not recorded (any more) */
export async function jobOf(id: CustomId, scene: Scene): Promise<Job> {
  const job = await scene.queue.get(id.jobId);
  if (job === null) throw new UserError(scene.text.jobGone);
  return job;
}
