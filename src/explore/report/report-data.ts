import { type CurveLine, type CurvePoint, findKnee, kneeSentence } from '../curve/curve.ts';
import { type CellReport, type MeasuredCell, reportSheet, variedIn } from '../curve/report.ts';
import type { Said } from '../../engine/said.ts';
import type { AxisName } from '../sheet/axes.ts';
import { axisTitle, shownValue } from '../sheet/axis.ts';
import type { Cell, SheetPlan } from '../sheet/plan.ts';
import { curvesOf, lineOf, type PaintedCell } from '../sheet/run-sheet.ts';

/** A painted cell as the page shows it. */
export type ReportCell = PaintedCell &
  MeasuredCell & {
    infotext: string;
    /** WebP; what is shown in the page */
    picture: Uint8Array;
  };

/** Cells without a picture, and why. */
export type ReportTrouble = { cell: Cell; why: string };

export type PromptResult = {
  plan: SheetPlan;
  cells: readonly ReportCell[];
  troubles: readonly ReportTrouble[];
};

/** A point of a curve over several seeds: the mean of each measure, and how far SSIM goes to either side. */
type SharedPoint = CurvePoint & { ssimLeast: number; ssimMost: number };

/** Plain data of one prompt: what the page reads. */
export type PromptData = {
  prompt: string;
  cells: {
    at: readonly number[];
    seed: string;
    width: number;
    height: number;
    recipe: string;
    /** base64 of a WebP; null: there is none */
    picture: string | null;
    why: string | null;
    figures: Partial<CellReport>;
  }[];
  curves: {
    label: string;
    convergence: string;
    knee: number | null;
    words: string;
    points: SharedPoint[];
  }[];
};

export type ReportAxis = { name: AxisName; title: string; values: string[] };

export type ReportFigures = {
  axes: ReportAxis[];
  prompts: PromptData[];
  cells: (CellReport & { prompt_number: number })[];
};

/** Everything measured of a report, prompt by prompt. */
export async function measureReport(
  results: Iterable<PromptResult> | AsyncIterable<PromptResult>,
  fileOf: (prompt: number, cell: Cell) => string | null,
  spoken: (said: Said) => string = ({ words }) => words,
): Promise<ReportFigures> {
  const prompts: PromptData[] = [];
  const rows: ReportFigures['cells'] = [];
  let axes: ReportAxis[] = [];
  for await (const { plan, cells, troubles } of results) {
    const number = prompts.length;
    if (number === 0) axes = axesOf(plan);
    const lines = await curvesOf(plan, cells);
    const report = reportSheet(plan, cells, lines, ({ cell }) => fileOf(number, cell));
    rows.push(...report.cells.map((cell) => ({ ...cell, prompt_number: number + 1 })));
    const figures = new Map(cells.map(({ cell }, at) => [cell.index, report.cells[at]]));
    const painted = new Map(cells.map((one) => [one.cell.index, one]));
    const why = new Map(troubles.map((one) => [one.cell.index, one.why]));
    prompts.push({
      prompt: plan.base.prompt,
      cells: plan.cells.map((cell) => dataOf(cell, painted, figures, why)),
      curves: curveData(plan, cells, lines, spoken),
    });
  }
  return { axes, prompts, cells: rows };
}

function axesOf({ x, y, z }: SheetPlan): ReportAxis[] {
  return [x, y, z]
    .filter((axis) => axis !== null)
    .map((axis) => ({
      name: axis.name,
      title: axisTitle(axis),
      values: axis.values.map(shownValue),
    }));
}

function dataOf(
  cell: Cell,
  painted: ReadonlyMap<number, ReportCell>,
  figures: ReadonlyMap<number, CellReport | undefined>,
  why: ReadonlyMap<number, string>,
): PromptData['cells'][number] {
  const one = painted.get(cell.index);
  const { request } = cell;
  return {
    at: [cell.column, cell.row, cell.page],
    seed: String(one?.image.seed ?? request.seed),
    width: one?.image.width ?? request.width,
    height: one?.image.height ?? request.height,
    recipe: one?.infotext ?? '',
    picture: one === undefined ? null : Buffer.from(one.picture).toString('base64'),
    why: why.get(cell.index) ?? null,
    figures: figures.get(cell.index) ?? {},
  };
}

/** Curves of one prompt: lines that differ in nothing but the seed become one. */
function curveData(
  plan: SheetPlan,
  cells: readonly ReportCell[],
  lines: readonly CurveLine[],
  spoken: (said: Said) => string,
): PromptData['curves'] {
  const isSeeds = plan.z?.name === 'seed';
  const shared = { ...plan, z: isSeeds ? null : plan.z };
  const nameOf = new Map(cells.map(({ cell }) => [lineOf(plan, cell), lineOf(shared, cell)]));
  const groups = Map.groupBy(lines, ({ label }) => nameOf.get(label) ?? label);
  return [...groups].map(([label, own]) => {
    const { convergence } = own[0] as CurveLine;
    const points = sharedPoints(own);
    // Whoever is the slowest of the seeds decides.
    const least = points.map((point) => ({ ...point, ssim: point.ssimLeast }));
    const at = findKnee(convergence, least)?.steps ?? null;
    const knee = points.find(({ steps }) => steps === at) ?? null;
    const words = spoken(kneeSentence({ label, convergence, points, knee }));
    return { label, convergence, knee: at, words, points };
  });
}

function sharedPoints(lines: readonly CurveLine[]): SharedPoint[] {
  const all = lines.flatMap(({ points }) => points);
  const bySteps = Map.groupBy(all, ({ steps }) => steps);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return [...bySteps]
    .toSorted(([a], [b]) => a - b)
    .map(([steps, points]) => {
      const far = points.map(({ latentDistance }) => latentDistance).filter((one) => one !== null);
      const near = points.map(({ ssim }) => ssim);
      return {
        steps,
        seconds: mean(points.map(({ seconds }) => seconds)),
        latentDistance: far.length === points.length ? mean(far) : null,
        rmse: mean(points.map(({ rmse }) => rmse)),
        psnr: mean(points.map(({ psnr }) => psnr)),
        ssim: mean(near),
        ssimLeast: Math.min(...near),
        ssimMost: Math.max(...near),
      };
    });
}

/** What all pictures of a report share, as words of a recipe: the same for each prompt. */
export function sharedWords(plan: SheetPlan): readonly string[] {
  return ['prompt', ...variedIn(plan)];
}
