import { ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { escapeMarkdown, plainLine, quoted, shorten } from '../../src/bot/render/markdown.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';
import { ALT_TEXT_LIMIT, paragraph, type Rendered } from '../../src/bot/render/render.ts';
import { selectRow } from '../../src/bot/render/rows.ts';
import { fromContext, messageUrl } from '../../src/bot/reply/reply-address.ts';
import { chainOf } from '../../src/bot/sheet/sheet-chain.ts';
import { cellLabel } from '../../src/bot/sheet/sheet-buttons.ts';
import { keptPages, oneRowEach } from '../../src/bot/sheet/sheet-rows.ts';
import { subtitleOf, variedIn } from '../../src/explore/curve/report.ts';
import { groupsOf, readSheetContext, REPORT, withStart } from '../../src/explore/sheet/order.ts';
import type { SheetPlan } from '../../src/explore/sheet/plan.ts';
import type { Job } from '../../src/queue/job.ts';
import { drawnKey } from '../../src/queue/pictures.ts';

const MOST_OPTIONS = 25;

/**
 * A sheet whole, for the person who asks for its last job: its pages as they were kept, and its cells to be opened. Null
 * where none were kept, for its other jobs and for evolutions: those are pictures as any.
 */
export async function sheetRecord(job: Job, scene: Scene): Promise<Rendered | null> {
  const { archive, pictures, text } = scene;
  if (readSheetContext(job.context)?.order.kind === 'evolution') return null;
  const jobs = (await chainOf(job, archive)).toReversed();
  const { sheets } = oneRowEach(jobs, text);
  const row = sheets.get(job.id);
  const plan = await planOf(job, scene);
  const pages = await keptPages(jobs, pictures);
  const files = pages.map((data, at) => ({
    name: `sheet-${at + 1}.webp`,
    data,
    contentType: 'image/webp',
    description: shorten(
      text.sheet.alt(row?.about ?? '', plainLine(row?.prompt ?? '')),
      ALT_TEXT_LIMIT,
    ),
  }));
  const page = await keptReport(jobs, pictures);
  if (pages.length === 0 && page === null) return null;
  const address = fromContext(job.context);
  const url = address === null ? null : messageUrl(address);
  const lines = [
    text.showTitle(job.id),
    text.showFor(`<@${job.userId}>`, `<t:${Math.floor(job.createdAt / 1000)}:f>`),
    `> ${quoted(row?.prompt ?? '', 600) || text.emptyPrompt}`,
    `-# ${escapeMarkdown(plainLine(row?.about ?? ''))}`,
    ...(plan === null
      ? []
      : [`-# ${escapeMarkdown(plainLine(subtitleOf(plan.base, variedIn(plan))))}`]),
    ...(url === null ? [] : [`-# ${text.showMessage(url)}`]),
  ];
  const galleries = files.map(({ name, description }): APIMessageTopLevelComponent => ({
    type: ComponentType.MediaGallery,
    items: [{ media: { url: `attachment://${name}` }, description }],
  }));
  const options = (plan?.cells ?? []).slice(0, MOST_OPTIONS).map((cell) => ({
    label: shorten(cellLabel(plan as SheetPlan, cell), 100),
    value: String(cell.index),
  }));
  const open =
    options.length === 0 ? [] : [selectRow(customId('cell', job.id), text.sheet.openCell, options)];
  const components = [paragraph(lines), ...galleries, ...open];
  if (page === null) return { components, files };
  const file = { name: REPORT, data: page, contentType: 'text/html', description: '' };
  const download = { type: ComponentType.File as const, file: { url: `attachment://${REPORT}` } };
  return { components: [...components, download], files: [...files, file] };
}

async function keptReport(
  jobs: readonly Job[],
  pictures: Scene['pictures'],
): Promise<Uint8Array | null> {
  for (const { id, result } of jobs) {
    const key = drawnKey(id, REPORT);
    const page = result?.drawn?.includes(key) === true ? await pictures.get(key) : null;
    if (page !== null) return page;
  }
  return null;
}

/** Null where its model is gone, or it has no cells to open. */
async function planOf(job: Job, scene: Scene): Promise<SheetPlan | null> {
  const found = readSheetContext(job.context);
  if (found === null || found.order.kind !== 'sheet') return null;
  try {
    const order = withStart(found.order, await requestOf(job, scene));
    return groupsOf(order, await scene.engine.models()).plan;
  } catch {
    return null;
  }
}
