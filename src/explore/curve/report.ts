import type { GenerateRequest } from '../../engine/request.ts';
import { type CurveLine, kneeWords } from './curve.ts';
import type { SheetPlan } from '../sheet/plan.ts';
import { type CellResult, lineOf } from '../sheet/run-sheet.ts';

/** What a sheet measured, as plain data: the content of measurements.json. */
export type SheetReport = {
  prompt: string;
  /** what all cells share, without the axes' own fields */
  shared: Readonly<Record<string, unknown>>;
  axes: readonly { name: string; values: readonly string[] }[];
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
};

export function reportSheet(
  plan: SheetPlan,
  painted: readonly CellResult[],
  curves: readonly CurveLine[],
  fileOf: (result: CellResult) => string | null,
): SheetReport {
  const axes = plan.y === null ? [plan.x] : [plan.x, plan.y];
  return {
    prompt: plan.base.prompt,
    shared: sharedFields(plan),
    axes: axes.map(({ name, values }) => ({ name, values })),
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
  { cell, image, seconds }: CellResult,
  curves: readonly CurveLine[],
  file: string | null,
): CellReport {
  const { request } = cell;
  const x = plan.x.values[plan.y === null ? cell.index : cell.column]!;
  const line = curves.find(({ label }) => label === lineOf(plan, cell));
  const point = line?.points.find(({ steps }) => steps === request.steps);
  return {
    x,
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
    strength: request.init?.strength ?? null,
    seconds,
    steady_seconds: point?.seconds ?? null,
    latent_distance: point?.latentDistance ?? null,
    rmse: point?.rmse ?? null,
    psnr: point === undefined || point.psnr === Infinity ? null : point.psnr,
    ssim: point?.ssim ?? null,
  };
}

/** One line a cell; RFC 4180. */
export function toCsv(cells: readonly CellReport[]): string {
  const [first] = cells;
  if (first === undefined) return '';
  const names = Object.keys(first) as (keyof CellReport)[];
  const rows = cells.map((cell) => names.map((name) => csvField(cell[name])));
  return [names, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

function csvField(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(Number(value.toPrecision(7)));
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function sharedFields(plan: SheetPlan): Record<string, unknown> {
  const varied = [plan.x.name, plan.y?.name];
  const { base } = plan;
  const all: Record<string, unknown> = {
    model: base.model,
    negative: base.negativePrompt,
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
  };
  for (const name of varied) if (name !== undefined) delete all[name];
  return all;
}

/** The line below a sheet's title: what its cells share, in the words of a recipe. */
export function subtitleOf(base: GenerateRequest, varied: readonly string[]): string {
  const has = (name: string): boolean => !varied.includes(name);
  const path = [has('sampler') ? base.sampler : null, pathEnd(base, has('schedule'))];
  const parts = [
    base.model.split(/[/\\]/).at(-1) ?? base.model,
    has('size') ? `${base.width}x${base.height}` : null,
    has('steps') ? `${base.steps} steps` : null,
    path.filter((part) => part !== null).join(' '),
    has('cfg') ? `cfg ${base.guidanceScale}` : null,
    has('seed') ? `seed ${base.seed}` : null,
    has('clip_skip') && base.clipSkip > 1 ? `clip skip ${base.clipSkip}` : null,
    has('pag') && base.pagScale ? `pag ${base.pagScale}` : null,
    has('strength') && base.init !== null ? `strength ${base.init.strength}` : null,
  ];
  return parts.filter((part) => part !== null && part !== '').join(' · ');
}

function pathEnd({ schedule }: GenerateRequest, shown: boolean): string | null {
  return shown && schedule !== 'automatic' ? schedule : null;
}
