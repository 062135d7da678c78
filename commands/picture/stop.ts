import type { MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { promptOf } from '../../src/bot/render/render-words.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { moderates } from '../../src/bot/policy/posts.ts';
import { serverText } from '../../src/bot/policy/server-text.ts';
import type { Job } from '../../src/queue/job.ts';

/** Ends a waiting or running job; the reply itself then says so. */
export const stop: Action = {
  open: 'always',
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { answer, line, text } = scene;
    const job = await jobOf(id, interaction, scene);
    const by = {
      userId: interaction.user.id,
      moderator: await moderates(job, interaction, scene),
      ...(interaction.guildId === null ? {} : { guildId: interaction.guildId }),
    };
    scene.replies.noteStop(job.id, interaction.user.id);
    const outcome = await line.cancel(job.id, by);
    if (outcome !== 'cancelled' && outcome !== 'stopping') scene.replies.noteStop(job.id, null);
    switch (outcome) {
      case 'not-yours':
        throw new UserError(text.notYoursToStop);
      case 'unknown':
        throw new UserError(text.jobGone);
      case 'already-finished':
        throw new UserError(text.alreadyFinished);
      case 'cancelled':
      case 'stopping':
        if (job.userId !== interaction.user.id) await tellStopped(job, interaction, scene);
        return answer.acknowledge('in-place');
    }
  },
};

async function tellStopped(
  job: Job,
  interaction: MessageComponentInteraction,
  scene: Scene,
): Promise<void> {
  const text = await serverText(interaction, scene);
  scene.audit.tell(interaction, {
    what: text.auditStopped(`<@${interaction.user.id}>`, `<@${job.userId}>`),
    prompt: promptOf(job),
  });
}
