import { costOf } from '../../engine/cost.ts';
import { UserError } from '../../engine/errors.ts';
import type { Said } from '../../engine/said.ts';
import { parseRequest } from '../../engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../engine/request.ts';
import { type Axis, type AxisName, shortened, withValue } from './axis.ts';
import { sayOfSheet } from '../sentences.ts';

/** One picture of a sheet. Rows and columns count from 0; cells are in reading order. */
export type Cell = { index: number; column: number; row: number; request: GenerateRequest };

export type SheetPlan = {
  x: Axis;
  y: Axis | null;
  /** what every cell shares; the axes' fields hold the first cell's values */
  base: GenerateRequest;
  cells: readonly Cell[];
  cost: number;
  /** of a picture at the model's own size */
  pixels: number;
};

export type SheetLimits = {
  cells: number;
  /** steps of the whole sheet at the model's own size: a step of twice the pixels counts twice */
  steps: number;
};

export const DEFAULT_SHEET_LIMITS: SheetLimits = { cells: 36, steps: 1500 };

type Wanted = { input: RequestInput; x: Axis; y: Axis | null };

/**
 * All cells as complete requests. A seed left out is drawn once, for all cells.
 * @throws UserError for a value the model refuses (naming it), the same value written in two ways, one axis twice,
 *   strength without a start picture, or a grid over the limit, with the largest that would fit
 */
export function planSheet(
  wanted: Wanted,
  model: ModelInfo,
  limits: SheetLimits = DEFAULT_SHEET_LIMITS,
): SheetPlan {
  const { x, y } = wanted;
  checkAxes(wanted);
  // A sheet compares the steps it names: none of its pictures takes fewer.
  const whole = { ...wanted.input, replan: null };
  const input = { ...whole, count: 1, seed: parseRequest(whole, model).seed };
  const axes = y === null ? [x] : [x, y];
  // Every value alone first: an error then names one value and not the forty cells that share it.
  for (const axis of axes) checkValues(input, axis, model);
  const cells: Cell[] = [];
  for (const [row, down] of (y?.values ?? [null]).entries()) {
    for (const [column, across] of x.values.entries()) {
      let own = withValue(input, x.name, across);
      if (y !== null && down !== null) own = withValue(own, y.name, down);
      cells.push({ index: cells.length, column, row, request: parseRequest(own, model) });
    }
  }
  checkLimits(cells, { x, y }, model, limits);
  const { request: base } = cells[0]!;
  const pixels = model.nativeSize.width * model.nativeSize.height;
  return { x, y, base, cells, cost: sheetCost(cells, model), pixels };
}

function checkAxes({ input, x, y }: Wanted): void {
  if (y?.name === x.name) {
    throw new UserError(sayOfSheet('axes-alike', x.name));
  }
  const hasInit = input.init !== undefined && input.init !== null;
  if (!hasInit && [x.name, y?.name].includes('strength')) {
    throw new UserError(sayOfSheet('strength-needs-picture'));
  }
}

/** The field of a request that an axis sets, as one comparable text. */
function valueIn(request: GenerateRequest, name: AxisName): string {
  switch (name) {
    case 'cfg':
      return String(request.guidanceScale);
    case 'clip_skip':
      return String(request.clipSkip);
    case 'pag':
      return String(request.pagScale ?? 0);
    case 'size':
      return `${request.width}x${request.height}`;
    case 'strength':
      return String(request.init?.strength);
    case 'sampler':
      return `${request.sampler} ${request.schedule}`;
    case 'steps':
    case 'schedule':
    case 'seed':
      return String(request[name]);
  }
}

function checkValues(input: RequestInput, axis: Axis, model: ModelInfo): void {
  const seen = new Map<string, string>();
  for (const value of axis.values) {
    let request: GenerateRequest;
    try {
      request = parseRequest(withValue(input, axis.name, value), model);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const which = sayOfSheet('value-cannot-be-used', axis.name, shortened(value));
      throw new UserError([which, ...error.said]);
    }
    const meant = valueIn(request, axis.name);
    const twin = seen.get(meant);
    if (twin !== undefined) {
      throw new UserError(sayOfSheet('values-alike', axis.name, shortened(twin), shortened(value)));
    }
    seen.set(meant, value);
  }
}

/** Steps at the model's own size; a step with guidance is two rows of the network. */
function cellCost({ request }: Cell, model: ModelInfo): number {
  const { width, height } = model.nativeSize;
  return costOf(request, model).rowPixels / 2 / (width * height);
}

function sheetCost(cells: readonly Cell[], model: ModelInfo): number {
  return cells.reduce((sum, cell) => sum + cellCost(cell, model), 0);
}

