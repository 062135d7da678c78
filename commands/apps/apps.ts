import { ApplicationCommandType } from 'discord.js';
import type { MessageContextMenuCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { CopyTask } from '../../src/queue/copy.ts';
import type { Job } from '../../src/queue/job.ts';
import type { MessageCommand, Scene } from '../../src/bot/interaction/command.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { checkMayPost, placeOrder } from '../../src/bot/order/order.ts';
import { attachedPicture, pictureLinks } from '../../src/bot/pictures/pictures-of.ts';
import { permitHere, permitOrder } from '../../src/bot/policy/gate.ts';
import { LEAST_ATTACHMENT_LIMIT } from '../../src/bot/reply/reply-address.ts';
import { editorHere, offerSentence } from '../edit/reword-found.ts';
import { editorOf, rewordForm } from '../edit/reword.ts';
import { askWhich } from './which.ts';
import { exploreThisForm } from '../sheet/explore-this.ts';
import { enlarge } from '../picture/upscale.ts';
import { initForm } from '../picture/init.ts';
import { lookInto, offerForm, ownJob, wanted, wordsIn } from '../picture/on-message.ts';
import { painterOf, remixForm } from '../picture/remix.ts';
import { EVERYWHERE } from '../places.ts';

function definition(name: string): MessageCommand['definition'] {
  return {
    type: ApplicationCommandType.Message,
    name,
    ...EVERYWHERE,
  };
}

/** A finished job of ours, whose pictures can be gone on with; null where the message shows none. */
async function finishedJob(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<Job | null> {
  const job = await ownJob(interaction, scene);
  if (job !== null && (job.result?.images.length ?? 0) === 0) {
    throw new UserError(scene.text.notFinished);
  }
  return job;
}

/**
 * A picture, ours or anybody's, is edited by a sentence where a model here does that; else the form with the words and main
 * numbers behind it.
 */
export const editApp: MessageCommand = {
  visibility: 'private',
  definition: definition('Edit'),
  async run(interaction, scene) {
    await permitHere(interaction, scene);
    const job = await ownJob(interaction, scene);
    const count = job?.result?.images.length ?? 0;
    const editor = job === null ? null : editorOf(await scene.engine.models(), job);
    if (job !== null && count > 0 && editor !== null) {
      if (count > 1) return askWhich('reword', job, wanted(interaction, scene), scene);
      return scene.answer.modal(rewordForm(job, 0, editor, scene.text));
    }
    if (job !== null) return scene.answer.modal(await remixForm(job, scene));
    const here = await editorHere(interaction.guildId, scene);
    if (here !== null) return offerSentence(here, interaction, scene);
    const { recipe, found } = await lookInto(interaction, scene);
    const words = recipe === null ? undefined : wordsIn(recipe);
    await offerForm({ ...found, ...(words && { words }) }, interaction, scene);
  },
};

/** One of the pictures becomes the start of a new one. */
export const startApp: MessageCommand = {
  visibility: 'private',
  definition: definition('Use as start'),
  async run(interaction, scene) {
    await permitHere(interaction, scene);
    const job = await finishedJob(interaction, scene);
    if (job === null) {
      const { recipe, found } = await lookInto(interaction, scene);
      const words = recipe === null ? undefined : wordsIn(recipe);
      return offerForm({ ...found, ...(words && { words }) }, interaction, scene);
    }
    if ((job.result?.images.length ?? 0) > 1)
      return askWhich('init', job, wanted(interaction, scene), scene);
    await scene.answer.modal(await initForm(job, 0, scene));
  },
};

/** The very same picture at twice its size, ours or anybody's. */
export const upscaleApp: MessageCommand = {
  visibility: wanted,
  definition: definition('Upscale'),
  async run(interaction, scene) {
    const job = await finishedJob(interaction, scene);
    if (job === null) return enlargeFound(interaction, scene);
    if ((job.result?.images.length ?? 0) > 1)
      return askWhich('upscale', job, wanted(interaction, scene), scene);
    await enlarge(interaction, job, 0, scene, wanted(interaction, scene));
  },
};

async function enlargeFound(
  interaction: MessageContextMenuCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, engine, media, settings, own, text } = scene;
  const [link] = pictureLinks(interaction.targetMessage, media);
  if (link === undefined) throw new UserError(text.noPictureThere);
  const seenBy = wanted(interaction, scene);
  if (seenBy === 'public') checkMayPost(interaction, scene);
  const defaults = { ...(await settings.defaults(interaction.guildId)), ...own.choices };
  const model = chooseModel(await engine.models(), null, defaults, text);
  const request = parseRequest({ steps: 1 }, model);
  // Whoever may not order here is told before the picture is fetched.
  await permitOrder(interaction, scene, request);
  await answer.acknowledge(seenBy);
  const { bytes, size } = await attachedPicture({ url: link, size: 0 }, scene);
  const copy: CopyTask = {
    kind: 'upscale',
    of: null,
    pictures: [{ index: 0, ...size }],
    by: null,
    factor: 2,
    fileLimit: interaction.attachmentSizeLimit || LEAST_ATTACHMENT_LIMIT,
  };
  const init = { image: bytes, mask: null, strength: 1, maskBlur: 0, onlyMasked: false };
  const copyOf = seenBy === 'public' ? interaction.targetMessage.url : null;
  await placeOrder(interaction, scene, { ...request, init }, null, seenBy, { copy, copyOf });
}

/** A sheet around the picture: a form with what to vary. */
export const exploreApp: MessageCommand = {
  visibility: 'private',
  definition: definition('Explore this'),
  async run(interaction, scene) {
    await permitHere(interaction, scene);
    const job = await ownJob(interaction, scene);
    if (job !== null) {
      return scene.answer.modal(exploreThisForm(job, '', await painterOf(job, scene), scene.text));
    }
    const { recipe } = await lookInto(interaction, scene);
    if (recipe === null) throw new UserError(scene.text.noRecipeThere);
    const { engine, settings, own, text } = scene;
    const defaults = { ...(await settings.defaults(interaction.guildId)), ...own.choices };
    const model = chooseModel(await engine.models(), null, defaults, text);
    await scene.answer.modal(exploreThisForm(null, wordsIn(recipe).prompt, model, text));
  },
};
