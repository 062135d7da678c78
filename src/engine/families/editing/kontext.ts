/**
 * Flux.1 Kontext's pictures to edit from (diffusers, pipelines/flux/pipeline_flux_kontext.py). Several stand beside or
 * below each other, as ComfyUI has them (comfy/ldm/flux/model.py, "offset"); diffusers takes one.
 */
import { type ReferenceRules, type Size, wholePatches } from './reference-rules.ts';

/** Sizes that the network was trained on, width before height. */
const SIZES = [
  [672, 1568],
  [688, 1504],
  [720, 1456],
  [752, 1392],
  [800, 1328],
  [832, 1248],
  [880, 1184],
  [944, 1104],
  [1024, 1024],
  [1104, 944],
  [1184, 880],
  [1248, 832],
  [1328, 800],
  [1392, 752],
  [1456, 720],
  [1504, 688],
  [1568, 672],
] as const;

export const KONTEXT_REFERENCES: ReferenceRules = {
  fit({ width, height }, factor) {
    const shape = width / height;
    const apart = ([w, h]: readonly [number, number]): number => Math.abs(shape - w / h);
    // of two that are as near, the narrower
    const [w, h] = SIZES.reduce((best, each) => (apart(each) < apart(best) ? each : best));
    const size = { width: wholePatches(w, factor), height: wholePatches(h, factor) };
    return { scaled: size, kept: size };
  },
  patch: 2,
  placesOf(index, grids) {
    const { top, left } = offsetOf(index, grids);
    return (row, column) => [1, top + row, left + column];
  },
};

/** Each picture goes to the side on which all of them stay the squarer. */
function offsetOf(index: number, grids: readonly Size[]): { top: number; left: number } {
  let [width, height] = [0, 0];
  let [top, left] = [0, 0];
  for (const grid of grids.slice(0, index + 1)) {
    const isTall = grid.height + height > grid.width + width;
    [top, left] = isTall ? [0, width] : [height, 0];
    height = Math.max(height, grid.height + top);
    width = Math.max(width, grid.width + left);
  }
  return { top, left };
}
