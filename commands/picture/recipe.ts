import { UserError } from '../../src/engine/errors.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { codeBlock, shorten } from '../../src/bot/render/markdown.ts';
import { jobOf } from '../../src/bot/order/order.ts';

export const RECIPE_SHOWN = 3700;

/** The text that stands inside the PNG, to copy. */
export const recipe: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const { answer, text } = scene;
    const job = await jobOf(id, interaction, scene);
    if (job.result === null) throw new UserError(text.notFinished);
    await answer.tell(
      `${text.recipeTitle}\n${codeBlock(shorten(job.result.infotext, RECIPE_SHOWN))}`,
    );
  },
};
