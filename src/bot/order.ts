import type { MessageComponentInteraction, RepliableInteraction } from 'discord.js';
import { UserError } from '../engine/errors.ts';
import type { GenerateRequest } from '../engine/request.ts';
import type { Job } from '../queue/job.ts';
import type { Scene } from './command.ts';
import type { CustomId } from './custom-id.ts';
import { missingToPost } from './permissions.ts';
import { LEAST_ATTACHMENT_LIMIT, TOKEN_LIFE_MS, fromContext, messageUrl } from './reply-address.ts';
import { toContext } from './reply-address.ts';
import type { Lineage } from './reply-address.ts';

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
  const { answer, queue, replies, text } = scene;
  const missing = missingToPost(interaction.appPermissions, {
    inGuild: interaction.inGuild(),
    inThread: interaction.channel?.isThread() ?? false,
  });
  if (missing.length > 0) {
    const names = missing.map((name) => text.permissionNames[name]);
    throw new UserError(text.missingPermissions(names.join(', ')));
  }
  const tokenUntil = Date.now() + TOKEN_LIFE_MS;
  await answer.acknowledge('public');
  const parentAddress = parent === null ? null : fromContext(parent.job.context);
  const job = await queue.submit({
    key: interaction.id,
    guildId: interaction.guildId ?? `dm:${interaction.user.id}`,
    userId: interaction.user.id,
    request,
    context: toContext({
      applicationId: interaction.applicationId,
      token: interaction.token,
      tokenUntil,
      channelId: interaction.channelId ?? '0',
      messageId: answer.messageId,
      guildId: interaction.guildId,
      // What everybody sees speaks the server's language, what one person sees theirs.
      locale: interaction.guildLocale ?? interaction.locale,
      attachmentLimit: interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT,
      lineage:
        parent === null
          ? null
          : { kind: parent.kind, url: parentAddress === null ? null : messageUrl(parentAddress) },
    }),
    parentId: parent?.job.id ?? null,
  });
  answer.handOver();
  replies.open(job);
}

/** The job a button belongs to. @throws UserError when it is not recorded (any more) */
export async function jobOf(id: CustomId, scene: Scene): Promise<Job> {
  const job = await scene.queue.get(id.jobId);
  if (job === null) throw new UserError(scene.text.jobGone);
  return job;
}
