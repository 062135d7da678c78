import {
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
} from 'discord.js';
import type { MessageContextMenuCommandInteraction } from 'discord.js';
import { UserError } from '../src/engine/errors.ts';
import { parseRequest } from '../src/engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../src/engine/request.ts';
import type { Job } from '../src/queue/job.ts';
import type { MessageCommand, Scene } from '../src/bot/command.ts';
import { readRecipe } from '../src/bot/found-recipe.ts';
import type { FoundRecipe } from '../src/bot/found-recipe.ts';
import { codeBlock, shorten } from '../src/bot/markdown.ts';
import { chooseModel, limitsHold, randomSeed, sizeOfRatio } from '../src/bot/options.ts';
import { placeOrder } from '../src/bot/order.ts';
import { jobIdOf, pictureLinks } from '../src/bot/pictures-of.ts';
import { RECIPE_SHOWN } from './recipe.ts';
import { rerolled } from './reroll.ts';
import { maySee } from './show.ts';

const PLACES = {
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
  integration_types: [ApplicationIntegrationType.GuildInstall],
};

/** The recipe of any picture: one of ours, or one that carries it inside. */
export const recipeOf: MessageCommand = {
  visibility: 'private',
  definition: {
    type: ApplicationCommandType.Message,
    name: 'Recipe',
    name_localizations: { de: 'Rezept' },
    ...PLACES,
  },
  async run(interaction, scene) {
    const { answer, text } = scene;
    const own = await ownJob(interaction, scene);
    if (own !== null && own.result === null) throw new UserError(text.notFinished);
    const found =
      own?.result?.infotext !== undefined
        ? { from: 'infotext', text: own.result.infotext }
        : await recipeInside(interaction, scene);
    const note = found.from === 'graph' ? `\n${text.recipeFromGraph}` : '';
    await answer.tell(
      `${text.recipeTitle}\n${codeBlock(shorten(found.text, RECIPE_SHOWN))}${note}`,
    );
  },
};

/** The same order with a new seed, whoever or whatever made the picture. */
export const reimagine: MessageCommand = {
  visibility: 'public',
  definition: {
    type: ApplicationCommandType.Message,
    name: 'Reimagine',
    name_localizations: { de: 'Neu malen' },
    ...PLACES,
  },
  async run(interaction, scene) {
    const job = await ownJob(interaction, scene);
    if (job !== null) {
      const parent = { job, kind: 'reimagine' as const };
      return placeOrder(interaction, scene, rerolled(job.request), parent, wanted(scene));
    }
    // The picture is fetched first, which may take longer than Discord waits for a first word.
    await scene.answer.acknowledge(wanted(scene));
    const found = await recipeInside(interaction, scene);
    const request = await adapted(found.input, interaction, scene);
    await placeOrder(interaction, scene, request, null, wanted(scene));
  },
};

const wanted = ({ own }: Scene) => (own.private ? 'private' : 'public');

async function ownJob(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<Job | null> {
  const id = jobIdOf(interaction.targetMessage, interaction.client.user.id);
  const job = id === null ? null : await scene.queue.get(id);
  return job !== null && maySee(job, interaction) ? job : null;
}

async function recipeInside(
  interaction: MessageContextMenuCommandInteraction,
  { answer, media, text }: Scene,
): Promise<FoundRecipe> {
  const links = pictureLinks(interaction.targetMessage, media);
  if (links.length === 0) throw new UserError(text.noPictureThere);
  if (!answer.acknowledged) await answer.acknowledge('private');
  for (const link of links) {
    const found = readRecipe(await media.download(link, text));
    if (found !== null) return found;
  }
  throw new UserError(text.noRecipeThere);
}

/** A recipe from elsewhere, as far as this installation can follow it: its model and size may not exist here. */
async function adapted(
  input: RequestInput,
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<GenerateRequest> {
  const { engine, settings, own, limits, text } = scene;
  const [models, server] = await Promise.all([
    engine.models(),
    settings.defaults(interaction.guildId),
  ]);
  const theirs = models.find(({ name }) => name === input.model);
  const model = theirs ?? chooseModel(models, null, { ...server, ...own.choices }, text);
  const request = parseRequest(
    {
      ...input,
      model: model.name,
      ...(theirs === undefined ? { hires: null, ...fittingSize(input, model) } : {}),
      seed: randomSeed(),
      variation: null,
      count: 1,
    },
    model,
  );
  limitsHold(request, limits, text);
  return request;
}

function fittingSize(input: RequestInput, model: ModelInfo) {
  const ratio = Number(input.width) / Number(input.height);
  return Number.isFinite(ratio) && ratio > 0 ? sizeOfRatio(model, ratio) : model.nativeSize;
}
