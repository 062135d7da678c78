/** A picture through an upscaling network in tiles, so that memory does not grow with the picture. Pure but for `run`. */
import type { RgbImage } from '../picture/image.ts';

/** planes R, G, B of a square tile, 0-1 */
export type Tile = { data: Float32Array; side: number };

/** What the network made of one: three planes of a square `factor` times as wide. */
export type RunTile = (tile: Tile) => Promise<Tile>;

/** Pixels around a tile's core that only give context: their own result is cut off, so that no seam is seen. */
export const OVERLAP = 16;

/**
 * `side`: of a tile, pixels, above 2 x OVERLAP. Beyond the picture its edge goes on. Each pixel of the result comes from
 * exactly one tile.
 */
export async function upscaleInTiles(
  picture: RgbImage,
  { side, factor }: { side: number; factor: number },
  run: RunTile,
): Promise<RgbImage> {
  const [width, height] = [picture.width * factor, picture.height * factor];
  const data = new Uint8Array(width * height * 3);
  const core = side - 2 * OVERLAP;
  for (let top = 0; top < picture.height; top += core) {
    for (let left = 0; left < picture.width; left += core) {
      const from = { left: left - OVERLAP, top: top - OVERLAP };
      const painted = await run(cut(picture, from, side));
      const wide = Math.min(core, picture.width - left) * factor;
      const high = Math.min(core, picture.height - top) * factor;
      paste(
        painted,
        { data, width },
        { left: left * factor, top: top * factor, wide, high },
        factor,
      );
    }
  }
  return { data, width, height };
}

function cut(
  { data, width, height }: RgbImage,
  { left, top }: { left: number; top: number },
  side: number,
): Tile {
  const plane = side * side;
  const tile = new Float32Array(3 * plane);
  for (let y = 0; y < side; y += 1) {
    const row = Math.min(height - 1, Math.max(0, top + y));
    for (let x = 0; x < side; x += 1) {
      const column = Math.min(width - 1, Math.max(0, left + x));
      const pixel = 3 * (row * width + column);
      const at = y * side + x;
      for (let c = 0; c < 3; c += 1) tile[c * plane + at] = (data[pixel + c] ?? 0) / 255;
    }
  }
  return { data: tile, side };
}

function paste(
  { data: tile, side }: Tile,
  into: { data: Uint8Array; width: number },
  { left, top, wide, high }: { left: number; top: number; wide: number; high: number },
  factor: number,
): void {
  const plane = side * side;
  const border = OVERLAP * factor;
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const at = (y + border) * side + x + border;
      const pixel = 3 * ((top + y) * into.width + left + x);
      for (let c = 0; c < 3; c += 1) {
        const level = (tile[c * plane + at] ?? 0) * 255;
        into.data[pixel + c] = Math.min(255, Math.max(0, Math.round(level)));
      }
    }
  }
}
