import { UserError } from '../../src/engine/errors.ts';
import type { MessageComponentInteraction } from 'discord.js';
import { promptOf } from '../../src/bot/render/render-words.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { isModerator } from '../../src/bot/interaction/permissions.ts';
import { textFor, type Text } from '../../src/bot/text/text.ts';
import type { Job } from '../../src/queue/job.ts';

/** Takes the message away and the stored pictures with it. */
export const remove: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { answer, audit, pictures, text } = scene;
    const job = await jobOf(id, interaction, scene);
    checkMayDelete(job, interaction, text);
    await answer.acknowledge('in-place');
    await answer.deleteMessage();
    for (const { key } of job.result?.images ?? []) await pictures.delete(key);
    const serverText = textFor(interaction.guildLocale ?? interaction.locale);
    audit.tell(interaction, {
      what: serverText.auditDeleted(`<@${interaction.user.id}>`, `<@${job.userId}>`),
      prompt: promptOf(job),
    });
  },
};

/** @throws UserError for a job of somebody else, or one that has not ended */
export function checkMayDelete(
  job: Job,
  interaction: MessageComponentInteraction,
  text: Text,
): void {
  const moderates = isModerator(interaction) && job.guildId === interaction.guildId;
  if (job.userId !== interaction.user.id && !moderates) throw new UserError(text.notYoursToDelete);
  if (job.status === 'waiting' || job.status === 'running') throw new UserError(text.stillWorking);
}
