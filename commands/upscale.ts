import type { MessageComponentInteraction } from 'discord.js';
import { enlargePicture } from '../src/engine/enlarge.ts';
import { UserError } from '../src/engine/errors.ts';
import type { Job } from '../src/queue/job.ts';
import type { Action, Scene } from '../src/bot/command.ts';
import { troubleOf } from '../src/bot/discord-errors.ts';
import { checkMayPost, jobOf, seenLike } from '../src/bot/order.ts';
import { inTurn } from '../src/bot/pictures-of.ts';
import { permitOrder } from '../src/bot/policy/gate.ts';
import { veil } from '../src/bot/policy/veil.ts';
import { renderEnlarged } from '../src/bot/render-copy.ts';
import { LEAST_ATTACHMENT_LIMIT, fromContext, messageUrl } from '../src/bot/reply-address.ts';
import { fitForUpload } from '../src/bot/upload.ts';
import { indexOf, storedPicture } from '../src/bot/stored-picture.ts';
import { init } from './init.ts';

/** The stored picture at twice its size: the very same picture, never a new one that resembles it. */
export const upscale: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    await enlarge(interaction, await jobOf(id, scene), indexOf(id.detail, scene), scene);
  },
};

/** The menu under a batch: `<index>-upscale` or `<index>-init`. */
export const use: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const told = interaction.isStringSelectMenu() ? (interaction.values[0] ?? '') : '';
    const match = /^([0-8])-(upscale|init)$/.exec(told);
    if (match === null) throw new UserError(scene.text.unknownButton);
    const chosen = { ...id, detail: match[1] ?? null };
    await (match[2] === 'init' ? init : upscale).press(interaction, chosen, scene);
  },
};

async function enlarge(
  interaction: MessageComponentInteraction,
  job: Job,
  index: number,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  const seenBy = seenLike(interaction);
  if (seenBy === 'public') checkMayPost(interaction, scene);
  // Whoever may not order here may not show a larger copy here either; it costs next to nothing.
  const { spoiler } = await permitOrder(interaction, scene, { ...job.request, steps: 1, count: 1 });
  const png = await storedPicture(job, index, scene);
  await answer.acknowledge(seenBy);
  const large = await inTurn(() => enlargePicture(png));
  const address = fromContext(job.context);
  const reachable = address !== null && (!address.private || seenBy === 'private');
  let limit = interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT;
  for (;;) {
    const [picture] = await fitForUpload([large], limit);
    if (picture === undefined) throw new UserError(text.picturesGone);
    const url = reachable ? messageUrl(address) : null;
    try {
      const asker = interaction.user.id;
      const rendered = renderEnlarged(job, picture, { text, url, index, asker });
      return await answer.show(spoiler || address?.spoiler === true ? veil(rendered) : rendered);
    } catch (error) {
      if (troubleOf(error) !== 'too-large' || picture.data.byteLength < 4096) throw error;
      limit = Math.floor(picture.data.byteLength / 2);
    }
  }
}
