import type { GenerateRequest } from '../../engine/request.ts';
import { type CurveLine, kneeWords } from './curve.ts';
import { type AxisRow, AXIS_ROWS } from '../sheet/axes.ts';
import type { SheetPlan } from '../sheet/plan.ts';
import { lineOf, type PaintedCell } from '../sheet/run-sheet.ts';

/** What a sheet measured, as plain data: the content of measurements.json. */
export type SheetReport = {
  prompt: string;
  /** what all cells share, without the axes' own fields */
  shared: Readonly<Record<string, unknown>>;
  axes: readonly { name: string; values: readonly string[]; of?: string }[];
  cells: readonly CellReport[];
  curves: readonly (CurveLine & { words: string; reference: number })[];
};

export type CellReport = {
  x: string;
  y: string | null;
  file: string | null;
  seed: string;
  width: number;
  height: number;
  steps: number;
  sampler: string | null;
  schedule: string;
  cfg: number;
  clip_skip: number;
  pag: number;
  /** of a start picture, or of hires fix's second pass */
  strength: number | null;
  /** by the clock */
  seconds: number;
  /** as the curve counts them: without what else the machine did; null where there is no curve */
  steady_seconds: number | null;
  /** to the picture with the most steps of the same line; null where there is no curve */
  latent_distance: number | null;
  rmse: number | null;
  /** dB; null also for equal pictures */
  psnr: number | null;
  ssim: number | null;
  z: string | null;
  model: string;
  prompt: string;
  negative: string;
  cfg_rescale: number;
  /** factor of hires fix; 1: none */
  hires: number;
} & YoungerNumbers;

/** Numbers that axes have learnt since the columns above were given out, in a sheet that says something of them. */
type YoungerNumbers = { [name: string]: string | number | null };

const OLDER: readonly string[] = ['steps', 'cfg', 'cfg_rescale', 'clip_skip', 'pag', 'seed'];
const YOUNGER: readonly AxisRow[] = AXIS_ROWS.filter(
  ({ name, kind, field }) =>
    field !== undefined && (kind === 'whole' || kind === 'decimal') && !OLDER.includes(name),
);

function numberOf(request: GenerateRequest, { field }: AxisRow): number | null {
  const value = field === undefined ? null : request[field];
  return typeof value === 'number' ? value : null;
}

function youngerNumbers({ cells }: SheetPlan, of: GenerateRequest): YoungerNumbers {
  const told = YOUNGER.filter((row) =>
    cells.some(({ request }) => numberOf(request, row) !== null),
  );
  return Object.fromEntries(told.map((row) => [row.name, numberOf(of, row)]));
}

/** What the figures need of a painted cell. */
export type MeasuredCell = Pick<PaintedCell, 'cell' | 'seconds'> & {
  image: { seed: bigint | string; width: number; height: number };
};

/** Makes the plain data of one sheet of a report; `fileOf` names a cell's picture, null where there is none. */
export function reportSheet<T extends MeasuredCell>(
  plan: SheetPlan,
  painted: readonly T[],
  curves: readonly CurveLine[],
  fileOf: (result: T) => string | null,
): SheetReport {
  const axes = [plan.x, plan.y, plan.z].filter((axis) => axis !== null);
  return {
    prompt: plan.base.prompt,
    shared: sharedFields(plan),
    axes: axes.map(({ name, values, of }) => ({ name, values, ...(of !== undefined && { of }) })),
    cells: painted.map((result) => reportCell(plan, result, curves, fileOf(result))),
    curves: curves.map((line) => ({
      ...line,
      words: kneeWords(line),
      reference: line.points.at(-1)!.steps,
    })),
  };
}

function reportCell(
  plan: SheetPlan,
  { cell, image, seconds }: MeasuredCell,
  curves: readonly CurveLine[],
  file: string | null,
): CellReport {
  const { request } = cell;
  const line = curves.find(({ label }) => label === lineOf(plan, cell));
  const point = line?.points.find(({ steps }) => steps === request.steps);
  return {
    x: plan.x.values[cell.column] ?? '',
    y: plan.y?.values[cell.row] ?? null,
    file,
    seed: String(image.seed),
    width: image.width,
    height: image.height,
    steps: request.steps,
    sampler: request.sampler,
    schedule: request.schedule,
    cfg: request.guidanceScale,
    clip_skip: request.clipSkip,
    pag: request.pagScale ?? 0,
    strength: request.init?.strength ?? request.hires?.strength ?? null,
    seconds,
    steady_seconds: point?.seconds ?? null,
    latent_distance: point?.latentDistance ?? null,
    rmse: point?.rmse ?? null,
    psnr: point === undefined || point.psnr === Infinity ? null : point.psnr,
    ssim: point?.ssim ?? null,
    z: plan.z?.values[cell.page] ?? null,
    model: request.model,
    prompt: request.prompt,
    negative: request.negativePrompt,
    cfg_rescale: request.guidanceRescale,
    hires: request.hires?.scale ?? 1,
    ...youngerNumbers(plan, request),
  };
}

