import { ComponentType } from 'discord.js';
import { wordsOf } from '../../engine/said.ts';
import type { APIMessageTopLevelComponent } from 'discord.js';
import { secondsWords } from '../../explore/curve/curve.ts';
import { REPORT } from '../../explore/sheet/order.ts';
import type { Cell } from '../../explore/sheet/plan.ts';
import { axisTitle } from '../../explore/sheet/axis.ts';
import { subtitleOf, variedIn } from '../../explore/curve/report.ts';
import type { JobState } from '../../queue/job.ts';
import { escapeMarkdown, plainLine, quoted, shorten } from '../render/markdown.ts';
import { fromContext } from '../reply/reply-address.ts';
import { type MessageFile, type Rendered } from '../render/render.ts';
import {
  failureText,
  noteLines,
  placeWords,
  progressWords,
  waitWords,
} from '../render/render-words.ts';
import { type Growing, promptOfSheet } from './sheet-state.ts';
import { textFor, type Text } from '../text/text.ts';
import { rowsOf, cellLabel } from './sheet-buttons.ts';

const ALT_TEXT_LIMIT = 1024;

/** The one message of a sheet: what is painted so far, where it stands, and at the end what it taught. */
export async function drawSheet(
  sheet: Growing,
  state: JobState,
  uploadLimit: number,
): Promise<Rendered> {
  const locale = fromContext(sheet.order.address)?.locale ?? 'en';
  const text = textFor(locale);
  const done = state.status === 'done' || state.status === 'cancelled';
  const files = await filesOf(sheet, done, uploadLimit, text);
  const open = state.status === 'waiting' || state.status === 'running';
  const lines = [
    ...headOf(sheet, state, text),
    ...aboutOf(sheet, text),
    ...troublesOf(sheet, text),
  ];
  if (open) lines.push(`-# ${costOf(sheet, text)}`);
  if (done && sheet.extra !== null) {
    const sentences = sheet.extra.words.map((one) => wordsOf([one], text.said));
    lines.push(...sentences.map((words) => `- ${escapeMarkdown(words)}`));
  }
  const components: APIMessageTopLevelComponent[] = [
    { type: ComponentType.TextDisplay, content: shorten(lines.join('\n'), 3900) },
  ];
  // Each alone: side by side Discord crops them to squares, and a sheet loses its labels.
  components.push(...files.map((file) => (file.name === REPORT ? download(file) : gallery(file))));
  components.push(...rowsOf(sheet, state, text));
  return { components, files };
}

async function filesOf(
  { order, state, extra }: Growing,
  done: boolean,
  uploadLimit: number,
  text: Text,
): Promise<MessageFile[]> {
  // Empty cells alone say less than the sentences do.
  if (state.painted.length + state.snapshots.length === 0) return [];
  const prompt = plainLine(promptOfSheet(order, state.plan));
  const files = await pageFiles(order, state, uploadLimit, text);
  if (!done || extra === null || extra.data.byteLength > uploadLimit) return files;
  const words =
    extra.words.length > 0
      ? text.sheet.curveAlt(wordsOf(extra.words, text.said))
      : text.sheet.alt('steps', prompt);
  const { name, data, contentType } = extra;
  files.push({ name, data, contentType, description: shorten(words, ALT_TEXT_LIMIT) });
  return files;
}

/** Discord takes 25 MiB in one request; some of it is for the curve. */
const ALL_PAGES = 20 * 1024 * 1024;

/** Pages that nothing was painted of yet are not shown. */
async function pageFiles(
  order: Growing['order'],
  { plan, sheet }: Growing['state'],
  uploadLimit: number,
  text: Text,
): Promise<MessageFile[]> {
  const { x, y, z } = plan;
  const axes = [x, y, z].filter((axis) => axis !== null);
  const what = order.kind === 'sheet' ? axes.map(axisTitle).join(' x ') : 'steps';
  const most = Math.min(uploadLimit, Math.floor(ALL_PAGES / sheet.pages.length));
  const shown = sheet.pages.map((page, at) => ({ page, at })).filter(({ page }) => page.begun);
  return Promise.all(
    shown.map(async ({ page, at }) => {
      const about = page.label === '' ? what : `${what}, ${page.label}`;
      return {
        name: sheet.pages.length === 1 ? 'sheet.webp' : `sheet-${at + 1}.webp`,
        data: await page.toWebp(most),
        contentType: 'image/webp',
        description: shorten(
          text.sheet.alt(about, plainLine(promptOfSheet(order, plan))),
          ALT_TEXT_LIMIT,
        ),
      };
    }),
  );
}

