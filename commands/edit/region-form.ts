import { ComponentType } from 'discord.js';
import type { APILabelComponent, ModalSubmitInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { limitsHold } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { fitMask } from '../../src/bot/pictures/masks.ts';
import type { FittedMask } from '../../src/bot/pictures/masks.ts';
import { attachedPicture } from '../../src/bot/pictures/pictures-of.ts';
import { maskOf } from '../../src/bot/pictures/region.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { field, line, negativeLine, painterOf, wordsBefore, wordsOf } from '../picture/remix.ts';
import { onePicture } from './one-picture.ts';
import type { OnePicture } from './one-picture.ts';
import { decodeState } from './region.ts';

/** Most of what was there goes, and what is around it can still be seen through. */
const USUAL_STRENGTH = '0.8';
/** A1111's; the other programs have none. */
const A1111_BLUR = 4;

/** The words for a part of a picture, how much it may change, and a mask that was drawn elsewhere. */
export const regionForm: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const { text } = scene;
    decodeState(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    const { prompt, negativePrompt } = wordsBefore(job);
    await scene.answer.modal({
      custom_id: customId('region-form', job.id, id.detail ?? ''),
      title: text.region.formTitle,
      components: [
        line('prompt', text.remixPrompt, prompt, true, true),
        ...negativeLine(negativePrompt, await painterOf(job, scene), text),
        line('strength', text.region.strength, USUAL_STRENGTH, false, true),
        maskUpload(text),
        areaChoice(text),
      ],
    });
  },

  async submit(interaction, id, scene) {
    const state = decodeState(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    const picture = await onePicture(job, state.index, interaction, scene);
    const file = interaction.fields.getUploadedFiles('mask')?.first();
    // Fetching takes its time; what can be refused before is refused before.
    if (file === undefined && (await maskOf(state.region, picture.size)) === null) {
      throw new UserError(scene.text.regionNothing);
    }
    await ask(interaction, scene, picture, null);
    if (file !== undefined) await scene.answer.acknowledge(state.seenBy);
    const mask =
      file === undefined
        ? await maskOf(state.region, picture.size)
        : await fitMask((await attachedPicture(file, scene)).bytes, picture.size, scene.text);
    if (mask === null) throw new UserError(scene.text.regionNothing);
    const { request, told } = await ask(interaction, scene, picture, mask);
    const parent = { job, kind: 'region' as const };
    await placeOrder(interaction, scene, request, parent, state.seenBy, told);
  },
};

/** The order that the form means. @throws UserError for a field that is none */
async function ask(
  interaction: ModalSubmitInteraction,
  scene: Scene,
  { job, png, size, model: own, fields }: OnePicture,
  mask: FittedMask | null,
) {
  const { words, notes, template } = await wordsOf(interaction, job, scene);
  const onlyMasked = interaction.fields.getRadioGroup('area') === 'only';
  const request = parseRequest(
    {
      ...fields,
      variation: null,
      ...words,
      model: own.name,
      // The part is painted into this very picture.
      width: size.width,
      height: size.height,
      count: 1,
      hires: null,
      init: {
        image: png,
        strength: field(interaction, 'strength', scene.text).trim().replace(',', '.'),
        mask: mask?.bytes ?? null,
        maskBlur: fields.profile === 'a1111' ? A1111_BLUR : 0,
        onlyMasked,
        coverage: mask?.coverage,
      },
    },
    own,
  );
  limitsHold(request, scene.limits, scene.text);
  return { request, told: { notes, template } };
}

function maskUpload({ region }: Text): APILabelComponent {
  return {
    type: ComponentType.Label,
    label: region.mask,
    description: region.maskHint,
    component: {
      type: ComponentType.FileUpload,
      custom_id: 'mask',
      required: false,
      min_values: 0,
      max_values: 1,
      file_types: ['image'],
    },
  };
}

function areaChoice({ region }: Text): APILabelComponent {
  return {
    type: ComponentType.Label,
    label: region.area,
    component: {
      type: ComponentType.RadioGroup,
      custom_id: 'area',
      required: true,
      options: (['whole', 'only'] as const).map((value) => ({
        label: region.areas[value],
        value,
        default: value === 'whole',
      })),
    },
  };
}
