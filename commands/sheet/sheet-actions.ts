import { ComponentType } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import { moderates } from '../../src/bot/policy/posts.ts';
import { serverText } from '../../src/bot/policy/server-text.ts';
import { asSpoilers } from '../../src/bot/policy/spoiler.ts';
import type { Rendered } from '../../src/bot/render/render.ts';
import { promptOf } from '../../src/bot/render/render-words.ts';
import { addressIn } from '../../src/bot/reply/reply-address.ts';
import { chainOf } from '../../src/bot/sheet/sheet-chain.ts';
import { CURVES, isSheet } from '../../src/explore/sheet/order.ts';
import type { Job } from '../../src/queue/job.ts';
import { drawnKey, keysIn } from '../../src/queue/pictures.ts';
import { askOnce, isSure } from '../confirm.ts';
import { checkMayDelete } from '../picture/delete.ts';

/** Every measure of the curve, for the person who asks; under the sheet stands the one that says most. */
export const sheetCurves: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const { answer, archive, pictures, text } = scene;
    const last = await jobOf(id, interaction, scene);
    if (!(await mayShowHere(last, interaction, scene))) throw new UserError(text.notShownHere);
    await answer.acknowledge('private');
    const kept = (await chainOf(last, archive)).findLast(({ result }) => result?.drawn);
    const data = kept === undefined ? null : await pictures.get(drawnKey(kept.id, CURVES));
    if (data === null) throw new UserError(text.picturesGone);
    const description = text.sheet.curveAlt('').trim();
    const file = { name: CURVES, data, contentType: 'image/png', description };
    const media = { url: `attachment://${CURVES}` };
    const rendered: Rendered = {
      components: [{ type: ComponentType.MediaGallery, items: [{ media, description }] }],
      files: [file],
    };
    await answer.show(addressIn(last.context)?.spoiler === true ? asSpoilers(rendered) : rendered);
  },
};

export const sheetStop: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const moderator = await moderates(job, interaction, scene);
    const by = { userId: interaction.user.id, moderator };
    await scene.answer.acknowledge('in-place');
    if (!(await scene.sheets.stop(job, by))) {
      throw new UserError(scene.text.sheet.alreadyFinished);
    }
  },
};

/** Takes the sheet away, and every picture of it; asks once. */
export const sheetRemove: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { text } = scene;
    await checkMayDelete(await jobOf(id, interaction, scene), interaction, scene);
    const words = { title: text.sheet.confirmDelete, words: text.sheet.confirmDeleteWords };
    await askOnce(customId('sheet-delete', id.jobId), words, scene);
  },
  async submit(interaction, id, scene) {
    const { answer, archive, audit, pictures } = scene;
    const last = await jobOf(id, interaction, scene);
    await checkMayDelete(last, interaction, scene);
    await answer.acknowledge('in-place');
    if (!isSure(interaction)) return;
    await answer.deleteMessage();
    let job: Job | null = last;
    while (job !== null && isSheet(job.context)) {
      for (const key of job.result === null ? [] : keysIn(job.result)) await pictures.delete(key);
      job = job.parentId === null ? null : await archive.get(job.parentId);
    }
    const words = await serverText(interaction, scene);
    audit.tell(interaction, {
      what: words.auditDeleted(`<@${interaction.user.id}>`, `<@${last.userId}>`),
      prompt: promptOf(last),
    });
  },
};
