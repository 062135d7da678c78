import { UserError } from '../src/engine/errors.ts';
import type { Action } from '../src/bot/command.ts';
import { shorten } from '../src/bot/markdown.ts';
import { jobOf } from '../src/bot/order.ts';

const SHOWN = 3800;

/** The text that stands inside the PNG, to copy. */
export const recipe: Action = {
  visibility: 'private',
  async press(_interaction, id, scene) {
    const { answer, text } = scene;
    const job = await jobOf(id, scene);
    if (job.result === null) throw new UserError(text.notFinished);
    await answer.tell(`${text.recipeTitle}\n${codeBlock(shorten(job.result.infotext, SHOWN))}`);
  },
};

/** A zero-width space between backticks keeps a prompt from closing the block. */
function codeBlock(content: string): string {
  return `\`\`\`\n${content.replaceAll('```', '`\u200b`\u200b`')}\n\`\`\``;
}
