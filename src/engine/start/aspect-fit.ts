/**
 * Pictures brought to another size without changing their proportions, as A1111's "only masked" does there and back
 * (modules/images.py, resize_image, modes 2 and 1). Regions are cut to whole pixels, so a line or two may be missing.
 */
import { resizeBytes } from '../picture/pixels/resample.ts';
import type { ImageSize } from '../request.ts';

type Bytes = ImageSize & { data: Uint8Array };

/** All of it inside the new size; what is missing at two edges is filled from them, the rest stays black. */
export function fitInside(picture: Bytes, to: ImageSize, channels: number): Uint8Array {
  const [ratio, own] = [to.width / to.height, picture.width / picture.height];
  const size = {
    width: ratio < own ? to.width : Math.floor((picture.width * to.height) / picture.height),
    height: ratio >= own ? to.height : Math.floor((picture.height * to.width) / picture.width),
  };
  const resized = resizeBytes(picture.data, picture, size, channels);
  const placed = place({ ...size, data: resized }, to, channels);
  const rows = half(to.height) - half(size.height);
  const columns = half(to.width) - half(size.width);
  if (ratio < own) fillRows(placed, { ...size, data: resized }, to, channels, rows);
  else if (ratio > own) fillColumns(placed, { ...size, data: resized }, to, channels, columns);
  return placed;
}

/** All of the new size covered; what reaches beyond it is cut off. */
export function fitOver(picture: Bytes, to: ImageSize, channels: number): Uint8Array {
  const [ratio, own] = [to.width / to.height, picture.width / picture.height];
  const size = {
    width: ratio > own ? to.width : Math.floor((picture.width * to.height) / picture.height),
    height: ratio <= own ? to.height : Math.floor((picture.height * to.width) / picture.width),
  };
  const data = resizeBytes(picture.data, picture, size, channels);
  return place({ ...size, data }, to, channels);
}

function half(side: number): number {
  return Math.floor(side / 2);
}

/** In the middle of black, cut off where it is larger. */
function place(picture: Bytes, to: ImageSize, channels: number): Uint8Array {
  const left = half(to.width) - half(picture.width);
  const top = half(to.height) - half(picture.height);
  const out = new Uint8Array(to.width * to.height * channels);
  const [from, end] = [Math.max(0, left), Math.min(to.width, left + picture.width)];
  for (let y = Math.max(0, top); y < Math.min(to.height, top + picture.height); y++) {
    const line = ((y - top) * picture.width + from - left) * channels;
    const source = picture.data.subarray(line, line + (end - from) * channels);
    out.set(source, (y * to.width + from) * channels);
  }
  return out;
}

/** Pillow's bicubic of an empty box at an edge: the edge and, against it, the line behind it. */
function edgeLevel(edge: number, behind: number): number {
  return Math.min(255, Math.max(0, Math.floor(1.125 * edge - 0.125 * behind + 0.5)));
}

function fillRows(
  out: Uint8Array,
  own: Bytes,
  to: ImageSize,
  channels: number,
  rows: number,
): void {
  const line = to.width * channels;
  const last = own.height - 1;
  for (let at = 0; at < line; at++) {
    const level = (edge: number, behind: number): number =>
      edgeLevel(own.data[edge * line + at]!, own.data[behind * line + at]!);
    const above = level(0, Math.min(1, last));
    const below = level(last, Math.max(0, last - 1));
    for (let row = 0; row < rows; row++) {
      out[row * line + at] = above;
      out[(rows + own.height + row) * line + at] = below;
    }
  }
}

function fillColumns(
  out: Uint8Array,
  own: Bytes,
  to: ImageSize,
  channels: number,
  columns: number,
): void {
  const last = own.width - 1;
  for (let y = 0; y < to.height; y++) {
    for (let c = 0; c < channels; c++) {
      const level = (edge: number, behind: number): number => {
        const row = y * own.width;
        return edgeLevel(
          own.data[(row + edge) * channels + c]!,
          own.data[(row + behind) * channels + c]!,
        );
      };
      const before = level(0, Math.min(1, last));
      const after = level(last, Math.max(0, last - 1));
      for (let x = 0; x < columns; x++) {
        out[(y * to.width + x) * channels + c] = before;
        out[(y * to.width + columns + own.width + x) * channels + c] = after;
      }
    }
  }
}
