import { UserError } from '../../src/engine/errors.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { isModerator } from '../../src/bot/interaction/permissions.ts';
import { startedPost } from '../../src/bot/policy/posts.ts';

/** Takes away a message that shows a job's picture once more; the job and its pictures stay. */
export const discard: Action = {
  open: 'always',
  visibility: 'in-place',
  async press(interaction, _id, { answer, settings, text }) {
    const asker = interaction.message.interactionMetadata?.user.id;
    const may =
      asker === interaction.user.id ||
      isModerator(interaction) ||
      (await startedPost(interaction.channelId, interaction, settings));
    if (!may) {
      throw new UserError(text.notYoursToDelete);
    }
    await answer.acknowledge('in-place');
    await answer.deleteMessage();
  },
};
