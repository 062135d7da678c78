import { ApplicationCommandType, MessageFlags } from 'discord.js';
import type { Message, MessageContextMenuCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type {
  GenerateRequest,
  ImageSize,
  ModelInfo,
  RequestInput,
} from '../../src/engine/request.ts';
import type { Job } from '../../src/queue/job.ts';
import type { MessageCommand, Scene } from '../../src/bot/interaction/command.ts';
import type { FoundPictures, FoundWords } from '../../src/bot/pictures/found-pictures.ts';
import { notesHere, fitRecipe, type Recipe, recipeText } from '../../src/engine/recipe.ts';
import type { Said } from '../../src/engine/said.ts';
import { wordsOf } from '../../src/engine/said.ts';
import { isUserInstalled } from '../../src/bot/interaction/user-installed.ts';
import { codeBlock, quoted, shorten } from '../../src/bot/render/markdown.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { limitsHold, randomSeed } from '../../src/bot/order/options.ts';
import { sizeOfRatio } from '../../src/bot/order/sizes.ts';
import { placeOrder } from '../../src/bot/order/order.ts';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { maySee } from '../../src/bot/order/visibility.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import { jobIdOf, pictureLinks } from '../../src/bot/pictures/pictures-of.ts';
import { formRow } from '../../src/bot/render/rows.ts';
import { formFor, fromPictureId } from './from-picture.ts';
import { stored } from '../personal/presets.ts';
import { RECIPE_SHOWN } from './recipe.ts';
import { rerolledJob } from './reroll.ts';
import { EVERYWHERE } from '../places.ts';

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

/**
 * The same order with a new seed, whoever or whatever made the picture. Where the picture does not say how it was
 * made, a form: it must be Discord's first answer, so nothing is acknowledged before the picture was read, unless
 * that takes long; then a button opens it.
 */
export const reimagine: MessageCommand = {
  visibility: wanted,
  definition: {
    type: ApplicationCommandType.Message,
    name: 'Reimagine',
    ...EVERYWHERE,
  },
  async run(interaction, scene) {
    await permitHere(interaction, scene);
    const job = await ownJob(interaction, scene);
    if (job !== null) {
      const parent = { job, kind: 'reimagine' as const };
      const { request, template } = await rerolledJob(job, interaction, scene);
      const seenBy = wanted(interaction, scene);
      return placeOrder(interaction, scene, request, parent, seenBy, { template });
    }
    const { recipe, found } = await lookInto(interaction, scene);
    if (recipe === null) return offerForm(found, interaction, scene);
    const fitted = await adapted(recipe, interaction, scene);
    if (fitted === null) {
      const words = wordsIn(recipe);
      return offerForm({ ...found, words }, interaction, scene);
    }
    const parent = { url: found.messageUrl, kind: 'reimagine' as const };
    const what = wordsOf(fitted.notes, scene.text.said);
    const notes = what === '' ? [] : [{ kind: 'recipe' as const, what }];
    const seenBy = wanted(interaction, scene);
    await placeOrder(interaction, scene, fitted.request, parent, seenBy, { notes });
  },
};

/** What could be read, for the form that asks for the rest. */
export function wordsIn({ input }: Recipe): FoundWords {
  const text = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const [width, height] = [text(input.width), text(input.height)];
  return {
    prompt: text(input.prompt),
    negative: text(input.negativePrompt),
    size: width === '' || height === '' ? '' : `${width}x${height}`,
    steps: text(input.steps),
  };
}

/** One quiet line about what was left out or replaced; none where everything is as it was. */
function notesLine(notes: readonly Said[], { text }: Pick<Scene, 'text'>): string[] {
  return notes.length === 0 ? [] : [`-# ${quoted(wordsOf(notes, text.said), 900)}`];
}

/** What comes of a picture that only one person sees is for that person too. */
export function wanted(interaction: MessageContextMenuCommandInteraction, { own }: Scene): SeenBy {
  const hidden = isUserInstalled(interaction) || isHidden(interaction.targetMessage);
  return own.private || hidden ? 'private' : 'public';
}

const isHidden = ({ flags }: Message) => flags.has(MessageFlags.Ephemeral);

/** Finds the job behind a message of this bot; null where there is none or this person may not see it. */
export async function ownJob(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<Job | null> {
  const id = jobIdOf(interaction.targetMessage, interaction.client.user.id);
  const job = id === null ? null : await scene.archive.get(id);
  return job !== null && (await maySee(job, interaction, scene)) ? job : null;
}

async function recipeInside(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<Recipe> {
  const { recipe } = await lookInto(interaction, scene);
  if (recipe === null) throw new UserError(scene.text.noRecipeThere);
  return recipe;
}

/**
 * The first recipe among the pictures of a message; the pictures themselves, as far as they are some.
 * @throws UserError where the message has no picture
 */
export async function lookInto(
  { targetMessage }: MessageContextMenuCommandInteraction,
  { media, reader, text }: Scene,
): Promise<{ recipe: Recipe | null; found: FoundPictures }> {
  const links = pictureLinks(targetMessage, media);
  if (links.length === 0) throw new UserError(text.noPictureThere);
  const hidden = isHidden(targetMessage);
  const messageUrl = hidden ? null : targetMessage.url;
  const pictures: { url: string; size: ImageSize }[] = [];
  const found = { messageId: targetMessage.id, messageUrl, hidden, pictures };
  let problem: UserError | null = null;
  for (const url of links) {
    try {
      const bytes = await media.download(url, text);
      const { recipe, size } = await reader.look(bytes);
      if (size !== null) pictures.push({ url, size });
      if (recipe !== null) return { recipe, found };
    } catch (error) {
      // One bad file among several keeps nobody from the others.
      if (!(error instanceof UserError)) throw error;
      problem ??= error;
    }
  }
  if (problem !== null && pictures.length === 0) throw problem;
  return { recipe: null, found };
}

/**
 * The first `most` pictures of a message, as far as they are some.
 * @throws UserError where there is none
 */
export async function picturesIn(
  { targetMessage }: MessageContextMenuCommandInteraction,
  { media, reader, text }: Scene,
  most: number,
): Promise<FoundPictures> {
  const hidden = isHidden(targetMessage);
  const pictures: { url: string; size: ImageSize }[] = [];
  let problem: UserError | null = null;
  for (const url of pictureLinks(targetMessage, media)) {
    if (pictures.length >= most) break;
    try {
      const { size } = await reader.look(await media.download(url, text));
      if (size !== null) pictures.push({ url, size });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problem ??= error;
    }
  }
  if (pictures.length === 0) throw problem ?? new UserError(text.noPictureThere);
  const messageUrl = hidden ? null : targetMessage.url;
  return { messageId: targetMessage.id, messageUrl, hidden, pictures };
}

/**
 * Opens the form for found pictures, or offers a button for it where the interaction is acknowledged already: a form
 * must be the first response. The pictures are kept until it comes back.
 */
export async function offerForm(
  found: FoundPictures,
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  await stored(scene, () => scene.found.keep(interaction.user.id, found));
  const form = await formFor(found, interaction.guildId, scene);
  if (!answer.acknowledged) return answer.modal(form);
  await answer.tell(text.noRecipeForm, [formRow(fromPictureId(found), text)]);
}

/**
 * A recipe from elsewhere, as far as this installation can follow it: its model and size may not exist here. Null when it
 * does not say what was painted, or in a way that nothing can be painted from.
 */
async function adapted(
  recipe: Recipe,
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<{ request: GenerateRequest; notes: readonly Said[] } | null> {
  const { prompt } = recipe.input;
  if (typeof prompt !== 'string' || prompt.trim() === '') return null;
  const { engine, settings, own, limits, text } = scene;
  const [models, server] = await Promise.all([
    engine.models(),
    settings.defaults(interaction.guildId),
  ]);
  const theirs = models.find(({ name }) => name === recipe.input.model);
  const model = theirs ?? chooseModel(models, null, { ...server, ...own.choices }, text);
  const input =
    theirs === undefined ? { ...recipe.input, ...fittingSize(recipe.input, model) } : recipe.input;
  const fitted = await fitRecipe({ ...recipe, input }, model, models, limits);
  const more = { seed: randomSeed(), variation: null, count: 1 };
  try {
    const request = parseRequest({ ...fitted.input, ...more }, model);
    limitsHold(request, limits, text);
    return { request, notes: fitted.notes };
  } catch (error) {
    // What cannot be painted as it stands is offered in the form, where it can be mended.
    if (error instanceof UserError) return null;
    throw error;
  }
}

function fittingSize(input: RequestInput, model: ModelInfo) {
  const side = (value: unknown) =>
    typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  const ratio = side(input.width) / side(input.height);
  return Number.isFinite(ratio) && ratio > 0 ? sizeOfRatio(model, ratio) : model.nativeSize;
}
