import { ComponentType } from 'discord.js';
import type { APILabelComponent, APIModalInteractionResponseCallbackData } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { AUTO_STEPS } from '../../src/bot/order/choices.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import type { FoundPictures } from '../../src/bot/pictures/found-pictures.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { autoOf, completeOrder, NOTHING_CHOSEN } from '../../src/bot/order/options.ts';
import { readTyped } from '../../src/bot/order/typed-order.ts';
import { sizeOfRatio } from '../../src/bot/order/sizes.ts';
import type { Order } from '../../src/bot/order/options.ts';
import { noteOf, placeOrder } from '../../src/bot/order/order.ts';
import { attachedPicture } from '../../src/bot/pictures/pictures-of.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { stepsOf } from '../personal/picture-options.ts';
import { field, line, negativeLine, negativeTyped } from './remix.ts';

/** The form belongs to a message of somebody, not to a job. */
export const NO_JOB = '000000000000';
const NO_START = 'none';
/** how much of the start picture is repainted */
const STRENGTHS = [0.35, 0.6, 0.8] as const;
const USUAL = 0.6;
/** three strengths each and "none" come to the 25 entries of a select */
const PICTURES_OFFERED = 8;

/** A form with words and main options for pictures that do not say how they were made. */
export const fromPicture: Action = {
  visibility: 'public',
  async press(interaction, { detail }, scene) {
    const found = await foundOf(interaction.user.id, detail, scene);
    await scene.answer.modal(await formFor(found, interaction.guildId, scene));
  },
  async submit(interaction, { detail }, scene) {
    const { text, own } = scene;
    const found = await foundOf(interaction.user.id, detail, scene);
    const typed = (name: string) => field(interaction, name, text).trim();
    const start = startOf(interaction.fields.getStringSelectValues('start')[0], found, text);
    const seenBy = own.private || found.hidden ? 'private' : 'public';
    const [models, server] = await Promise.all([
      scene.engine.models(),
      scene.settings.defaults(interaction.guildId),
    ]);
    const defaults = { ...server, ...own.choices, count: 1 };
    const typedOrder: Order = {
      ...NOTHING_CHOSEN,
      prompt: typed('prompt'),
      negative: negativeTyped(interaction),
      steps: stepsOf(typed('steps'), text),
      size: typed('size') || null,
    };
    const read = await readTyped(typedOrder, scene, { guildId: interaction.guildId, defaults });
    const { order, notes, template } = read;
    const complete = () => completeOrder(order, { ...scene, models, defaults });
    // What can be refused without the picture is refused before it is fetched.
    complete();
    if (start !== null) {
      await scene.answer.acknowledge(seenBy);
      const { bytes, size } = await attachedPicture({ url: start.url, size: 0 }, scene);
      const { strength } = start;
      order.init = { image: bytes, size, mask: null, strength, maskBlur: 0, onlyMasked: false };
    }
    const request = complete();
    const parent = { url: found.messageUrl, kind: 'reimagine' as const };
    const auto = autoOf(order, request, { ...scene, models, defaults });
    const told = { auto: auto && noteOf(auto), notes, template };
    await placeOrder(interaction, scene, request, parent, seenBy, told);
  },
};

/** The id of the button that opens the form later, and of the form. */
export function fromPictureId({ messageId }: Pick<FoundPictures, 'messageId'>): string {
  return customId('from-picture', NO_JOB, messageId);
}

/**
 * Makes the form to paint from posted pictures, filled with what their recipe says, else with the person's and the
 * server's defaults.
 */
export async function formFor(
  found: FoundPictures,
  guildId: string | null,
  { engine, settings, own, text }: Scene,
): Promise<APIModalInteractionResponseCallbackData> {
  const [models, server] = await Promise.all([engine.models(), settings.defaults(guildId)]);
  const defaults = { ...server, ...own.choices };
  const model = chooseModel(models, null, defaults, text);
  const { width, height } = found.pictures[0]?.size ?? model.nativeSize;
  const size = sizeOfRatio(model, width / height);
  const steps = defaults.steps ?? model.defaults.steps;
  const { words } = found;
  return {
    custom_id: fromPictureId(found),
    title: text.fromPictureTitle,
    components: [
      line('prompt', text.remixPrompt, words?.prompt ?? '', true, true),
      ...negativeLine(words?.negative ?? defaults.negative ?? '', model, text),
      startSelect(found.pictures.length, text),
      line('size', text.fromPictureSize, words?.size || `${size.width}x${size.height}`),
      line(
        'steps',
        text.remixSteps,
        words?.steps || (steps === AUTO_STEPS ? text.auto : String(steps)),
      ),
    ],
  };
}

function startSelect(pictures: number, text: Text): APILabelComponent {
  const offered = Array.from({ length: Math.min(pictures, PICTURES_OFFERED) }, (_, index) => index);
  const starts = offered.flatMap((index) =>
    STRENGTHS.map((strength) => ({
      label: text.fromPictureStart(pictures > 1 ? index + 1 : null, strength),
      value: `${index}-${strength}`,
      default: index === 0 && strength === USUAL,
    })),
  );
  return {
    type: ComponentType.Label,
    label: text.remixStart,
    component: {
      type: ComponentType.StringSelect,
      custom_id: 'start',
      options: [...starts, { label: text.fromPictureShape, value: NO_START }],
    },
  };
}

function startOf(
  chosen: string | undefined,
  { pictures }: FoundPictures,
  text: Text,
): { url: string; strength: number } | null {
  if (chosen === NO_START) return null;
  const [index = '', told = ''] = chosen?.split('-') ?? [];
  const picture = /^\d$/.test(index) ? pictures[Number(index)] : undefined;
  const strength = STRENGTHS.find((one) => String(one) === told);
  if (picture === undefined || strength === undefined) throw new UserError(text.formIncomplete);
  return { url: picture.url, strength };
}

/** @throws UserError when the person pointed at another message since */
export async function foundOf(
  userId: string,
  messageId: string | null,
  { found, text }: Scene,
): Promise<FoundPictures> {
  const known = await found.of(userId, messageId ?? '');
  if (known === null) throw new UserError(text.fromPictureGone);
  return known;
}
