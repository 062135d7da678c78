import { readInfotext } from '../../engine/picture/recipe-texts.ts';
import { wordsOf } from '../../engine/said.ts';
import { webpCopy } from '../../engine/picture/webp-copy.ts';
import { subtitleOf, toCsv } from '../../explore/curve/report.ts';
import {
  measureReport,
  type PromptResult,
  type ReportCell,
  sharedWords,
} from '../../explore/report/report-data.ts';
import { reportPage } from '../../explore/report/report-page.ts';
import { REPORT } from '../../explore/sheet/order.ts';
import type { Cell, SheetPlan } from '../../explore/sheet/plan.ts';
import type { Archive } from '../../queue/archive.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import type { Text } from '../text/text.ts';
import { paintedIn } from './sheet-results.ts';
import type { Extra, Growing } from './sheet-state.ts';

type Tools = { archive: Pick<Archive, 'get'>; pictures: PictureStore };

/** Of a page's bytes, what words, figures and curves may take. */
const FOR_WORDS = 0.2;
/** A page of `base64` is a third longer than its pictures. */
const BASE64 = 4 / 3;

/** A finished report's page, no longer than `bytes`: the more pictures, the smaller each. Null without any. */
export async function reportExtra(
  { state, jobs }: Pick<Growing, 'state' | 'jobs'>,
  bytes: number,
  tools: Tools,
  text: Text,
): Promise<Extra | null> {
  const { report, painted } = state;
  const [first] = report?.plans ?? [];
  if (report === null || first === undefined || painted.length === 0) return null;
  for (let share = 1; ; share /= 2) {
    const each = (bytes * (1 - FOR_WORDS) * share) / BASE64 / painted.length;
    const results = promptResults({ state, jobs }, each, tools);
    const figures = await measureReport(
      results,
      () => null,
      (said) => wordsOf([said], text.said),
    );
    const csv = toCsv(figures.cells);
    const title = [
      text.sheet.reportTitle(report.plans.length),
      figures.axes.map((axis) => axis.title).join(' x '),
    ].join(' · ');
    const about = [
      subtitleOf(first.base, sharedWords(first)),
      text.sheet.reportCount(painted.length, report.pictures),
    ];
    const page = reportPage({ ...figures, title, about, notes: '', csv, text: text.sheet.page });
    const data = Buffer.from(page);
    if (data.byteLength <= bytes || share < 1 / 64) {
      const name = REPORT;
      return { name, data, contentType: 'text/html', words: [], behind: null };
    }
  }
}

/** Prompt by prompt, so that the pictures of one are in memory at a time. */
async function* promptResults(
  { state: { groups, report, failed }, jobs }: Pick<Growing, 'state' | 'jobs'>,
  bytes: number,
  { archive, pictures }: Tools,
): AsyncGenerator<PromptResult> {
  let offset = 0;
  for (const plan of report?.plans ?? []) {
    const end = offset + plan.cells.length;
    const isOwn = ({ index }: Cell): boolean => index >= offset && index < end;
    const ownOf = ({ index }: Cell): Cell => plan.cells[index - offset] as Cell;
    const cells: ReportCell[] = [];
    for (const [at, group] of groups.entries()) {
      const job = jobs[at];
      if (job === undefined || !group.cells.every(isOwn)) continue;
      const result = (await archive.get(job.id))?.result ?? null;
      if (result === null) continue;
      const { painted } = await paintedIn(group.cells, result, pictures, true);
      for (const { cell, png, image, ...rest } of painted) {
        const picture = await pictureWithin(png, bytes);
        const infotext = readInfotext(png) ?? '';
        cells.push({ ...rest, cell: ownOf(cell), png, image, infotext, picture });
      }
    }
    const troubles = failed.flatMap(({ cells: none, why }) =>
      none.filter(isOwn).map((cell) => ({ cell: ownOf(cell), why: unescaped(why) })),
    );
    yield { plan: plan as SheetPlan, cells: cells.toSorted(byIndex), troubles };
    offset = end;
  }
}

const byIndex = (a: ReportCell, b: ReportCell): number => a.cell.index - b.cell.index;

/** What was escaped for a message stands in a page as it is. */
const unescaped = (words: string): string => words.replaceAll(/\\([^\p{L}\p{N}\s])/gu, '$1');

const QUALITIES = [92, 80, 65, 45];
const LEAST_WIDTH = 96;

/** Lower quality first, then fewer pixels. */
async function pictureWithin(png: Uint8Array, bytes: number): Promise<Uint8Array> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let width = view.getUint32(16); ; width = Math.round(width * 0.7)) {
    for (const quality of QUALITIES) {
      const made = await webpCopy(png, { width, quality });
      if (made.byteLength <= bytes || width <= LEAST_WIDTH) return made;
    }
  }
}