function checkLimits(
  cells: readonly Cell[],
  { x, y }: { x: Axis; y: Axis | null },
  model: ModelInfo,
  limits: SheetLimits,
): void {
  const cost = sheetCost(cells, model);
  if (cells.length <= limits.cells && cost <= limits.steps) return;
  const fit = largestFit(cells, { x, y }, model, limits);
  const [columns, rows] = [x.values.length, y?.values.length ?? 1];
  const grid = y === null ? String(columns) : `${columns} x ${rows} = ${cells.length}`;
  const problem =
    cells.length > limits.cells
      ? sayOfSheet('sheet-too-many-cells', grid, limits.cells)
      : sayOfSheet('sheet-too-many-steps', Math.round(cost), limits.steps);
  if (fit === null) throw new UserError([problem, sayOfSheet('no-cell-fits')]);
  throw new UserError([problem, fitWords(fit, x, y)]);
}

type Fit = { columns: number; rows: number };

/** The most cells that keep the first values of each axis; the wider one of two equals. */
function largestFit(
  cells: readonly Cell[],
  { x, y }: { x: Axis; y: Axis | null },
  model: ModelInfo,
  limits: SheetLimits,
): Fit | null {
  let best: Fit | null = null;
  const rowsInAll = y?.values.length ?? 1;
  // cost of the first r rows of column c, growing
  const sums = new Float64Array(x.values.length);
  for (let rows = 1; rows <= rowsInAll; rows++) {
    let total = 0;
    for (let columns = 1; columns <= x.values.length; columns++) {
      sums[columns - 1]! += cellCost(cells[(rows - 1) * x.values.length + columns - 1]!, model);
      total += sums[columns - 1]!;
      if (columns * rows > limits.cells || total > limits.steps) continue;
      const size = best === null ? 0 : best.columns * best.rows;
      const wider = columns * rows === size && columns > (best?.columns ?? 0);
      if (columns * rows > size || wider) best = { columns, rows };
    }
  }
  return best;
}

function fitWords(fit: Fit, x: Axis, y: Axis | null): Said {
  const across = `${x.name} ${x.values.slice(0, fit.columns).join(',')}`;
  if (y === null) return sayOfSheet('largest-row', fit.columns, across);
  const down = `${y.name} ${y.values.slice(0, fit.rows).join(',')}`;
  return sayOfSheet('largest-grid', `${fit.columns} x ${fit.rows}`, across, down);
}

/** Cells that are painted in one go, as one batch. */
export type Group = { request: GenerateRequest; cells: readonly Cell[] };

/** Pictures in one batch at most: memory grows with it, the gain hardly. */
const BATCH = 4;
/** Steps of one batch at most, counted at the model's own size: others wait for a batch to end. */
const BATCH_STEPS = 160;

/**
 * Cells that share size, steps, sampler and all else but seed, guidance scale and clip skip are painted as one batch;
 * each comes out the same to the byte as alone (test/explore/sheet/run-sheet.test.ts). Groups are in the order of their first
 * cells.
 */
export function groupCells({ cells, pixels }: Pick<SheetPlan, 'cells' | 'pixels'>): Group[] {
  const groups: { shared: string; cells: Cell[] }[] = [];
  for (const cell of cells) {
    const shared = sharedBy(cell.request);
    const cost = stepsIn(cell.request, pixels);
    const open = groups.findLast((group) => group.shared === shared);
    const most = Math.min(BATCH, Math.floor(BATCH_STEPS / cost));
    const joins = cell.request.profile === 'a1111' && cell.request.variation === null;
    if (joins && open !== undefined && open.cells.length < most) open.cells.push(cell);
    else groups.push({ shared, cells: [cell] });
  }
  return groups.map((group) => ({ cells: group.cells, request: batchOf(group.cells) }));
}

/** As counted when the sheets of older versions were grouped, some of which are still being painted. */
function stepsIn({ init, steps, width, height }: GenerateRequest, pixels: number): number {
  const share = init === null ? 1 : Math.max(0.05, init.strength);
  return (steps * share * width * height) / pixels;
}

/** All that one batch shares. Without guidance the network is asked half as much, so that those are among themselves. */
function sharedBy(request: GenerateRequest): string {
  const { guidanceScale, clipSkip, init } = request;
  const own = {
    seed: '',
    variation: null,
    guidanceScale: guidanceScale === 1,
    // Every text encoder has two layers. A cell that asks for more than there are must not take others with it.
    clipSkip: clipSkip <= 2 ? 0 : clipSkip,
  };
  // The start picture is one and the same for all cells of a sheet.
  return JSON.stringify({ ...request, ...own, init: init && init.strength });
}

function batchOf(cells: readonly Cell[]): GenerateRequest {
  const [first, ...others] = cells.map(({ request }) => request) as [GenerateRequest];
  if (others.length === 0) return first;
  const each = [first, ...others].map(({ seed, guidanceScale, clipSkip }) => ({
    seed,
    guidanceScale,
    clipSkip,
  }));
  return { ...first, count: each.length, each };
}
