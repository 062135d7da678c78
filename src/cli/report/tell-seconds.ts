import { costAmong } from '../../engine/request/cost.ts';
import { UserError } from '../../engine/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { GenerateRequest, ModelInfo } from '../../engine/request.ts';
import { type PromptResult } from '../../explore/report/report-data.ts';
import { type ReportPlan } from '../../explore/report/report-plan.ts';
import type { Cell } from '../../explore/sheet/plan.ts';
import type { ExploreArguments } from '../arguments/explore-arguments.ts';
import type { ProgressBar } from '../screen/progress-bar.ts';
import { durationWords } from './duration.ts';

export type ReportTools = {
  engine: Engine;
  /** the model of the request, under the name that the request has */
  model: ModelInfo;
  models: readonly ModelInfo[];
  signal: AbortSignal;
  bar: ProgressBar;
  /** one line for the person; stdout is for what came of it */
  tell: (line: string) => void;
};

export type Wanted = Extract<ExploreArguments['what'], { kind: 'report' }>;

/** Says how large a report becomes: prompts x values of each axis x seeds, pictures, steps in all. */
export function sizeWords(
  { plans, pictures, steps }: ReportPlan,
  { x, y, z, seeds }: Wanted,
): string {
  const sides = [x, y, z].filter((axis) => axis !== null).map(({ values }) => values.length);
  const parts = [
    plans.length === 1 ? '1 prompt' : `${plans.length} prompts`,
    ...sides.map(String),
    ...(seeds > 1 ? [`${seeds} seeds`] : []),
  ];
  return `${parts.join(' x ')} = ${pictures} pictures, ${Math.round(steps)} steps`;
}

/** Steps of the two pictures that the machine is measured with: what they differ by is steps alone. */
const TRIALS = [2, 8] as const;

/** What the missing pictures will take: by those that are there, else by small ones, painted for that alone. */
export async function tellSeconds(
  { plans }: ReportPlan,
  results: readonly PromptResult[],
  { engine, models, signal, tell }: ReportTools,
): Promise<void> {
  const work = (request: GenerateRequest): number => costAmong(request, models).rowPixels;
  const painted = results.flatMap(({ cells }) => cells);
  const there = new Set(painted.map(({ cell }) => cell));
  const cells = plans.flatMap((plan) => plan.cells);
  const left = cells.filter((cell) => !there.has(cell)).map(({ request }) => work(request));
  const sum = left.reduce((all, one) => all + one, 0);
  if (left.length === 0) return;
  let seconds: number;
  if (painted.length > 0) {
    const taken = painted.reduce((all, cell) => all + cell.seconds, 0);
    seconds = (sum * taken) / painted.reduce((all, { cell }) => all + work(cell.request), 0);
  } else {
    const [{ request }] = cells.toSorted((a, b) => work(a.request) - work(b.request)) as [Cell];
    const trial = async (steps: number): Promise<number> => {
      const small = { ...request, steps, each: null, count: 1 };
      const { timings } = await engine.generate(small, { previews: false, signal });
      return (timings.total_ms - timings.load_ms) / 1000;
    };
    try {
      // The first one warms the networks up.
      await trial(TRIALS[0]);
      const [short, long] = [await trial(TRIALS[0]), await trial(TRIALS[1])];
      const [less, more] = TRIALS.map((steps) => work({ ...request, steps })) as [number, number];
      const rate = Math.max(0, long - short) / Math.max(1, more - less);
      seconds = sum * rate + left.length * Math.max(0, short - less * rate);
    } catch (error) {
      // What cannot be painted is told with its cell.
      if (error instanceof UserError) return;
      throw error;
    }
  }
  tell(
    `About ${durationWords(seconds)} on this machine. Stop whenever you like (Ctrl-C): the same command goes on from there.`,
  );
}
