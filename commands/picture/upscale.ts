import { UserError } from '../../src/engine/errors.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { isForeign } from '../../src/bot/interaction/foreign.ts';
import { sendEnlarged } from '../../src/bot/pictures/enlarged.ts';
import { checkMayPost, jobOf, seenLike } from '../../src/bot/order/order.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import { mayShowHere, permitOrder } from '../../src/bot/policy/gate.ts';
import type { Asking } from '../../src/bot/policy/place.ts';
import { LEAST_ATTACHMENT_LIMIT, addressIn } from '../../src/bot/reply/reply-address.ts';
import { indexOf, storedPicture } from '../../src/bot/pictures/stored-picture.ts';

/** The stored picture at twice its size: the very same picture, never a new one that resembles it. */
export const upscale: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    await enlarge(
      interaction,
      await jobOf(id, interaction, scene),
      indexOf(id.detail, scene),
      scene,
    );
  },
};

export async function enlarge(
  interaction: Asking,
  job: Job,
  index: number,
  scene: Scene,
  wanted: SeenBy = seenLike(interaction),
): Promise<void> {
  const { answer } = scene;
  const seenBy = isForeign(interaction) ? 'private' : wanted;
  if (seenBy === 'public') checkMayPost(interaction, scene);
  // Whoever may not order here may not show a larger copy here either; it costs next to nothing.
  const nearlyNothing = { ...readable(job), init: null, steps: 1, count: 1 };
  const { spoiler } = await permitOrder(interaction, scene, nearlyNothing);
  if (!(await mayShowHere(job, interaction, scene))) throw new UserError(scene.text.notShownHere);
  await storedPicture(job, index, scene);
  const order = {
    jobId: job.id,
    index,
    asker: interaction.user.id,
    channelId: interaction.channelId ?? '0',
    private: seenBy === 'private',
    spoiler: spoiler || addressIn(job.context)?.spoiler === true,
    attachmentLimit: interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT,
  };
  await answer.acknowledge(seenBy, order);
  await sendEnlarged(order, answer.show, scene);
}
