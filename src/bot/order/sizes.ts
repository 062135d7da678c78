import type { ImageSize, ModelInfo } from '../../engine/request.ts';

const RATIOS = [
  [1, 1],
  [4, 5],
  [3, 4],
  [2, 3],
  [9, 16],
  [5, 4],
  [4, 3],
  [3, 2],
  [16, 9],
] as const;

/**
 * Sizes near the area the model was trained at, in common shapes, both sides on the model's grid. The
 * rounding looks at both sides together, so that a shape stays as near to its ratio as the grid allows.
 */
export function sensibleSizes(model: Pick<ModelInfo, 'nativeSize' | 'sizeFactor'>): ImageSize[] {
  const sizes = [model.nativeSize];
  for (const [across, down] of RATIOS) {
    const best = sizeOfRatio(model, across / down);
    const known = (size: ImageSize) => size.width === best.width && size.height === best.height;
    if (!sizes.some(known)) sizes.push(best);
  }
  return sizes;
}

/** Near the area the model was trained at, in this ratio of width to height, on its grid; at most 1:4 or 4:1. */
export function sizeOfRatio(
  { nativeSize, sizeFactor: grid }: Pick<ModelInfo, 'nativeSize' | 'sizeFactor'>,
  wanted: number,
): ImageSize {
  const ratio = Math.min(4, Math.max(1 / 4, wanted));
  const area = nativeSize.width * nativeSize.height;
  const exactWidth = Math.sqrt(area * ratio);
  const candidates: ImageSize[] = [];
  for (const width of onGrid(exactWidth, grid)) {
    for (const height of onGrid(exactWidth / ratio, grid)) candidates.push({ width, height });
  }
  const misfit = ({ width, height }: ImageSize) =>
    2 * Math.abs(Math.log(width / height / ratio)) + Math.abs(Math.log((width * height) / area));
  return candidates.toSorted((a, b) => misfit(a) - misfit(b))[0] ?? nativeSize;
}

function onGrid(length: number, grid: number): number[] {
  const below = Math.max(grid, Math.floor(length / grid) * grid);
  return [below, below + grid];
}