function headOf(sheet: Growing, state: JobState, text: Text): string[] {
  const { plan, painted, snapshots, groups, failed } = sheet.state;
  const cells = plan.cells.length;
  const count = sheet.order.kind === 'sheet' ? painted.length : snapshots.length;
  switch (state.status) {
    case 'waiting':
      return [placeWords(state, text)];
    case 'running': {
      const progress = progressWords(state.progress, text);
      if (sheet.order.kind === 'evolution') return [progress];
      return [`${text.sheet.cellOf(placeOf(groups[sheet.at]?.cells ?? []), cells)} · ${progress}`];
    }
    case 'cancelled':
      return [text.sheet.stopped(count, cells)];
    case 'failed':
      // Why is said a line a reason, see troublesOf.
      return failed.length > 0
        ? [text.sheet.nothingWorked]
        : [text.sheet.nothingWorked, failureText(state.failure, text)];
    case 'done': {
      if (painted.length + snapshots.length === 0) return [text.sheet.nothingWorked];
      if (sheet.order.kind === 'evolution') return [];
      const seconds = painted.reduce((sum, cell) => sum + cell.seconds, 0);
      return [text.sheet.seconds(painted.length, secondsWords(seconds))];
    }
  }
}

function placeOf(cells: readonly Cell[]): string {
  const [first, last] = [cells[0], cells.at(-1)];
  if (first === undefined || last === undefined) return '1';
  if (first === last) return String(first.index + 1);
  const together = last.index - first.index === cells.length - 1;
  return together
    ? `${first.index + 1}–${last.index + 1}`
    : cells.map(({ index }) => index + 1).join(', ');
}

function aboutOf({ order, state }: Growing, text: Text): string[] {
  const { plan } = state;
  const varied = order.kind === 'evolution' ? [] : variedIn(plan);
  const { prompts = [] } = order;
  const shown = prompts.slice(0, PROMPTS_SHOWN).map((prompt) => `> ${quoted(prompt, 120)}`);
  const more = prompts.length - shown.length;
  if (more > 0) shown.push(`-# ${text.sheet.morePrompts(more)}`);
  return [
    ...(shown.length > 0 ? shown : [`> ${quoted(promptOfSheet(order, plan), 300)}`]),
    `-# ${escapeMarkdown(shorten(plainLine(subtitleOf(plan.base, varied)), 300))}`,
    ...noteLines(fromContext(order.address)?.notes ?? [], text),
  ];
}

const MOST_NAMED = 4;
const PROMPTS_SHOWN = 5;

/** Why cells have no picture: a line a reason, with the first of the cells that it holds for. */
function troublesOf({ order, state: { plan, failed } }: Growing, text: Text): string[] {
  const reasons = Map.groupBy(failed, ({ why }) => why);
  reasons.delete('');
  return [...reasons].slice(0, MOST_NAMED).map(([why, troubles]) => {
    if (order.kind === 'evolution') return `-# ${why}`;
    const cells = troubles.flatMap((trouble) => trouble.cells);
    const named = cells.slice(0, MOST_NAMED).map((cell) => cellLabel(plan, cell));
    const more = cells.length - named.length;
    if (more > 0) named.push(text.sheet.moreCells(more));
    return `-# ${escapeMarkdown(shorten(plainLine(named.join(', ')), 200))}: ${why}`;
  });
}

/** What all of it takes, said before and while it is painted. */
function costOf({ order, state, seconds }: Growing, text: Text): string {
  const { plan } = state;
  const steps = Math.round(plan.cost);
  const pictures = order.kind === 'evolution' ? 1 : plan.cells.length;
  return text.sheet.cost(pictures, steps, seconds === null ? null : waitWords(seconds, text));
}

/** A page is opened in a browser. */
function download({ name }: MessageFile): APIMessageTopLevelComponent {
  return { type: ComponentType.File, file: { url: `attachment://${name}` } };
}

function gallery({ name, description }: MessageFile): APIMessageTopLevelComponent {
  return {
    type: ComponentType.MediaGallery,
    items: [{ media: { url: `attachment://${name}` }, description }],
  };
}
