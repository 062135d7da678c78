import { ButtonStyle, ComponentType } from 'discord.js';
import type {
  APIButtonComponentWithCustomId,
  APIMessageTopLevelComponent,
  APISelectMenuOption,
  APIStringSelectComponent,
} from 'discord.js';
import { customId } from '../interaction/custom-id.ts';
import type { Text } from '../text/text.ts';

function button(
  id: string,
  label: string,
  style: ButtonStyle.Primary | ButtonStyle.Secondary | ButtonStyle.Danger = ButtonStyle.Secondary,
): APIButtonComponentWithCustomId {
  return { type: ComponentType.Button, custom_id: id, label, style };
}

function row(
  components: (APIButtonComponentWithCustomId | APIStringSelectComponent)[],
): APIMessageTopLevelComponent {
  return { type: ComponentType.ActionRow, components };
}

export function stopRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([button(customId('stop', jobId), text.buttonStop, ButtonStyle.Danger)]);
}

export function againRow(
  jobId: string,
  text: Text,
  { mayDelete } = { mayDelete: true },
): APIMessageTopLevelComponent {
  return row([
    button(customId('again', jobId), text.buttonAgain, ButtonStyle.Primary),
    button(customId('remix', jobId), text.buttonRemix),
    ...(mayDelete ? [button(customId('delete', jobId), text.buttonDelete)] : []),
  ]);
}

/** One picture has its own actions as buttons; a batch has menus, which hold nine pictures as well as two. */
export function doneRows(
  jobId: string,
  count: number,
  text: Text,
  { reduced, mayDelete } = { reduced: false, mayDelete: true },
): APIMessageTopLevelComponent[] {
  const common = [
    button(customId('reroll', jobId), text.buttonReroll, ButtonStyle.Primary),
    button(customId('remix', jobId), text.buttonRemix),
    button(customId('recipe', jobId), text.buttonRecipe),
    ...(mayDelete ? [button(customId('delete', jobId), text.buttonDelete)] : []),
    ...(reduced ? [button(customId('original', jobId), text.buttonOriginal)] : []),
  ];
  if (count === 0) return [row(common)];
  if (count === 1) {
    return [
      row([
        button(customId('vary', jobId, '0-subtle'), text.buttonVarySubtle),
        button(customId('vary', jobId, '0-strong'), text.buttonVaryStrong),
        button(customId('upscale', jobId, '0'), text.buttonUpscale),
        button(customId('init', jobId, '0'), text.buttonInit),
      ]),
      row(common),
    ];
  }
  const pictures = Array.from({ length: Math.min(count, 9) }, (_, index) => index);
  const variations = pictures.flatMap((index) => [
    { label: text.varyOption(index + 1, false), value: `${index}-subtle` },
    { label: text.varyOption(index + 1, true), value: `${index}-strong` },
  ]);
  const uses = pictures.flatMap((index) => [
    { label: text.useOption(index + 1, true), value: `${index}-upscale` },
    { label: text.useOption(index + 1, false), value: `${index}-init` },
  ]);
  return [
    row([select(customId('vary', jobId), text.chooseVariation, variations)]),
    row([select(customId('use', jobId), text.chooseUse, uses)]),
    row(common),
  ];
}

function select(
  id: string,
  placeholder: string,
  options: APISelectMenuOption[],
): APIStringSelectComponent {
  return { type: ComponentType.StringSelect, custom_id: id, placeholder, options };
}

/** Opens a form that could not be Discord's first answer. */
export function formRow(id: string, text: Text): APIMessageTopLevelComponent {
  return row([button(id, text.buttonForm, ButtonStyle.Primary)]);
}

/** Under a picture that was made larger from a job's own. */
export function enlargedRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([
    button(customId('recipe', jobId), text.buttonRecipe),
    button(customId('discard', jobId), text.buttonDelete),
  ]);
}

export function showButton(jobId: string, text: Text): APIButtonComponentWithCustomId {
  return button(customId('show', jobId), text.buttonShow);
}

export function showRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([showButton(jobId, text)]);
}

/** Ways to the neighbouring pages of a list; null when there is one page. */
export function pagesRow(
  jobId: string,
  page: number,
  last: boolean,
  text: Text,
): APIMessageTopLevelComponent | null {
  const buttons = [
    ...(page > 0 ? [button(customId('recent', jobId, `p-${page - 1}`), text.buttonNewer)] : []),
    ...(last ? [] : [button(customId('recent', jobId, `p-${page + 1}`), text.buttonOlder)]),
  ];
  return buttons.length === 0 ? null : row(buttons);
}
