import { ApplicationCommandType } from 'discord.js';
import type { MessageContextMenuCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { notesHere, type Recipe, recipeText } from '../../src/engine/recipe.ts';
import { type Said, wordsOf } from '../../src/engine/said.ts';
import type { MessageCommand, Scene } from '../../src/bot/interaction/command.ts';
import { codeBlock, quoted, shorten } from '../../src/bot/render/markdown.ts';
import { EVERYWHERE } from '../places.ts';
import { lookInto, ownJob } from './on-message.ts';
import { RECIPE_SHOWN } from './recipe.ts';

/** The recipe of any picture: one of ours, or one that carries it inside. */
export const recipeOf: MessageCommand = {
  visibility: 'private',
  definition: {
    type: ApplicationCommandType.Message,
    name: 'Recipe',
    ...EVERYWHERE,
  },
  async run(interaction, scene) {
    const { answer, text } = scene;
    const own = await ownJob(interaction, scene);
    if (own !== null && own.result === null) throw new UserError(text.notFinished);
    if (own?.result?.infotext !== undefined) {
      const words = codeBlock(shorten(own.result.infotext, RECIPE_SHOWN));
      return answer.tell(`${text.recipeTitle}\n${words}`);
    }
    const recipe = await recipeInside(interaction, scene);
    const isOurs = ['Darkroom', 'A1111'].includes(recipe.source);
    const notes = [
      ...(isOurs ? [] : [text.recipeFrom(recipe.source)]),
      ...notesLine(notesHere(recipe, (await scene.upscalers?.names()) ?? []), scene),
    ];
    const shown = codeBlock(shorten(recipeText(recipe), RECIPE_SHOWN));
    await answer.tell([text.recipeTitle, shown, ...notes].join('\n'));
  },
};

/** One quiet line about what was left out or replaced; none where everything is as it was. */
function notesLine(notes: readonly Said[], { text }: Pick<Scene, 'text'>): string[] {
  return notes.length === 0 ? [] : [`-# ${quoted(wordsOf(notes, text.said), 900)}`];
}

async function recipeInside(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<Recipe> {
  const { recipe } = await lookInto(interaction, scene);
  if (recipe === null) throw new UserError(scene.text.noRecipeThere);
  return recipe;
}
