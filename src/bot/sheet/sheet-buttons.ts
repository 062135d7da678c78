import { ButtonStyle, ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Cell, SheetPlan } from '../../explore/sheet/plan.ts';
import { axisTitle, shownValue } from '../../explore/sheet/axis.ts';
import type { JobState } from '../../queue/job.ts';
import { customId } from '../interaction/custom-id.ts';
import { shorten } from '../render/markdown.ts';
import { type Growing } from './sheet-state.ts';
import { type Text } from '../text/text.ts';

/**
 * Makes the buttons below a sheet: to stop it while it grows; after that to delete it, to take one of its first 25
 * cells, to see all curves of a page.
 */
export function rowsOf(
  { order, state: { plan, painted }, jobs, extra }: Growing,
  state: JobState,
  text: Text,
): APIMessageTopLevelComponent[] {
  const jobId = jobs.at(-1)!.id;
  if (state.status === 'waiting' || state.status === 'running') {
    return [buttonRow([['sheet-stop', text.buttonStop]], jobId, ButtonStyle.Danger)];
  }
  const last: [string, string][] = [['sheet-delete', text.buttonDelete]];
  if (extra?.behind) last.unshift(['sheet-curves', text.sheet.allCurves]);
  const remove = buttonRow(last, jobId, ButtonStyle.Secondary);
  if (order.kind !== 'sheet' || painted.length === 0) return [remove];
  const options = painted.slice(0, 25).map(({ cell }) => ({
    label: shorten(cellLabel(plan, cell), 100),
    value: String(cell.index),
  }));
  return [
    {
      type: ComponentType.ActionRow,
      components: [
        {
          type: ComponentType.StringSelect,
          custom_id: customId('cell', jobId),
          placeholder: text.sheet.openCell,
          options,
        },
      ],
    },
    remove,
  ];
}

function buttonRow(
  buttons: readonly [action: string, label: string][],
  jobId: string,
  style: ButtonStyle.Danger | ButtonStyle.Secondary,
): APIMessageTopLevelComponent {
  return {
    type: ComponentType.ActionRow,
    components: buttons.map(([action, label]) => ({
      type: ComponentType.Button,
      custom_id: customId(action, jobId),
      label,
      style,
    })),
  };
}

/** `steps 20 · sampler euler` */
export function cellLabel({ x, y, z }: SheetPlan, { column, row, page }: Cell): string {
  const places = [
    [x, column],
    [y, row],
    [z, page],
  ] as const;
  return places
    .flatMap(([axis, at]) =>
      axis === null ? [] : [`${axisTitle(axis)} ${shownValue(axis.values[at] ?? '')}`],
    )
    .join(' · ');
}
