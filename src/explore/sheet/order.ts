import { isRecord } from '../../engine/is-record.ts';
import { requestOfImage } from '../../engine/request/batch.ts';
import { UserError } from '../../engine/errors.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../engine/request.ts';
import type { JobContext } from '../../queue/job.ts';
import type { Allowance } from '../../queue/allowance.ts';
import { AXES, type AxisName } from './axes.ts';
import type { Axis } from './axis.ts';
import { type Group, groupCells } from './groups.ts';
import type { SheetLimits } from './largest-fit.ts';
import { type Cell, planSheet, type SheetPlan } from './plan.ts';
import { planReport, type ReportLimits, type ReportPlan } from '../report/report-plan.ts';
import { type ThemeName, THEMES } from './drawn/theme.ts';
import { sayOfSheet } from '../sentences.ts';

/**
 * A sheet in the fair queue is a chain of ordinary jobs, one a batch of cells: the next is submitted when the one
 * before has ended, so other people's jobs run in between and every cell is charged as any picture is. All that
 * the chain needs travels in each job's context; the parent id leads back to the cells before. After a crash at
 * any moment the last job of the chain is enough to go on.
 */
export type SheetOrder = {
  /** the interaction that asked for it */
  id: string;
  kind: 'sheet' | 'evolution' | 'report';
  x: Axis;
  y: Axis | null;
  /** one page a value */
  z: Axis | null;
  /** of a report: all of them, and how many pictures each cell has */
  prompts?: readonly string[];
  seeds?: number;
  /** what all cells share, before the axes' values; pictures travel in the jobs' requests */
  input: RequestInput;
  theme: ThemeName;
  /** where the one message lives; opaque here */
  address: JobContext;
  /** what the server grants this person: it holds for every cell */
  allowance: Allowance;
};

/** Version 1 had other batches: its chain would not find its cells. */
const VERSION = 'sheet-2';

/** What Discord's one select can offer to open; pages are pictures of one message, beside the curve. */
export const CHAT_LIMITS: SheetLimits = { cells: 25, steps: 1500, pages: 8 };

/** The tutorials' experiment fits: five prompts, guidance 6 to 9 by steps 50 to 200, six pictures of each. */
export const REPORT_CHAT_LIMITS: ReportLimits = {
  cells: 500,
  steps: 75_000,
  prompts: 20,
  seeds: 9,
};

/** The context of the chain's job number `at`. */
export function sheetContext(order: SheetOrder, at: number): JobContext {
  const { id, kind, x, y, z, theme, address, allowance } = order;
  const input = Object.fromEntries(
    Object.entries(order.input)
      .filter(([name]) => name !== 'init')
      .map(([name, value]) => [name, typeof value === 'bigint' ? value.toString() : value]),
  );
  const watch = {
    ...(isRecord(address['watch']) ? address['watch'] : {}),
    draws: drawnOf(order),
    ...(kind === 'evolution'
      ? { decodeAt: x.values.map(Number) }
      : { keepLatents: [x, y, z].some((axis) => axis?.name === 'steps') }),
  };
  const { prompts, seeds } = order;
  const axes = { x, y, ...(z !== null && { z }), ...(kind === 'report' && { prompts, seeds }) };
  return { version: VERSION, id, kind, ...axes, input, theme, address, allowance, at, watch };
}

/** The keys' endings of what is kept of a finished sheet. */
export const CURVES = 'curves.png';
export const REPORT = 'report.html';
export const pageEnding = (page: number): string => `sheet-${page + 1}.webp`;

function drawnOf({ kind, x, y, z }: SheetOrder): string[] {
  if (kind === 'report') return [REPORT];
  const pages = Array.from({ length: z?.values.length ?? 1 }, (_, page) => pageEnding(page));
  const hasCurve = kind === 'sheet' && [x, y, z].some((axis) => axis?.name === 'steps');
  return hasCurve ? [...pages, CURVES] : pages;
}

/** Without a start picture; null when the context belongs to no sheet, or to one of another version. */
export function readSheetContext(context: JobContext): { order: SheetOrder; at: number } | null {
  if (context['version'] !== VERSION) return null;
  const { id, kind, input, address, allowance, at } = context;
  const [x, y, z] = (['x', 'y', 'z'] as const).map((name) => readAxis(context[name])) as [
    Axis | null,
    Axis | null,
    Axis | null,
  ];
  const theme = THEMES.find((name) => name === context['theme']);
  const known = kind === 'sheet' || kind === 'evolution' || kind === 'report';
  const prompts = textsIn(context['prompts']);
  const seeds = Number(context['seeds'] ?? 1);
  if (typeof id !== 'string' || !known || x === null || theme === undefined) return null;
  if (!isRecord(input) || !isRecord(address) || typeof at !== 'number') return null;
  return {
    order: {
      id,
      kind,
      x,
      y,
      z,
      input,
      theme,
      address,
      allowance: numbersIn(allowance),
      ...(kind === 'report' && { prompts, seeds }),
    },
    at,
  };
}