/** One line a cell; RFC 4180. */
export function toCsv(cells: readonly CellReport[]): string {
  const [first] = cells;
  if (first === undefined) return '';
  const names = Object.keys(first) as (keyof CellReport)[];
  const rows = cells.map((cell) => names.map((name) => csvField(cell[name] ?? null)));
  return [names, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

function csvField(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(Number(value.toPrecision(7)));
  // A prompt that begins like a formula would be one to a spreadsheet.
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function sharedFields(plan: SheetPlan): Record<string, unknown> {
  const varied = variedIn(plan);
  const { base } = plan;
  const all: Record<string, unknown> = {
    model: base.model,
    negative: base.negativePrompt,
    hires: base.hires ?? null,
    cfg_rescale: base.guidanceRescale,
    size: `${base.width}x${base.height}`,
    steps: base.steps,
    cfg: base.guidanceScale,
    sampler: base.sampler,
    schedule: base.schedule,
    seed: String(base.seed),
    clip_skip: base.clipSkip,
    pag: base.pagScale ?? 0,
    strength: base.init?.strength ?? null,
    rng: base.rng,
    profile: base.profile,
    ...youngerNumbers(plan, base),
  };
  for (const name of varied) delete all[name];
  return all;
}

/** What the cells of a sheet differ in: its axes, and what goes with them where models are compared. */
export function variedIn({ x, y, z, base, cells }: SheetPlan): string[] {
  const axes = [x, y, z].filter((axis) => axis !== null).map(({ name }) => name);
  if (!axes.includes('model')) return axes;
  const differs = (of: (request: GenerateRequest) => unknown): boolean =>
    cells.some(({ request }) => of(request) !== of(base));
  const differing = AXIS_ROWS.filter(({ field }) => field && differs((request) => request[field]));
  const sizes = differs(({ width, height }) => `${width}x${height}`) ? ['size'] : [];
  return [...new Set([...axes, ...sizes, ...differing.map(({ name }) => name)])];
}

/** The line below a sheet's title: what its cells share, in the words of a recipe. */
export function subtitleOf(base: GenerateRequest, varied: readonly string[]): string {
  const has = (name: string): boolean => !varied.includes(name);
  const path = [has('sampler') ? base.sampler : null, pathEnd(base, has('schedule'))];
  const { hires } = base;
  const parts = [
    has('model') ? (base.model.split(/[/\\]/).at(-1) ?? base.model) : null,
    has('size') ? `${base.width}x${base.height}` : null,
    has('steps') ? `${base.steps} steps` : null,
    path.filter((part) => part !== null).join(' '),
    has('cfg') ? `cfg ${base.guidanceScale}` : null,
    has('cfg_rescale') && base.guidanceRescale > 0 ? `cfg rescale ${base.guidanceRescale}` : null,
    has('seed') ? `seed ${base.seed}` : null,
    has('clip_skip') && base.clipSkip > 1 ? `clip skip ${base.clipSkip}` : null,
    has('pag') && base.pagScale ? `pag ${base.pagScale}` : null,
    has('strength') && has('denoise') && base.init !== null
      ? `strength ${base.init.strength}`
      : null,
    hires && has('hires') ? `hires ${hires.scale}x` : null,
    hires && has('denoise') ? `denoise ${hires.strength}` : null,
    ...YOUNGER.map((row) => youngerWords(row, base, has)),
  ];
  return parts.filter((part) => part !== null && part !== '').join(' · ');
}

function youngerWords(
  row: AxisRow,
  base: GenerateRequest,
  has: (name: string) => boolean,
): string | null {
  const value = numberOf(base, row);
  return value !== null && has(row.name) ? `${row.name} ${value}` : null;
}

function pathEnd({ schedule }: GenerateRequest, shown: boolean): string | null {
  return shown && schedule !== 'automatic' ? schedule : null;
}
