import { ComponentType } from 'discord.js';
import type { APILabelComponent, APIModalInteractionResponseCallbackData } from 'discord.js';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, parseRequest } from '../../src/engine/request-codec.ts';
import type { ImageSize, ModelInfo } from '../../src/engine/request.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { NOTHING_CHOSEN, fieldsOf, limitsHold } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder, seenLike } from '../../src/bot/order/order.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import { readTyped } from '../../src/bot/order/typed-order.ts';
import { attachedPicture } from '../../src/bot/pictures/pictures-of.ts';
import { indexOf } from '../../src/bot/pictures/stored-picture.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { field, line } from '../picture/remix.ts';
import { onePicture } from './one-picture.ts';

/** Pictures beside the one that is edited, which the words may speak of, too. */
const MOST_MORE = 3;

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
    const { text, engine, limits } = scene;
    const job = await jobOf(id, interaction, scene);
    const picture = await onePicture(job, indexOf(id.detail, scene), interaction, scene);
    const model = editorOf(await engine.models(), job);
    if (model === null) throw new UserError(text.editing.noModel);
    const typed = {
      ...NOTHING_CHOSEN,
      prompt: field(interaction, 'prompt', text).trim(),
      seed: field(interaction, 'seed', text).trim() || null,
    };
    const where = { guildId: interaction.guildId, defaults: {} };
    const { order, notes, template } = await readTyped(typed, scene, where);
    const ask = (references: readonly Uint8Array[]) => {
      const size = sizeFor(picture.size, model, limits.pixels);
      const words = fieldsOf({ ...order, model: null, size: null }, model, text);
      return parseRequest({ ...size, ...words, count: 1, references }, model);
    };
    // Fetching takes its time; what can be refused before is refused before.
    limitsHold(ask([picture.png]), limits, text);
    // The form may be older than the models there are.
    const files = takesMore(model)
      ? [...(interaction.fields.getUploadedFiles('more')?.values() ?? [])]
      : [];
    if (files.length > 0) await scene.answer.acknowledge(seenLike(interaction));
    const references = [picture.png];
    for (const file of files.slice(0, MOST_MORE)) {
      references.push((await attachedPicture(file, scene)).bytes);
    }
    const parent = { job, kind: 'edit' as const };
    const told = { notes, template };
    await placeOrder(interaction, scene, ask(references), parent, seenLike(interaction), told);
  },
};

/** The model that painted it where that edits pictures, else the first that does; null: none here does. */
export function editorOf(models: readonly ModelInfo[], job: Job): ModelInfo | null {
  const editors = models.filter(({ references = 0 }) => references > 0);
  return editors.find(({ name }) => name === readable(job).model) ?? editors[0] ?? null;
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

/** Beside the one that is edited. */
function takesMore({ references = 0 }: ModelInfo): boolean {
  return references > MOST_MORE;
}

export function rewordForm(
  job: Job,
  index: number,
  editor: ModelInfo,
  text: Text,
): APIModalInteractionResponseCallbackData {
  return {
    custom_id: customId('reword', job.id, String(index)),
    title: text.editing.title,
    components: [
      line('prompt', text.editing.words, '', true, true, undefined, text.editing.wordsHint),
      ...(takesMore(editor) ? [moreUpload(text)] : []),
      line('seed', text.remixSeed, ''),
    ],
  };
}

function moreUpload({ editing }: Text): APILabelComponent {
  return {
    type: ComponentType.Label,
    label: editing.more,
    description: editing.moreHint,
    component: {
      type: ComponentType.FileUpload,
      custom_id: 'more',
      required: false,
      min_values: 0,
      max_values: MOST_MORE,
      file_types: ['image'],
    },
  };
}
