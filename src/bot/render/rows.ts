/** Buttons below what is no finished picture: jobs that wait or ended otherwise, lists, questions. */
import { ButtonStyle } from 'discord.js';
import type {
  APIButtonComponentWithCustomId,
  APIMessageTopLevelComponent,
  APISelectMenuOption,
} from 'discord.js';
import { customId } from '../interaction/custom-id.ts';
import type { Text } from '../text/text.ts';
import { button, row, select } from './controls.ts';

/** Makes the one button below a job that waits or runs. */
export function stopRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([button(customId('stop', jobId), text.buttonStop, ButtonStyle.Danger)]);
}

/** Makes the buttons below a job that has ended. `keep` is the picture (from 0) that can be kept; null: none can. */
export function againRow(
  jobId: string,
  text: Text,
  { mayDelete = true, keep = null }: { mayDelete?: boolean; keep?: number | null } = {},
): APIMessageTopLevelComponent {
  return row([
    ...(keep === null ? [] : [button(customId('keep', jobId, String(keep)), text.buttonKeep)]),
    button(customId('again', jobId), text.buttonAgain, ButtonStyle.Primary),
    button(customId('remix', jobId), text.buttonRemix),
    ...(mayDelete ? [button(customId('delete', jobId), text.buttonDelete)] : []),
  ]);
}

/** One button for each of a batch's pictures, five a row. */
export function numbersRow(
  action: string,
  jobId: string,
  count: number,
  detail: string,
): APIMessageTopLevelComponent[] {
  const buttons = Array.from({ length: Math.min(count, 9) }, (_, index) =>
    button(customId(action, jobId, `${index}-${detail}`), String(index + 1)),
  );
  return [buttons.slice(0, 5), buttons.slice(5)].filter((one) => one.length > 0).map(row);
}

/** A menu in a row of its own. */
export function selectRow(
  id: string,
  placeholder: string,
  options: readonly APISelectMenuOption[],
): APIMessageTopLevelComponent {
  return row([select(id, placeholder, [...options])]);
}

/** Opens a form that could not be Discord's first answer. */
export function formRow(id: string, text: Text): APIMessageTopLevelComponent {
  return row([button(id, text.buttonForm, ButtonStyle.Primary)]);
}

/** Makes the button that shows everybody what one person sees. */
export function showButton(jobId: string, text: Text): APIButtonComponentWithCustomId {
  return button(customId('show', jobId), text.buttonShow);
}

/** Makes a row of that button alone. */
export function showRow(jobId: string, text: Text): APIMessageTopLevelComponent {
  return row([showButton(jobId, text)]);
}

/** Ways to the neighbouring pages of a list; null when there is one page. */
export function pagesRow(
  jobId: string,
  page: number,
  last: boolean,
  text: Text,
  filter = 'a',
): APIMessageTopLevelComponent | null {
  const way = filter === 'a' ? '' : `-${filter}`;
  const buttons = [
    ...(page > 0
      ? [button(customId('recent', jobId, `p-${page - 1}${way}`), text.buttonNewer)]
      : []),
    ...(last ? [] : [button(customId('recent', jobId, `p-${page + 1}${way}`), text.buttonOlder)]),
  ];
  return buttons.length === 0 ? null : row(buttons);
}
