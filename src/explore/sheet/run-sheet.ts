import sharp from 'sharp';
import type { Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import type { GeneratedImage, GenerateResult, Progress } from '../../engine/result.ts';
import { convergenceOf, type CurveLine, measureLine } from '../curve/curve.ts';
import type { Rgb } from '../curve/measures.ts';
import { type Pace, steadySeconds } from '../calibration/pace.ts';
import { axisRow } from './axes.ts';
import { axisTitle, shownValue } from './axis.ts';
import { type Group, groupCells } from './groups.ts';
import type { Cell, SheetPlan } from './plan.ts';

/** What a curve needs of one painted cell. */
export type PaintedCell = {
  cell: Cell;
  png: Uint8Array;
  /** by the clock, this picture's share of its batch: text, network and VAE, without loading the model */
  seconds: number;
  /** null where only the whole was measured */
  pace: Pace | null;
  /** final latents [C,h,w]; null where they were not kept */
  latents: Float32Array | null;
};

export type CellResult = PaintedCell & { image: GeneratedImage };

export type SheetHooks = {
  signal?: AbortSignal;
  onStart?: (cells: readonly Cell[]) => void;
  onProgress?: (progress: Progress, cells: readonly Cell[]) => void;
  onCell?: (result: CellResult) => Promise<void> | void;
  /** cells that the model refuses; without it the refusal ends the sheet */
  onRefused?: (cells: readonly Cell[], error: UserError) => Promise<void> | void;
};

/**
 * Paints a sheet cell by cell on an engine of one's own (the bot sends its cells through the queue instead).
 * @throws what the engine throws; finished cells were told by then. UserError when every cell was refused
 */
export async function paintSheet(
  engine: Engine,
  plan: SheetPlan,
  hooks: SheetHooks,
): Promise<CellResult[]> {
  const painted: CellResult[] = [];
  const refused = await paintCells(engine, plan, true, {
    ...hooks,
    async onCell(one) {
      painted.push(one);
      await hooks.onCell?.(one);
    },
  });
  if (painted.length === 0 && refused !== null) throw refused;
  return painted;
}

/** The same of some cells of a plan, none of which is kept here. Answers why the last of those refused was. */
export async function paintCells(
  engine: Engine,
  plan: Pick<SheetPlan, 'cells' | 'pixels'>,
  keepLatents: boolean,
  hooks: SheetHooks,
): Promise<UserError | null> {
  let refused: UserError | null = null;
  for (const group of groupCells(plan)) {
    const { cells } = group;
    hooks.onStart?.(cells);
    let result: GenerateResult;
    try {
      result = await paintGroup(engine, group, keepLatents, hooks);
    } catch (error) {
      if (!(error instanceof UserError) || hooks.onRefused === undefined) throw error;
      refused = error;
      await hooks.onRefused(cells, error);
      continue;
    }
    for (const one of split(result, cells)) await hooks.onCell?.(one);
  }
  return refused;
}

function paintGroup(
  engine: Engine,
  { request, cells }: Group,
  keepLatents: boolean,
  { signal, onProgress }: SheetHooks,
): Promise<GenerateResult> {
  return engine.generate(request, {
    previews: false,
    keepLatents,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onProgress?.(progress, cells),
  });
}

/** A batch's result as its cells'. */
function split(result: GenerateResult, cells: readonly Cell[]): CellResult[] {
  const { timings, latents } = result;
  const seconds = (timings.total_ms - timings.load_ms) / 1000 / cells.length;
  const steps = timings.steps_ms.map((ms) => ms / 1000 / cells.length);
  const pace = paceOf(seconds, steps, timings.resumed_steps);
  return cells.map((cell, index) => {
    const image = result.images[index];
    if (image === undefined) throw new Error('a picture is missing');
    const size = (latents?.data.length ?? 0) / cells.length;
    return {
      cell,
      image,
      png: image.png,
      seconds,
      pace,
      latents: latents?.data.slice(index * size, (index + 1) * size) ?? null,
    };
  });
}

/**
 * The curves of a sheet with an axis of steps: one for every value of the other axis. Empty for other sheets, for
 * a single step count, and where the other axis is size, strength 0 or the like left nothing to compare.
 */
export async function curvesOf(
  plan: SheetPlan,
  painted: readonly PaintedCell[],
): Promise<CurveLine[]> {
  const steps = [plan.x, plan.y, plan.z].find((axis) => axis?.name === 'steps');
  if (!steps || steps.values.length < 2) return [];
  const lines: CurveLine[] = [];
  for (const own of Map.groupBy(painted, ({ cell }) => lineOf(plan, cell)).entries()) {
    const [label, shots] = own;
    if (shots.length < 2) continue;
    const seconds = secondsOfLine(shots);
    const measured = [];
    for (const [index, { cell, png, latents }] of shots.entries()) {
      const pixels = await toRgb(png);
      measured.push({ steps: cell.request.steps, seconds: seconds[index]!, latents, pixels });
    }
    lines.push(await measureLine(label, convergenceOf(shots[0]!.cell.request), measured));
  }
  return lines;
}

/** The curve that a cell of a steps sheet belongs to: by the values of the other axes, or its sampler. */
export function lineOf({ x, y, z }: SheetPlan, { column, row, page, request }: Cell): string {
  const places = [
    [x, column],
    [y, row],
    [z, page],
  ] as const;
  const words = places.flatMap(([axis, at]) => {
    if (axis === null || axis.name === 'steps') return [];
    const value = shownValue(axis.values[at] ?? '');
    return axisRow(axis.name).speaks ? [value] : [`${axisTitle(axis)} ${value}`];
  });
  return words.length === 0 ? (request.sampler ?? 'the model') : words.join(' · ');
}

/** Compared with each other, they should not differ by what else the machine had to do: see steadySeconds. */
function secondsOfLine(own: readonly PaintedCell[]): number[] {
  const paces = own.map(({ pace }) => pace).filter((pace) => pace !== null);
  return paces.length === own.length ? steadySeconds(paces) : own.map(({ seconds }) => seconds);
}

/**
 * Splits a run's seconds into its steps and the rest. `missing` steps were taken by an earlier run and have no time.
 */
export function paceOf(seconds: number, steps: readonly number[], missing: number = 0): Pace {
  const rest = seconds - steps.reduce((sum, step) => sum + step, 0);
  return { steps, missing, rest: Math.max(0, rest) };
}

/** A PNG as its pixels. */
export async function toRgb(png: Uint8Array): Promise<Rgb> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
