import type { MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { checkMayPost, jobOf } from '../../src/bot/order/order.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import { indexOf, storedPicture } from '../../src/bot/pictures/stored-picture.ts';
import { fitForUpload } from '../../src/bot/pictures/upload.ts';
import { mayShowHere, permitOrder } from '../../src/bot/policy/gate.ts';
import { asSpoilers } from '../../src/bot/policy/spoiler.ts';
import { renderPosted } from '../../src/bot/render/render-copy.ts';
import { LEAST_ATTACHMENT_LIMIT, addressIn } from '../../src/bot/reply/reply-address.ts';

/** A picture that one person saw becomes one that everybody here sees. What the server allows is asked again. */
export const post: Action = {
  visibility: 'public',
  async press(interaction: MessageComponentInteraction, id, scene) {
    const { answer, text } = scene;
    const index = indexOf(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    if (job.userId !== interaction.user.id) throw new UserError(text.notYoursToPost);
    checkMayPost(interaction, scene);
    const nearlyNothing = { ...readable(job), init: null, steps: 1, count: 1 };
    const { spoiler } = await permitOrder(interaction, scene, nearlyNothing);
    if (!(await mayShowHere(job, interaction, scene))) throw new UserError(text.notShownHere);
    const png = await storedPicture(job, index, scene);
    await answer.acknowledge('public');
    const limit = interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT;
    const [picture] = await fitForUpload([png], limit);
    if (picture === undefined) throw new UserError(text.picturesGone);
    const rendered = renderPosted(job, picture, { text: scene.text, index });
    const hide = spoiler || addressIn(job.context)?.spoiler === true;
    await answer.show(hide ? asSpoilers(rendered) : rendered);
  },
};
