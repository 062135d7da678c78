import { costOf } from '../../engine/request/cost.ts';
import { UserError } from '../../engine/errors.ts';
import {
  hearsOption,
  modelToBeginWith,
  parseAccepted,
  parseRequest,
  samplersOf,
  schedulesOf,
  WITHOUT_GUIDANCE,
} from '../../engine/request-codec.ts';
import { say } from '../../engine/sentences.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../engine/request.ts';
import { sayOfSheet } from '../sentences.ts';
import { axisRow } from './axes.ts';
import { allSamplers, allSchedules, type Axis, shownValue } from './axis.ts';
import { type Chosen, isThere, meaningOf, modelNamed, tagOf, withValues } from './cell-fields.ts';
import { fitWords, type Grid, largestFit, type SheetLimits } from './largest-fit.ts';

/** One picture of a sheet. Rows, columns and pages count from 0; cells are in reading order, page after page. */
export type Cell = {
  index: number;
  column: number;
  row: number;
  page: number;
  request: GenerateRequest;
};

export type SheetPlan = {
  x: Axis;
  y: Axis | null;
  /** one page a value; null: one page */
  z: Axis | null;
  /** what every cell shares; the axes' fields hold the first cell's values */
  base: GenerateRequest;
  cells: readonly Cell[];
  cost: number;
  /** of a picture at the model's own size */
  pixels: number;
};

export const DEFAULT_SHEET_LIMITS: SheetLimits = { cells: 36, steps: 1500 };

type Wanted = {
  input: RequestInput;
  x: Axis;
  y: Axis | null;
  z?: Axis | null;
  /** that an axis of models chooses from; absent: only the one model */
  models?: readonly ModelInfo[];
  /** it was planned before: what its prompts say is not looked at again */
  accepted?: boolean;
};

/**
 * All cells as complete requests. A seed left out is drawn once, for all cells; what is left open is each model's own
 * where models are compared.
 * @throws UserError for a value the model refuses (naming it), the same value written in two ways, one axis twice,
 *   strength without a start picture, or a grid over the limit, with the most square one that would fit
 */
export function planSheet(
  wanted: Wanted,
  model: ModelInfo,
  limits: SheetLimits = DEFAULT_SHEET_LIMITS,
): SheetPlan {
  const { models = [model], accepted = false } = wanted;
  // A sheet compares the steps it names: none of its pictures takes fewer.
  const whole = { ...wanted.input, replan: null };
  const axes = [wanted.x, wanted.y ?? null, wanted.z ?? null].map((axis) =>
    axis === null ? null : settled(axis, whole, model, models),
  );
  const [x, y, z] = axes as [Axis, Axis | null, Axis | null];
  const there = axes.filter((axis) => axis !== null);
  checkAxes(wanted.input, there);
  const named = (input: RequestInput): ModelInfo =>
    models.find(({ name }) => name === input.model) ?? model;
  const read = accepted ? parseAccepted : parseRequest;
  const compared = there.find(({ name }) => name === 'model');
  const parse = (input: RequestInput): GenerateRequest => {
    const painter = named(input);
    return read(compared && painter.unguided ? { ...input, ...WITHOUT_GUIDANCE } : input, painter);
  };
  const painters = compared?.values.map((name) => named({ model: name })) ?? [model];
  if (!accepted) checkHeard(there, painters);
  const input = { ...whole, count: 1, seed: parse(whole).seed };
  // Every value alone first: an error then names one value and not the forty cells that share it.
  for (const axis of there) checkValues(input, axis, there, parse);
  const grid: Grid = {
    columns: x.values.length,
    rows: y?.values.length ?? 1,
    pages: z?.values.length ?? 1,
  };
  const cellAt = (column: number, row: number, page: number): Cell => {
    const chosen = chosenAt([x, y, z], [column, row, page]);
    const index = (page * grid.rows + row) * grid.columns + column;
    return { index, column, row, page, request: parse(withValues(input, chosen)) };
  };
  const costAt = ({ request }: Cell): number => cellCost(request, named(request));
  checkCount({ x, y, z }, grid, limits, (c, r, p) => costAt(cellAt(c, r, p)));
  const cells: Cell[] = [];
  for (let page = 0; page < grid.pages; page++)
    for (let row = 0; row < grid.rows; row++)
      for (let column = 0; column < grid.columns; column++) cells.push(cellAt(column, row, page));
  const cost = cells.reduce((sum, cell) => sum + costAt(cell), 0);
  if (cost > limits.steps) {
    const known = (c: number, r: number, p: number): number =>
      costAt(cells[(p * grid.rows + r) * grid.columns + c] as Cell);
    const problem = sayOfSheet('sheet-too-many-steps', Math.round(cost), limits.steps);
    throw new UserError([problem, fitWords(largestFit(grid, limits, known), { x, y, z })]);
  }
  const pixels = model.nativeSize.width * model.nativeSize.height;
  return { x, y, z, base: (cells[0] as Cell).request, cells, cost, pixels };
}

