import { ComponentType } from 'discord.js';
import type {
  APILabelComponent,
  APIModalInteractionResponseCallbackData,
  Attachment,
  ModalSubmitInteraction,
} from 'discord.js';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, parseRequest } from '../../src/engine/request-codec.ts';
import type { ImageSize, ModelInfo } from '../../src/engine/request.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { NOTHING_CHOSEN, fieldsOf, limitsHold } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder, seenLike } from '../../src/bot/order/order.ts';
import type { Parent, SeenBy } from '../../src/bot/order/order.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import { readTyped } from '../../src/bot/order/typed-order.ts';
import { attachedPicture } from '../../src/bot/pictures/pictures-of.ts';
import { indexOf } from '../../src/bot/pictures/stored-picture.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { field, line } from '../picture/remix.ts';
import { onePicture } from './one-picture.ts';

/** The one that is edited, and others that the words may speak of, too. */
const MOST_PICTURES = 4;

/** A picture edited by a sentence: a model that is shown it paints it anew, with up to three more to take from. */
export const reword: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const index = indexOf(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    if (job.result === null) throw new UserError(scene.text.notFinished);
    const editor = editorOf(await scene.engine.models(), job);
    if (editor === null) throw new UserError(scene.text.editing.noModel);
    await permitHere(interaction, scene);
    await scene.answer.modal(rewordForm(job, index, editor, scene.text));
  },

  async submit(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const picture = await onePicture(job, indexOf(id.detail, scene), interaction, scene);
    const model = editorOf(await scene.engine.models(), job);
    if (model === null) throw new UserError(scene.text.editing.noModel);
    await placeEdit(interaction, scene, {
      model,
      size: picture.size,
      pictures: [picture.png],
      parent: { job, kind: 'edit' },
      seenBy: seenLike(interaction),
    });
  },
};

type EditOrder = {
  model: ModelInfo;
  /** of the picture that is edited */
  size: ImageSize;
  /** that picture first, then others that the words may speak of; what is in Discord is fetched */
  pictures: readonly (Uint8Array | { url: string; size: number })[];
  parent: Parent;
  seenBy: SeenBy;
};

/** The words of the form and the pictures, those that were uploaded with it too, as an order. */
export async function placeEdit(
  interaction: ModalSubmitInteraction,
  scene: Scene,
  { model, size, pictures, parent, seenBy }: EditOrder,
): Promise<void> {
  const { text, limits } = scene;
  const typed = {
    ...NOTHING_CHOSEN,
    prompt: field(interaction, 'prompt', text).trim(),
    seed: field(interaction, 'seed', text).trim() || null,
  };
  const where = { guildId: interaction.guildId, defaults: {} };
  const { order, notes, template } = await readTyped(typed, scene, where);
  const ask = (references: readonly Uint8Array[]) => {
    const words = fieldsOf({ ...order, model: null, size: null }, model, text);
    const fitting = sizeFor(size, model, limits.pixels);
    return parseRequest({ ...fitting, ...words, count: 1, references }, model);
  };
  // Fetching takes its time; what can be refused before is refused before.
  limitsHold(ask([new Uint8Array(1)]), limits, text);
  // The form may be older than the models there are.
  const most = mostPictures(model);
  const all = [...pictures, ...uploadedIn(interaction)].slice(0, most);
  if (all.some((one) => !(one instanceof Uint8Array))) await scene.answer.acknowledge(seenBy);
  const references: Uint8Array[] = [];
  for (const one of all) {
    references.push(one instanceof Uint8Array ? one : (await attachedPicture(one, scene)).bytes);
  }
  await placeOrder(interaction, scene, ask(references), parent, seenBy, { notes, template });
}

/** None where the form did not ask for them: a model that takes one picture. */
function uploadedIn({ fields }: ModalSubmitInteraction): Iterable<Attachment> {
  return fields.fields.has('more') ? (fields.getUploadedFiles('more')?.values() ?? []) : [];
}

/** The model that painted it where that edits pictures, else the first that does; null: none here does. */
export function editorOf(models: readonly ModelInfo[], job: Job): ModelInfo | null {
  return editorAmong(models, readable(job).model);
}

/** The model of that name where it edits pictures, else the first that does; null: none here does. */
export function editorAmong(
  models: readonly ModelInfo[],
  preferred: string | undefined,
): ModelInfo | null {
  const editors = models.filter(({ references = 0 }) => references > 0);
  return editors.find(({ name }) => name === preferred) ?? editors[0] ?? null;
}

/** As the picture is, on the model's grid and no larger than may be painted here. */
function sizeFor({ width, height }: ImageSize, model: ModelInfo, pixels: number): ImageSize {
  const longest = LIMITS.side.max / Math.max(width, height);
  const fit = Math.min(1, longest, Math.sqrt(pixels / (width * height)));
  const grid = model.sizeFactor;
  const side = (length: number): number =>
    Math.max(LIMITS.side.min, Math.floor((length * fit) / grid) * grid);
  return { width: side(width), height: side(height) };
}

/** Pictures that an order to edit may show it. */
export function mostPictures({ references = 0 }: ModelInfo): number {
  return Math.min(references, MOST_PICTURES);
}

/**
 * Makes the form that asks how picture `index` (from 0) is to be changed. Its second start picture is offered only
 * where `editor` takes several.
 */
export function rewordForm(
  job: Job,
  index: number,
  editor: ModelInfo,
  text: Text,
): APIModalInteractionResponseCallbackData {
  const id = customId('reword', job.id, String(index));
  return sentenceForm(id, mostPictures(editor) - 1, text);
}

/** `more`: pictures that may be uploaded beside those that the form is about */
export function sentenceForm(
  id: string,
  more: number,
  text: Text,
): APIModalInteractionResponseCallbackData {
  return {
    custom_id: id,
    title: text.editing.title,
    components: [
      line('prompt', text.editing.words, '', true, true, undefined, text.editing.wordsHint),
      ...(more > 0 ? [moreUpload(more, text)] : []),
      line('seed', text.remixSeed, ''),
    ],
  };
}

function moreUpload(most: number, { editing }: Text): APILabelComponent {
  return {
    type: ComponentType.Label,
    label: editing.more,
    description: editing.moreHint(most),
    component: {
      type: ComponentType.FileUpload,
      custom_id: 'more',
      required: false,
      min_values: 0,
      max_values: most,
      file_types: ['image'],
    },
  };
}
