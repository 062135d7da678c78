import { UserError } from '../../src/engine/errors.ts';
import type { MessageComponentInteraction, ModalSubmitInteraction } from 'discord.js';
import { promptOf } from '../../src/bot/render/render-words.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { askOnce, isSure } from '../confirm.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { moderates } from '../../src/bot/policy/posts.ts';
import { serverText } from '../../src/bot/policy/server-text.ts';
import type { Job } from '../../src/queue/job.ts';

/** Takes the message away and the stored pictures with it; asks once. */
export const remove: Action = {
  open: 'always',
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { text } = scene;
    await checkMayDelete(await jobOf(id, interaction, scene), interaction, scene);
    const words = { title: text.confirmDelete, words: text.confirmDeleteWords };
    await askOnce(customId('delete', id.jobId), words, scene);
  },
  async submit(interaction, id, scene) {
    const { answer, audit, pictures } = scene;
    const job = await jobOf(id, interaction, scene);
    await checkMayDelete(job, interaction, scene);
    await answer.acknowledge('in-place');
    if (!isSure(interaction)) return;
    await answer.deleteMessage();
    for (const { key } of job.result?.images ?? []) await pictures.delete(key);
    const words = await serverText(interaction, scene);
    audit.tell(interaction, {
      what: words.auditDeleted(`<@${interaction.user.id}>`, `<@${job.userId}>`),
      prompt: promptOf(job),
    });
  },
};

/** @throws UserError for a job of somebody else, or one that has not ended */
export async function checkMayDelete(
  job: Job,
  interaction: MessageComponentInteraction | ModalSubmitInteraction,
  scene: Scene,
): Promise<void> {
  const { text } = scene;
  if (job.userId !== interaction.user.id && !(await moderates(job, interaction, scene))) {
    throw new UserError(text.notYoursToDelete);
  }
  if (job.status === 'waiting' || job.status === 'running') throw new UserError(text.stillWorking);
}
