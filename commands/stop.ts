import { UserError } from '../src/engine/errors.ts';
import type { Action } from '../src/bot/command.ts';
import { jobOf } from '../src/bot/order.ts';
import { isModerator } from '../src/bot/permissions.ts';

/** Ends a waiting or running job; the reply itself then says so. */
export const stop: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { answer, queue, text } = scene;
    const job = await jobOf(id, interaction, scene);
    const by = {
      userId: interaction.user.id,
      moderator: isModerator(interaction),
      ...(interaction.guildId === null ? {} : { guildId: interaction.guildId }),
    };
    switch (await queue.cancel(job.id, by)) {
      case 'not-yours':
        throw new UserError(text.notYoursToStop);
      case 'unknown':
        throw new UserError(text.jobGone);
      case 'already-finished':
        throw new UserError(text.alreadyFinished);
      case 'cancelled':
      case 'stopping':
        return answer.acknowledge('in-place');
    }
  },
};
