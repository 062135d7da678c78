import { ApplicationCommandType } from 'discord.js';
import type { MessageContextMenuCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { fitRecipe, type Recipe } from '../../src/engine/recipe.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../src/engine/request.ts';
import { type Said, wordsOf } from '../../src/engine/said.ts';
import type { MessageCommand, Scene } from '../../src/bot/interaction/command.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { limitsHold, randomSeed } from '../../src/bot/order/options.ts';
import { placeOrder } from '../../src/bot/order/order.ts';
import { sizeOfRatio } from '../../src/bot/order/sizes.ts';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { EVERYWHERE } from '../places.ts';
import { lookInto, offerForm, ownJob, wanted, wordsIn } from './on-message.ts';
import { rerolledJob } from './reroll.ts';

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