/** The order with the start picture that each of its jobs carries. */
export function withStart(order: SheetOrder, { init }: Pick<GenerateRequest, 'init'>): SheetOrder {
  return init === null ? order : { ...order, input: { ...order.input, init } };
}

/** Does a job belong to a sheet that this version understands? */
export function isSheet(context: JobContext): boolean {
  return context['version'] === VERSION;
}

function numbersIn(value: unknown): Record<string, number> {
  if (!isRecord(value)) return {};
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function readAxis(value: unknown): Axis | null {
  if (!isRecord(value)) return null;
  const name: AxisName | undefined = AXES.find((known) => known === value['name']);
  const { values, of } = value;
  if (name === undefined || !Array.isArray(values) || values.length === 0) return null;
  if (!values.every((one) => typeof one === 'string')) return null;
  return { name, values, ...(typeof of === 'string' && { of }) };
}

/**
 * The chain's jobs, in order; the same for the same order and models, whenever it is asked.
 * @throws Error when the model of the order is not among them
 */
export function groupsOf(
  order: SheetOrder,
  models: readonly ModelInfo[],
): { plan: SheetPlan; groups: readonly Group[] } {
  const { kind, x, y, z, input } = order;
  const model = models.find(({ name }) => name === input.model);
  if (model === undefined) throw new Error('an order without a model');
  const accepted = true;
  if (kind === 'sheet') {
    const plan = planSheet({ input, x, y, z, models, accepted }, model, NO_LIMITS);
    return { plan, groups: groupCells(plan) };
  }
  if (kind === 'report') return flattened(reportOf(order, models));
  // One run, looked at after some of its steps: the plan of a single picture, its cells being the looks.
  const seed = { name: 'seed' as const, values: [String(input.seed)] };
  const { base, pixels } = planSheet({ input, x: seed, y: null, accepted }, model, NO_LIMITS);
  const cells: Cell[] = x.values.map((_, index) => ({
    index,
    column: index,
    row: 0,
    page: 0,
    request: base,
  }));
  const shown = { name: x.name, values: x.values.map((step) => `step ${step}`) };
  return {
    plan: { x: shown, y: null, z: null, base, cells, cost: base.steps, pixels },
    groups: [{ request: base, cells }],
  };
}

/** The plan of a report, prompt by prompt. @throws Error when the model of the order is not among them */
export function reportOf(
  { prompts = [], seeds = 1, x, y, z, input }: SheetOrder,
  models: readonly ModelInfo[],
): ReportPlan {
  const model = models.find(({ name }) => name === input.model);
  if (model === undefined) throw new Error('an order without a model');
  const limits = { ...NO_LIMITS, prompts: Infinity, seeds: Infinity };
  return planReport({ prompts, seeds, x, y, z, input }, model, models, limits, true);
}

/** Its cells one after the other, as one chain of jobs. */
function flattened({ plans, steps }: ReportPlan): {
  plan: SheetPlan;
  groups: readonly Group[];
} {
  const cells: Cell[] = [];
  const groups: Group[] = [];
  for (const plan of plans) {
    const offset = cells.length;
    const own = plan.cells.map((cell) => ({ ...cell, index: cell.index + offset }));
    cells.push(...own);
    groups.push(...groupCells({ cells: own, pixels: plan.pixels }));
  }
  return { plan: { ...(plans[0] as SheetPlan), cells, cost: steps }, groups };
}

/** What was within the limits once is painted to its end. */
const NO_LIMITS: SheetLimits = { cells: Infinity, steps: Infinity };

/** Names one job of the chain for ever: a second submit answers with the first job. */
export function chainKey(order: SheetOrder, at: number): string {
  return at === 0 ? order.id : `${order.id}:${at}`;
}

/** One picture of a batch as a request of its own. @throws UserError where the batch has no such picture */
export function soloRequest(request: GenerateRequest, image: number): GenerateRequest {
  if (image < 0 || image >= request.count) throw new UserError(sayOfSheet('no-such-picture'));
  return requestOfImage(request, image);
}
