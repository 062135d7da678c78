import { ApplicationCommandOptionType } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../src/engine/errors.ts';
import { readImageSize } from '../src/engine/picture/image.ts';
import { usualMaskBlur } from '../src/engine/request-codec.ts';
import type { Command, Scene } from '../src/bot/interaction/command.ts';
import { isUserInstalled } from '../src/bot/interaction/user-installed.ts';
import { autoOf, completeOrder } from '../src/bot/order/options.ts';
import type { Order } from '../src/bot/order/options.ts';
import { checkMayPost, noteOf, placeOrder } from '../src/bot/order/order.ts';
import type { SeenBy } from '../src/bot/order/order.ts';
import { fitMask } from '../src/bot/pictures/masks.ts';
import { attachedPicture } from '../src/bot/pictures/pictures-of.ts';
import { readTyped } from '../src/bot/order/typed-order.ts';
import { findPreset } from '../src/bot/stores/presets.ts';
import { PICTURE_OPTIONS, stepsOf, typedOptionsOf } from './personal/picture-options.ts';
import { completeChoice } from './personal/picture-choices.ts';
import { presetChoices } from './personal/presets.ts';
import { again, reroll } from './picture/reroll.ts';
import { discard } from './picture/discard.ts';
import { fromPicture } from './picture/from-picture.ts';
import { init } from './picture/init.ts';
import { original } from './picture/original.ts';
import { recipe } from './picture/recipe.ts';
import { remix } from './picture/remix.ts';
import { remove } from './picture/delete.ts';
import { stop } from './picture/stop.ts';
import { which } from './apps/which.ts';
import { keep } from './edit/keep.ts';
import { post } from './edit/post.ts';
import { redo } from './edit/redo.ts';
import { region, regionPart } from './edit/region.ts';
import { rewordFound } from './edit/reword-found.ts';
import { reword } from './edit/reword.ts';
import { regionForm } from './edit/region-form.ts';
import { use } from './edit/use.ts';
import { zoom } from './edit/zoom.ts';
import { upscale } from './picture/upscale.ts';
import { vary } from './picture/vary.ts';
import { EVERYWHERE } from './places.ts';

const { String: Text, Boolean: Switch, Attachment } = ApplicationCommandOptionType;

/** Twenty-five options, which is all that Discord allows. */
export const imagine: Command = {
  visibility: (interaction, scene) => seenBy(interaction, scene),
  definition: {
    name: 'imagine',
    description: 'Paint a picture from words',
    ...EVERYWHERE,
    options: [
      {
        type: Text,
        name: 'prompt',
        description: 'What should be in the picture',
        required: true,
      },
      PICTURE_OPTIONS.negative,
      {
        type: Text,
        name: 'preset',
        description: 'A set of options that this server keeps ready',
        autocomplete: true,
        max_length: 100,
      },
      PICTURE_OPTIONS.model,
      PICTURE_OPTIONS.size,
      PICTURE_OPTIONS.count,
      PICTURE_OPTIONS.steps,
      PICTURE_OPTIONS.cfg,
      PICTURE_OPTIONS.sampler,
      PICTURE_OPTIONS.schedule,
      PICTURE_OPTIONS.seed,
      { type: Attachment, name: 'image', description: 'A picture to start from' },
      PICTURE_OPTIONS.strength,
      {
        type: Attachment,
        name: 'mask',
        description: 'White where the start picture is repainted, black where it stays',
      },
      PICTURE_OPTIONS.maskBlur,
      PICTURE_OPTIONS.onlyMasked,
      PICTURE_OPTIONS.clipSkip,
      PICTURE_OPTIONS.hires,
      PICTURE_OPTIONS.hiresStrength,
      PICTURE_OPTIONS.variation,
      PICTURE_OPTIONS.variationSeed,
      PICTURE_OPTIONS.rescale,
      PICTURE_OPTIONS.profile,
      PICTURE_OPTIONS.extra,
      { type: Switch, name: 'private', description: 'Only you see the reply' },
    ],
  },

  async run(interaction, scene) {
    const seen = seenBy(interaction, scene);
    const { options, guildId } = interaction;
    const [models, server, presets] = await Promise.all([
      scene.engine.models(),
      scene.settings.defaults(guildId),
      scene.presets.list(guildId),
    ]);
    const named = options.getString('preset');
    const preset = named === null ? null : findPreset(presets, named, scene.text);
    const defaults = { ...server, ...scene.own.choices, ...preset?.choices };
    const typed = orderOf(interaction, scene);
    const read = await readTyped(typed, scene, { guildId, defaults, preset });
    const { order, notes, template } = read;
    const complete = () => completeOrder(order, { ...scene, models, defaults });
    if (needsFiles(interaction, scene)) {
      // What can be refused without the files is refused before they are fetched.
      complete();
      if (seen === 'public') checkMayPost(interaction, scene);
      await scene.answer.acknowledge(seen);
      order.init = await initOf(interaction, order, scene);
    }
    const request = complete();
    const auto = autoOf(order, request, { ...scene, models, defaults });
    const told = { auto: auto && noteOf(auto), notes, template };
    await placeOrder(interaction, scene, request, null, seen, told);
  },

  async autocomplete(interaction, scene) {
    if (interaction.options.getFocused(true).name === 'preset') {
      return presetChoices(interaction, scene);
    }
    return (await completeChoice(interaction, scene)) ?? [];
  },

  actions: {
    reroll,
    again,
    vary,
    upscale,
    use,
    zoom,
    redo,
    post,
    region,
    'region-part': regionPart,
    'region-form': regionForm,
    reword,
    'reword-found': rewordFound,
    keep,
    which,
    init,
    'from-picture': fromPicture,
    remix,
    recipe,
    original,
    stop,
    discard,
    delete: remove,
  },
};

function seenBy(interaction: ChatInputCommandInteraction, { own }: Scene): SeenBy {
  const { options } = interaction;
  return isUserInstalled(interaction) || (options.getBoolean('private') ?? own.private)
    ? 'private'
    : 'public';
}

/** @throws UserError for options that say something of a start picture where there is none */
function needsFiles({ options }: ChatInputCommandInteraction, { text }: Scene): boolean {
  if (options.getAttachment('image') !== null) return true;
  const lonely = ['mask', 'strength', 'mask_blur', 'only_masked'].find(
    (name) => options.get(name) !== null,
  );
  if (lonely !== undefined) throw new UserError(text.imageMissing(lonely));
  return false;
}

async function initOf(
  { options }: ChatInputCommandInteraction,
  { strength = null, maskBlur, onlyMasked, profile = null }: Order,
  scene: Scene,
): Promise<NonNullable<Order['init']>> {
  const mask = options.getAttachment('mask');
  const start = await attachedPicture(options.getAttachment('image', true), scene);
  const fitted =
    mask === null
      ? null
      : await fitMask(
          (await attachedPicture(mask, scene)).bytes,
          // A very large picture is kept smaller than it came.
          await readImageSize(start.bytes),
          scene.text,
        );
  return {
    image: start.bytes,
    size: start.size,
    mask: fitted?.bytes ?? null,
    ...(fitted && { coverage: fitted.coverage }),
    strength,
    maskBlur: maskBlur ?? usualMaskBlur(profile),
    onlyMasked: onlyMasked ?? false,
  };
}

function orderOf(interaction: ChatInputCommandInteraction, { text }: Scene): Order {
  const { options } = interaction;
  return {
    ...typedOptionsOf(interaction),
    prompt: options.getString('prompt', true),
    steps: stepsOf(options.getString('steps'), text),
  };
}
