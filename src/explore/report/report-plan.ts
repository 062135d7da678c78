import { UserError } from '../../engine/errors.ts';
import { LIMITS } from '../../engine/request-codec.ts';
import type { ModelInfo, RequestInput } from '../../engine/request.ts';
import { parseRequest } from '../../engine/request-codec.ts';
import { sayOfSheet } from '../sentences.ts';
import { type Axis, shortened } from '../sheet/axis.ts';
import { type SheetLimits } from '../sheet/largest-fit.ts';
import { planSheet, type SheetPlan } from '../sheet/plan.ts';

/** An experiment: the same sheet for each of several prompts, each cell with several seeds. */
export type ReportOrder = {
  prompts: readonly string[];
  /** what all cells share, before the axes' values; its seed is the first of each cell's */
  input: RequestInput;
  x: Axis;
  y: Axis | null;
  /** of one seed alone: a third axis */
  z: Axis | null;
  seeds: number;
};

export type ReportPlan = {
  /** one a prompt; their third axis is the seed where there are several */
  plans: readonly SheetPlan[];
  pictures: number;
  /** at the model's own size */
  steps: number;
};

export type ReportLimits = SheetLimits & { prompts: number; seeds: number };

/** At the command line nobody else waits: only what a page can hold is a limit. */
export const REPORT_LIMITS: ReportLimits = {
  cells: 5000,
  steps: 2_000_000,
  prompts: 100,
  seeds: 100,
};

/**
 * @throws UserError for no prompt, too many, a third axis beside several seeds, and whatever a single sheet is refused
 *   for, naming the prompt
 */
export function planReport(
  { prompts, input, x, y, z, seeds }: ReportOrder,
  model: ModelInfo,
  models: readonly ModelInfo[],
  limits: ReportLimits = REPORT_LIMITS,
  accepted = false,
): ReportPlan {
  if (prompts.length === 0) throw new UserError(sayOfSheet('report-needs-prompts'));
  if (prompts.length > limits.prompts)
    throw new UserError(sayOfSheet('report-too-many-prompts', prompts.length, limits.prompts));
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > limits.seeds)
    throw new UserError(sayOfSheet('report-seeds', limits.seeds));
  if (seeds > 1 && z !== null) throw new UserError(sayOfSheet('report-third-axis'));
  const isSeedVaried = [x, y].some((axis) => axis?.name === 'seed');
  if (seeds > 1 && isSeedVaried) throw new UserError(sayOfSheet('axes-alike', 'seed'));
  // One beginning for all prompts, so that they can be compared.
  const { seed: first } = parseRequest({ ...input, prompt: prompts[0] }, model);
  const third = seeds > 1 ? seedAxis(first, seeds) : z;
  const each = { cells: limits.cells, steps: limits.steps };
  const plans = prompts.map((prompt, at) => {
    const wanted = { input: { ...input, prompt, seed: first }, x, y, z: third, models, accepted };
    try {
      return planSheet(wanted, model, each);
    } catch (error) {
      if (!(error instanceof UserError) || prompts.length === 1) throw error;
      throw new UserError([sayOfSheet('report-prompt', at + 1, shortened(prompt)), ...error.said]);
    }
  });
  const pictures = plans.reduce((sum, { cells }) => sum + cells.length, 0);
  const steps = plans.reduce((sum, { cost }) => sum + cost, 0);
  if (pictures > limits.cells)
    throw new UserError(sayOfSheet('report-too-many-pictures', pictures, limits.cells));
  if (steps > limits.steps)
    throw new UserError(sayOfSheet('sheet-too-many-steps', Math.round(steps), limits.steps));
  return { plans, pictures, steps };
}

/** Consecutive seeds, as a batch takes them; after the last there is comes the first. */
function seedAxis(first: bigint, count: number): Axis {
  const values = Array.from({ length: count }, (_, at) =>
    String((first + BigInt(at)) % (LIMITS.seed.max + 1n)),
  );
  return { name: 'seed', values };
}

/** Prompts as a file lists them: one a line; empty lines, and those that begin with #, are none. */
export function promptsIn(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
