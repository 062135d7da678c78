import { lorasCalled } from '../../engine/request/lora-weight.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { Cell, SheetPlan } from './plan.ts';

/** Cells that are painted in one go, as one batch. */
export type Group = { request: GenerateRequest; cells: readonly Cell[] };

/** Pictures in one batch at most: memory grows with it, the gain hardly. */
const BATCH = 4;
/** Steps of one batch at most, counted at the model's own size: others wait for a batch to end. */
const BATCH_STEPS = 160;

/**
 * Cells that share size, steps, sampler and all else but seed, guidance scale and clip skip are painted as one batch;
 * each comes out the same to the byte as alone (test/explore/sheet/run-sheet.test.ts). Groups are in the order of their
 * first cells, but all of one opened model after each other: opening it takes its seconds once.
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
  const byModel = Map.groupBy(groups, (group) => openedFor((group.cells[0] as Cell).request));
  return [...byModel.values()]
    .flat()
    .map((group) => ({ cells: group.cells, request: batchOf(group.cells) }));
}

/** What a model is opened with: another is another one in memory. */
function openedFor(request: GenerateRequest): string {
  return JSON.stringify([request.model, lorasCalled(request)]);
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
