import { type PaintedCell, paceOf } from '../../explore/sheet/run-sheet.ts';
import type { Cell } from '../../explore/sheet/plan.ts';
import type { StoredImage, StoredResult } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { addSnapshots } from './sheet-snapshots.ts';
import type { SheetState } from './sheet-state.ts';
import type { Text } from '../text/text.ts';

/** A finished job's pictures into their cells. */
export async function takeResult(
  state: SheetState,
  cells: readonly Cell[],
  result: StoredResult,
  pictures: PictureStore,
  text: Text,
): Promise<void> {
  // Steps on the way to a picture that nobody may see are not shown either.
  state.snapshots = [];
  if (result.snapshots !== undefined) return addSnapshots(state, result, pictures, text);
  const found = await paintedIn(cells, result, pictures, state.report === null);
  for (const cell of found.withheld) {
    const { cellWithheld: words, keptBack: why } = text.sheet;
    state.failed.push({ cells: [cell], why });
    await state.sheet.setTile(cell.index, { state: 'failed', words });
  }
  for (const one of found.painted) {
    const { cell, png, seconds } = one;
    const note = `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
    if (state.report === null) {
      await state.sheet.setTile(cell.index, { state: 'done', picture: png, note });
    }
    state.painted.push(one);
  }
}

const NOT_READ = new Uint8Array();

export type FoundCell = PaintedCell & { image: StoredImage };

/** A finished job's cells; `read` false: only what they took, not the pictures themselves. */
export async function paintedIn(
  cells: readonly Cell[],
  result: StoredResult,
  pictures: PictureStore,
  read: boolean,
): Promise<{ painted: FoundCell[]; withheld: Cell[] }> {
  const seconds = (result.seconds - (result.loadSeconds ?? 0)) / cells.length;
  const pace = result.stepSeconds
    ? paceOf(
        seconds,
        result.stepSeconds.map((step) => step / cells.length),
        result.resumedSteps,
      )
    : null;
  const raw = read && result.latents !== undefined ? await pictures.get(result.latents) : null;
  const { withheld: kept = [] } = result;
  const painted: FoundCell[] = [];
  const withheld: Cell[] = [];
  let shown = 0;
  for (const [at, cell] of cells.entries()) {
    if (kept.includes(at) || result.images.length === 0) {
      withheld.push(cell);
      continue;
    }
    const image = result.images[shown++];
    const png = image === undefined ? null : read ? await pictures.get(image.key) : NOT_READ;
    if (image === undefined || png === null) continue;
    const latents = raw === null ? null : latentsOf(raw, at, cells.length);
    painted.push({ cell, png, seconds, pace, latents, image });
  }
  return { painted, withheld };
}

/** The bytes of one picture's float32 latents out of its batch's. */
function latentsOf(raw: Uint8Array, at: number, count: number): Float32Array {
  const copy = raw.slice();
  const all = new Float32Array(copy.buffer, 0, Math.floor(copy.byteLength / 4));
  const size = all.length / count;
  return all.slice(at * size, (at + 1) * size);
}
