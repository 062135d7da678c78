import { paceOf } from '../../explore/sheet/run-sheet.ts';
import type { Cell } from '../../explore/sheet/plan.ts';
import type { StoredResult } from '../../queue/job.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { takeLooks } from './sheet-looks.ts';
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
  state.looks = [];
  if (result.looks !== undefined) return takeLooks(state, result, pictures, text);
  const seconds = (result.seconds - (result.loadSeconds ?? 0)) / cells.length;
  const pace = result.stepSeconds
    ? paceOf(
        seconds,
        result.stepSeconds.map((step) => step / cells.length),
        result.resumedSteps,
      )
    : null;
  const raw = result.latents === undefined ? null : await pictures.get(result.latents);
  const { withheld = [] } = result;
  let shown = 0;
  for (const [at, cell] of cells.entries()) {
    if (withheld.includes(at) || result.images.length === 0) {
      const { cellWithheld: words, keptBack: why } = text.sheet;
      state.failed.push({ cells: [cell], why });
      await state.sheet.setTile(cell.index, { state: 'failed', words });
      continue;
    }
    const key = result.images[shown++]?.key;
    const picture = key === undefined ? null : await pictures.get(key);
    if (picture === null) continue;
    const note = `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
    await state.sheet.setTile(cell.index, { state: 'done', picture, note });
    const latents = raw === null ? null : latentsOf(raw, at, cells.length);
    state.painted.push({ cell, png: picture, seconds, pace, latents });
  }
}

/** The bytes of one picture's float32 latents out of its batch's. */
function latentsOf(raw: Uint8Array, at: number, count: number): Float32Array {
  const copy = raw.slice();
  const all = new Float32Array(copy.buffer, 0, Math.floor(copy.byteLength / 4));
  const size = all.length / count;
  return all.slice(at * size, (at + 1) * size);
}
