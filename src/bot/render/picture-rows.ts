/** Buttons and menus below finished pictures: what can be made of each of them. */
import { ButtonStyle } from 'discord.js';
import type { APIButtonComponentWithCustomId, APIMessageTopLevelComponent } from 'discord.js';
import { customId } from '../interaction/custom-id.ts';
import type { Text } from '../text/text.ts';
import { button, row, select } from './controls.ts';

/** So many pictures have a U and a V of their own. */
const ONE_PRESS = 4;

/** of a menu, by Discord */
const MOST_OPTIONS = 25;

/** What a menu under a picture can do, by the values of its options: `<index>-<use>`. */
export const USES = [
  'strong',
  'region',
  'redo',
  'upscale',
  'init',
  'edit',
  'post',
  'star',
  'show',
] as const;
export type Use = (typeof USES)[number];

export type DoneView = {
  /** shown as a smaller copy: the original is a press away */
  reduced: boolean;
  mayDelete: boolean;
  /** only one person sees the message: what is in it can be shown to everybody */
  hidden?: boolean;
};

/** One picture has everything as buttons; a batch of four U and V as elsewhere; larger ones menus. */
export function doneRows(
  jobId: string,
  count: number,
  text: Text,
  { reduced, mayDelete, hidden = false }: DoneView = { reduced: false, mayDelete: true },
): APIMessageTopLevelComponent[] {
  const again = [
    button(customId('reroll', jobId), text.buttonReroll, ButtonStyle.Primary),
    button(customId('remix', jobId), text.buttonRemix),
  ];
  const recipe = button(customId('recipe', jobId), text.buttonRecipe);
  const remove = mayDelete ? [button(customId('delete', jobId), text.buttonDelete)] : [];
  const whole = [
    ...remove,
    ...(reduced ? [button(customId('original', jobId), text.buttonOriginal)] : []),
  ];
  if (count === 0) return [row([...again, recipe, ...whole])];
  if (count === 1) {
    const first = [...again, ...varyButtons(jobId, 0, text), recipe];
    return [row(first), ...onwardRows(jobId, 0, text, whole), moreRow(jobId, [0], hidden, text)];
  }
  const pictures = Array.from({ length: Math.min(count, 9) }, (_, index) => index);
  const more = moreRow(jobId, pictures, hidden, text);
  if (count > ONE_PRESS) {
    const variations = pictures.flatMap((index) => [
      { label: text.varyOption(index + 1, false), value: `${index}-subtle` },
      { label: text.varyOption(index + 1, true), value: `${index}-strong` },
    ]);
    const vary = select(customId('vary', jobId), text.chooseVariation, variations);
    return [row([vary]), more, row([...again, recipe, ...whole])];
  }
  const each = (action: string, detail: string, label: (picture: number) => string) =>
    pictures.map((index) => button(customId(action, jobId, `${index}${detail}`), label(index + 1)));
  return [
    row(each('upscale', '', text.buttonU)),
    row(each('vary', '-subtle', text.buttonV)),
    more,
    row([...again, recipe, ...whole]),
  ];
}

/** Under a copy of one of a job's pictures in a message of its own: all that can be made of it. */
export function copyRows(jobId: string, index: number, text: Text): APIMessageTopLevelComponent[] {
  const first = [
    ...varyButtons(jobId, index, text),
    button(customId('remix', jobId), text.buttonRemix),
    button(customId('recipe', jobId), text.buttonRecipe),
  ];
  const discard = button(customId('discard', jobId), text.buttonDelete);
  return [row(first), ...onwardRows(jobId, index, text, [discard])];
}

/** Under one cell of a sheet, which only one person sees. */
export function cellRow(jobId: string, index: number, text: Text): APIMessageTopLevelComponent {
  return row([
    button(customId('post', jobId, String(index)), text.uses.post),
    ...varyButtons(jobId, index, text),
    button(customId('redo', jobId, String(index)), text.buttonRedo),
    button(customId('init', jobId, String(index)), text.buttonInit),
  ]);
}

function varyButtons(jobId: string, index: number, text: Text): APIButtonComponentWithCustomId[] {
  return [
    button(customId('vary', jobId, `${index}-subtle`), text.buttonVary),
    button(customId('region', jobId, String(index)), text.buttonRegion),
  ];
}

/** From one picture to the next: larger, further out, to one side. `last`: at most one more button in the last row */
function onwardRows(
  jobId: string,
  index: number,
  text: Text,
  whole: readonly APIButtonComponentWithCustomId[],
): APIMessageTopLevelComponent[] {
  const one = (action: string, detail: string, label: string) =>
    button(customId(action, jobId, `${index}${detail}`), label);
  const [last, ...others] = whole;
  return [
    row([
      one('zoom', '-15', text.buttonZoom('1.5x')),
      one('zoom', '-20', text.buttonZoom('2x')),
      one('redo', '', text.buttonRedo),
      one('upscale', '', text.buttonEnlarge),
      one('init', '', text.buttonInit),
    ]),
    row([
      ...(['left', 'up', 'down', 'right'] as const).map((side) =>
        one('zoom', `-${side}`, text.buttonPan[side]),
      ),
      ...(last === undefined ? [] : [last]),
    ]),
    ...(others.length === 0 ? [] : [row([...others])]),
  ];
}

function moreRow(
  jobId: string,
  pictures: readonly number[],
  hidden: boolean,
  text: Text,
): APIMessageTopLevelComponent {
  const uses: readonly Use[] =
    pictures.length === 1
      ? ['strong', 'edit', 'star', 'show']
      : pictures.length <= ONE_PRESS
        ? ['strong', 'region', 'redo', 'upscale', 'init']
        : ['upscale', 'init'];
  const options = pictures.flatMap((index) =>
    uses.map((use) => ({
      label: pictures.length === 1 ? text.uses[use] : text.useOption(index + 1, text.uses[use]),
      value: `${index}-${use}`,
    })),
  );
  const posts = pictures.map((index) => ({
    label: pictures.length === 1 ? text.uses.post : text.useOption(index + 1, text.uses.post),
    value: `${index}-post`,
  }));
  const all = hidden ? [...posts, ...options] : options;
  const placeholder = pictures.length === 1 ? text.chooseMore : text.chooseUse;
  return row([select(customId('use', jobId), placeholder, all.slice(0, MOST_OPTIONS))]);
}
