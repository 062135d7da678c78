import { ApplicationCommandOptionType } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { notesHere, recipeText } from '../../src/engine/recipe.ts';
import { wordsOf } from '../../src/engine/said.ts';
import type { Command } from '../../src/bot/interaction/command.ts';
import { DOWNLOAD_LIMIT } from '../../src/bot/pictures/media.ts';
import { codeBlock, shorten } from '../../src/bot/render/markdown.ts';
import { RECIPE_SHOWN } from '../picture/recipe.ts';
import { EVERYWHERE } from '../places.ts';

/** What a picture says of itself. It looks at no pixel, and says so: elsewhere a command of this name guesses. */
export const describe: Command = {
  visibility: 'private',
  definition: {
    name: 'describe',
    description: 'Read the recipe inside a picture; it reads recipes only, and guesses nothing',
    ...EVERYWHERE,
    options: [
      {
        type: ApplicationCommandOptionType.Attachment,
        name: 'image',
        description: 'The picture, as the program that made it wrote it',
        required: true,
      },
    ],
  },
  async run(interaction, scene) {
    const { answer, media, reader, text, upscalers } = scene;
    const { url, size } = interaction.options.getAttachment('image', true);
    if (size > DOWNLOAD_LIMIT) {
      throw new UserError(text.fileTooLarge(DOWNLOAD_LIMIT / 1024 / 1024));
    }
    await answer.acknowledge('private');
    const { recipe } = await reader.look(await media.download(url, text));
    if (recipe === null) throw new UserError(text.describeNothing);
    const here = notesHere(recipe, (await upscalers?.names()) ?? []);
    const notes = here.length === 0 ? '' : `\n-# ${wordsOf(here, text.said)}`;
    const words = codeBlock(shorten(recipeText(recipe), RECIPE_SHOWN));
    await answer.tell(
      shorten(`${text.recipeTitle}\n${words}${notes}\n-# ${text.describeOnly}`, 4000),
    );
  },
};
