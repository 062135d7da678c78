import { UserError } from '../../src/engine/errors.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { indexOf, storedPicture } from '../../src/bot/pictures/stored-picture.ts';
import { mayShowHere } from '../../src/bot/policy/gate.ts';
import { addressIn } from '../../src/bot/reply/reply-address.ts';
import { stored } from './presets.ts';

/** Marks a picture as a favourite, or takes the mark away. */
export const star: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const { answer, stars, settings, text } = scene;
    const index = indexOf(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    if (!(await mayShowHere(job, interaction, scene))) throw new UserError(text.notShownHere);
    await storedPicture(job, index, scene);
    // A private picture is a favourite of one person's, never one of a server's.
    const isOpen = addressIn(job.context)?.private !== true && job.guildId === interaction.guildId;
    const guildId = isOpen ? interaction.guildId : null;
    const mark = { jobId: job.id, index, userId: interaction.user.id };
    const isMarked = await stored(scene, () => stars.toggle(mark, guildId));
    const { gallery } = await settings.policy(interaction.guildId);
    const shown = isMarked && gallery && guildId !== null;
    await answer.tell(isMarked ? (shown ? text.starredForAll : text.starred) : text.starTakenAway);
  },
};