/** @throws UserError for an axis that one of the models has no ear for */
function checkHeard(axes: readonly Axis[], painters: readonly ModelInfo[]): void {
  for (const { name } of axes) {
    const { field } = axisRow(name);
    const deaf =
      field === 'pagScale' ? undefined : painters.find((one) => !hearsOption(field, one));
    if (deaf !== undefined) throw new UserError(say('option-needs-guidance', name, deaf.name));
  }
}

/** Whose weights are varied, which models, and what all samplers are, is said once and for all. */
function settled(
  axis: Axis,
  input: RequestInput,
  model: ModelInfo,
  models: readonly ModelInfo[],
): Axis {
  if (axis.name === 'sampler' && axis.values.join() === allSamplers().join()) {
    const usable = samplersOf(model);
    return { ...axis, values: axis.values.filter((name) => usable.some((one) => one === name)) };
  }
  if (axis.name === 'schedule' && axis.values.join() === allSchedules().join()) {
    const usable: readonly string[] = schedulesOf(model);
    return { ...axis, values: axis.values.filter((name) => usable.includes(name)) };
  }
  if (axis.name === 'lora') return { ...axis, of: tagOf(axis, input) };
  if (axis.name !== 'model') return axis;
  const isAll = axis.values.length === 1 && axis.values[0]?.toLowerCase() === 'all';
  // What paints only over a picture does not paint from words.
  const all = models.filter((model) => modelToBeginWith([model]) !== undefined);
  const values = isAll
    ? all.map(({ name }) => name)
    : axis.values.map((name) => modelNamed(name, models).name);
  return { ...axis, values };
}

function chosenAt(axes: readonly (Axis | null)[], at: readonly number[]): Chosen[] {
  return axes.flatMap((axis, which) =>
    axis === null ? [] : [{ axis, value: axis.values[at[which] ?? 0] ?? '' }],
  );
}

function checkAxes(input: RequestInput, axes: readonly Axis[]): void {
  const seen = new Set<string>();
  for (const axis of axes) {
    const what = subjectOf(axis, input);
    if (seen.has(what)) throw new UserError(sayOfSheet('axes-alike', axis.name));
    seen.add(what);
  }
  const has = (name: Axis['name']): boolean => axes.some((axis) => axis.name === name);
  if (!isThere(input.init) && has('strength')) {
    throw new UserError(sayOfSheet('strength-needs-picture'));
  }
  if (!isThere(input.init) && !isThere(input.hires) && has('denoise') && !has('hires')) {
    throw new UserError(sayOfSheet('denoise-needs-second-pass'));
  }
}

/** Of what two axes cannot both be: several texts may be replaced, and several tags weighed. */
function subjectOf({ name, values, of = '' }: Axis, { init }: RequestInput): string {
  if (name === 'prompt') return `prompt ${values[0]}`;
  if (name === 'lora') return `lora ${of.toLowerCase()}`;
  return name === 'denoise' && isThere(init) ? 'strength' : name;
}

function checkValues(
  input: RequestInput,
  axis: Axis,
  axes: readonly Axis[],
  parse: (input: RequestInput) => GenerateRequest,
): void {
  const seen = new Map<string, string>();
  // A second pass of another axis is what some values are about.
  const hires = axes.find(({ name }) => axis.name === 'denoise' && name === 'hires');
  const factor = hires?.values.find((value) => Number(value) !== 1);
  const beside: Chosen[] =
    hires === undefined || factor === undefined ? [] : [{ axis: hires, value: factor }];
  for (const value of axis.values) {
    let request: GenerateRequest;
    try {
      request = parse(withValues(input, [...beside, { axis, value }]));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const which = sayOfSheet('value-cannot-be-used', axis.name, shownValue(value));
      throw new UserError([which, ...error.said]);
    }
    const meant = meaningOf(request, { axis, value });
    const twin = seen.get(meant);
    if (twin !== undefined) {
      throw new UserError(
        sayOfSheet('values-alike', axis.name, shownValue(twin), shownValue(value)),
      );
    }
    seen.set(meant, value);
  }
}

/** Steps at the model's own size; a step with guidance is two rows of the network. */
function cellCost(request: GenerateRequest, model: ModelInfo): number {
  const { width, height } = model.nativeSize;
  return costOf(request, model).rowPixels / 2 / (width * height);
}

function checkCount(
  axes: { x: Axis; y: Axis | null; z: Axis | null },
  grid: Grid,
  limits: SheetLimits,
  costAt: (column: number, row: number, page: number) => number,
): void {
  const { columns, rows, pages } = grid;
  const cells = columns * rows * pages;
  const { pages: mostPages = limits.cells } = limits;
  if (cells <= limits.cells && pages <= mostPages) return;
  const sides = [columns, ...(axes.y ? [rows] : []), ...(axes.z ? [pages] : [])];
  const words = sides.length === 1 ? String(cells) : `${sides.join(' x ')} = ${cells}`;
  const problem =
    cells > limits.cells
      ? sayOfSheet('sheet-too-many-cells', words, limits.cells)
      : sayOfSheet('sheet-too-many-pages', pages, mostPages);
  throw new UserError([problem, fitWords(largestFit(grid, limits, costAt), axes)]);
}
