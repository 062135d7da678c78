import type { Said } from '../../engine/said.ts';
import { kneeSentence } from '../../explore/curve/curve.ts';
import { animate, type Snapshot } from '../../explore/sheet/evolution.ts';
import {
  CURVES,
  groupsOf,
  pageEnding,
  REPORT,
  reportOf,
  type SheetOrder,
} from '../../explore/sheet/order.ts';
import type { Group } from '../../explore/sheet/groups.ts';
import type { ReportPlan } from '../../explore/report/report-plan.ts';
import { openPages, type PagedSheet } from '../../explore/sheet/pages.ts';
import type { Cell, SheetPlan } from '../../explore/sheet/plan.ts';
import { drawPhonePlot } from '../../explore/curve/phone-plot.ts';
import { drawPlot } from '../../explore/curve/plot.ts';
import { subtitleOf, variedIn } from '../../explore/curve/report.ts';
import { curvesOf, type PaintedCell } from '../../explore/sheet/run-sheet.ts';
import type { ModelInfo } from '../../engine/request.ts';
import type { Job, JobId, StoredResult } from '../../queue/job.ts';
import type { Line } from '../../queue/line.ts';
import { drawnKey, type PictureStore } from '../../queue/pictures.ts';
import type { Reply } from '../reply/reply.ts';
import type { Text } from '../text/text.ts';

/** What is known of one sheet while it grows: filled from its finished jobs, in whatever process. */
export type SheetState = {
  plan: SheetPlan;
  /** of a report: its prompts' plans. Its pictures stay in the store until its page is made */
  report: ReportPlan | null;
  groups: readonly Group[];
  sheet: PagedSheet;
  painted: PaintedCell[];
  snapshots: Snapshot[];
  /** cells that have no picture, and why */
  failed: Trouble[];
};

export type Trouble = { cells: readonly Cell[]; why: string };

/** One sheet in hand. */
export type Growing = {
  order: SheetOrder;
  state: SheetState;
  /** the chain's jobs, oldest first; the last is the one in the queue */
  jobs: Job[];
  at: number;
  stopped: boolean;
  /** that all of it is expected to take; null until this machine has measured a step */
  seconds: number | null;
  extra: Extra | null;
  /** of the last cells that could be painted, and their job */
  result: StoredResult | null;
  resultOf: JobId | null;
  reply: Reply;
  /** one event after the other */
  line: Promise<void>;
};

/** As it was ordered: an axis of weights writes its own into each cell's. */
export function promptOfSheet({ input }: SheetOrder, { base }: SheetPlan): string {
  return typeof input.prompt === 'string' ? input.prompt : base.prompt;
}

const NO_PAGES: PagedSheet = { pages: [], setTile: () => Promise.resolve() };

/** Plans a sheet's chain and draws its pages with nothing on them. A report has no pages. */
export async function openState(
  order: SheetOrder,
  models: readonly ModelInfo[],
): Promise<SheetState> {
  const { plan, groups } = groupsOf(order, models);
  if (order.kind === 'report') {
    const report = reportOf(order, models);
    return { plan, report, groups, sheet: NO_PAGES, painted: [], snapshots: [], failed: [] };
  }
  const varied = order.kind === 'evolution' ? [] : variedIn(plan);
  const sheet = await openPages(plan, {
    title: promptOfSheet(order, plan),
    subtitle: subtitleOf(plan.base, varied),
    theme: order.theme,
  });
  return { plan, report: null, groups, sheet, painted: [], snapshots: [], failed: [] };
}

/** Marks cells as failed, on the page too; `why` stands below the sheet. */
export async function markFailed(
  state: SheetState,
  cells: readonly Cell[],
  /** ready to print */
  why: string,
  text: Text,
): Promise<void> {
  state.failed.push({ cells, why });
  for (const { index } of cells) {
    await state.sheet.setTile(index, { state: 'failed', words: text.sheet.cellFailed });
  }
}

/** Seconds that all jobs of a sheet are expected to take. */
export async function secondsOf(
  { groups }: SheetState,
  line: Pick<Line, 'estimate'>,
): Promise<number | null> {
  let sum = 0;
  for (const { request } of groups) {
    const seconds = await line.estimate(request);
    if (seconds === null) return null;
    sum += seconds;
  }
  return sum;
}

export type Extra = {
  name: string;
  data: Uint8Array;
  contentType: string;
  words: readonly Said[];
  /** all that was measured, a press away; null: nothing more than is shown */
  behind: Uint8Array | null;
};

/** What a finished sheet shows beside itself: the curve with its sentences, or the animation. */
export async function extraOf(
  order: SheetOrder,
  state: SheetState,
  bytes: number,
  text: Text,
): Promise<Extra | null> {
  const { theme, kind } = order;
  if (kind === 'evolution') {
    if (state.snapshots.length < 2) return null;
    const steps = state.snapshots.at(-1)!.step;
    const data = await animate(state.snapshots, { steps, theme, bytes });
    return { name: 'evolution.webp', data, contentType: 'image/webp', words: [], behind: null };
  }
  const curves = await curvesOf(state.plan, state.painted);
  if (curves.length === 0) return null;
  const { plot } = text.sheet;
  const data = await drawPhonePlot(curves, { theme, text: plot });
  const title = promptOfSheet(order, state.plan);
  const behind = await drawPlot(curves, { title, theme, text: plot });
  const words = curves.map(kneeSentence);
  return { name: 'curve.png', data, contentType: 'image/png', words, behind };
}

/** The finished sheet beside its last job: for lists, and for who opens it again. */
export async function keepDrawn(
  { state, result, resultOf, extra }: Growing,
  pictures: PictureStore,
): Promise<void> {
  // What no result names would never be removed.
  if (resultOf === null || result?.drawn === undefined) return;
  for (const [page, { toWebp }] of state.sheet.pages.entries()) {
    await pictures.put(drawnKey(resultOf, pageEnding(page)), await toWebp(KEPT_BYTES));
  }
  if (extra?.behind) await pictures.put(drawnKey(resultOf, CURVES), extra.behind);
  if (extra?.name === REPORT) await pictures.put(drawnKey(resultOf, REPORT), extra.data);
}

const KEPT_BYTES = 4 * 1024 * 1024;

/** What only the curve or the animation needed. */
export async function forgetExtras(jobs: readonly Job[], pictures: PictureStore): Promise<void> {
  for (const { result } of jobs) {
    const keys = [result?.latents, ...(result?.snapshots ?? []).map(({ key }) => key)];
    for (const key of keys) if (key !== undefined) await pictures.delete(key);
  }
}
