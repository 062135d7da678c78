import sharp from 'sharp';
import type { Engine } from '../engine/engine.ts';
import { UserError } from '../engine/errors.ts';
import type { GeneratedImage, GenerateResult, Progress } from '../engine/request.ts';
import { convergenceOf, type CurveLine, measureLine } from './curve.ts';
import type { Rgb } from './measures.ts';
import { type Cell, type Group, groupCells, type SheetPlan } from './plan.ts';

/** What a curve needs of one painted cell. */
export type PaintedCell = {
  cell: Cell;
  png: Uint8Array;
  /** this picture's share of its batch: text, network and VAE, without loading the model */
  seconds: number;
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
  let refused: UserError | null = null;
  for (const group of groupCells(plan)) {
    const { cells } = group;
    hooks.onStart?.(cells);
    let result: GenerateResult;
    try {
      result = await paintGroup(engine, group, hooks);
    } catch (error) {
      if (!(error instanceof UserError) || hooks.onRefused === undefined) throw error;
      refused = error;
      await hooks.onRefused(cells, error);
      continue;
    }
    for (const one of split(result, cells)) {
      painted.push(one);
      await hooks.onCell?.(one);
    }
  }
  if (painted.length === 0 && refused !== null) throw refused;
  return painted;
}

function paintGroup(
  engine: Engine,
  { request, cells }: Group,
  { signal, onProgress }: SheetHooks,
): Promise<GenerateResult> {
  return engine.generate(request, {
    previews: false,
    keepLatents: true,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onProgress?.(progress, cells),
  });
}

/** A batch's result as its cells'. */
function split(result: GenerateResult, cells: readonly Cell[]): CellResult[] {
  const { timings, latents } = result;
  const seconds = (timings.total_ms - timings.load_ms) / 1000 / cells.length;
  return cells.map((cell, index) => {
    const image = result.images[index];
    if (image === undefined || latents === undefined) throw new Error('a picture is missing');
    const size = latents.data.length / cells.length;
    return {
      cell,
      image,
      png: image.png,
      seconds,
      latents: latents.data.slice(index * size, (index + 1) * size),
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
  const { x, y } = plan;
  const stepsAcross = x.name === 'steps';
  const steps = stepsAcross ? x : y?.name === 'steps' ? y : null;
  if (steps === null || steps.values.length < 2) return [];
  const other = stepsAcross ? y : x;
  const lines: CurveLine[] = [];
  for (const [at, value] of (other?.values ?? [null]).entries()) {
    const own = painted.filter(({ cell }) => (stepsAcross ? cell.row : cell.column) === at);
    const [first] = own;
    if (first === undefined || own.length < 2) continue;
    const shots = [];
    for (const { cell, png, seconds, latents } of own) {
      shots.push({ steps: cell.request.steps, seconds, latents, pixels: await toRgb(png) });
    }
    const label =
      value === null ? (first.cell.request.sampler ?? 'the model') : lineLabel(other!.name, value);
    lines.push(await measureLine(label, convergenceOf(first.cell.request), shots));
  }
  return lines;
}

function lineLabel(axis: string, value: string): string {
  return axis === 'sampler' || axis === 'schedule' || axis === 'size' ? value : `${axis} ${value}`;
}

/** A PNG as its pixels. */
export async function toRgb(png: Uint8Array): Promise<Rgb> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
