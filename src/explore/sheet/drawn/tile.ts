import { SIZES } from './theme.ts';
import sharp from 'sharp';
import { letter, sized, textWidth, wrapped } from './lettering.ts';
import type { Layout } from './sheet-layout.ts';
import type { Theme } from './theme.ts';

/** What one cell shows. On one-axis sheets `note` stands beside the cell's label, and `label` takes its place. */
export type Tile =
  | { state: 'waiting' }
  | { state: 'running' }
  | { state: 'failed'; words: string }
  | { state: 'done'; picture: Uint8Array; note?: string; label?: string };

export type Box = { width: number; height: number };

/** RGB bytes that fill the cell. `scale`: tile pixels per picture pixel; `align`: where a smaller picture lies. */
export async function drawTile(
  tile: Tile,
  { cell, scale, align }: Pick<Layout, 'cell' | 'scale' | 'align'>,
  theme: Theme,
): Promise<Buffer> {
  const { width, height } = cell;
  if (tile.state === 'done') return drawPicture(tile.picture, { cell, scale, align }, theme);
  const words =
    tile.state === 'failed'
      ? trouble(tile.words, cell, theme)
      : tile.state === 'running'
        ? dots(width, height, theme.accent)
        : '';
  const edge = tile.state === 'running' ? theme.accent : theme.faint;
  const frame = `<rect x="1" y="1" width="${width - 2}" height="${height - 2}" fill="${theme.faint}" stroke="${edge}" stroke-width="2"/>`;
  return raster(ground(width, height, theme.ground) + frame + words, width, height);
}

async function drawPicture(
  png: Uint8Array,
  { cell, scale, align }: Pick<Layout, 'cell' | 'scale' | 'align'>,
  theme: Theme,
): Promise<Buffer> {
  const { width: w = 1, height: h = 1 } = await sharp(png).metadata();
  const factor = Math.min(scale, cell.width / w, cell.height / h);
  const [width, height] = [Math.round(w * factor), Math.round(h * factor)];
  const [left, top] =
    align === 'corner' ? [0, 0] : [(cell.width - width) >> 1, (cell.height - height) >> 1];
  return sharp(png)
    .flatten({ background: theme.ground })
    .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
    .extend({
      left,
      top,
      right: cell.width - width - left,
      bottom: cell.height - height - top,
      background: theme.ground,
    })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

function trouble(words: string, { width, height }: Box, theme: Theme): string {
  const wanted = Math.min(SIZES.small, Math.max(15, width / 14));
  const { text, size } = sized(words, width - 12, { size: wanted, least: 11 });
  const at = { x: width / 2, y: height / 2 + size / 3, anchor: 'middle' as const };
  return letter(text, { ...at, size, fill: theme.trouble });
}

function dots(width: number, height: number, fill: string): string {
  return [-1, 0, 1]
    .map((at) => `<circle cx="${width / 2 + at * 16}" cy="${height / 2}" r="5" fill="${fill}"/>`)
    .join('');
}

/** Draws an empty tile as SVG, in pixels. */
export function ground(width: number, height: number, fill: string): string {
  return `<rect width="${width}" height="${height}" fill="${fill}"/>`;
}

/** `steps 20        1.2 s` above a cell of a one-axis sheet. */
export function labelLine(
  value: string,
  note: string,
  line: { width: number; height: number },
  theme: Theme,
): string {
  const noteWidth = note === '' ? 0 : textWidth(note, SIZES.small) + 10;
  const room = Math.max(20, line.width - noteWidth);
  const fill = theme.text;
  const bold = { x: 0, fill, weight: 'bold' } as const;
  const isLong = textWidth(value, LEAST, 'bold') > room;
  const label = sized(value, room, { size: SIZES.label, least: LEAST, weight: 'bold' });
  const letters = isLong
    ? wrapped(value, room, { size: LEAST - 1, most: 2, weight: 'bold' })
        .map((text, at, { length }) =>
          letter(text, { ...bold, y: line.height - 6 - (length - 1 - at) * 15, size: LEAST - 1 }),
        )
        .join('')
    : letter(label.text, { ...bold, y: line.height - 9, size: label.size });
  return (
    ground(line.width, line.height, theme.ground) +
    letters +
    letter(note, {
      x: line.width,
      y: line.height - 9,
      size: SIZES.small,
      fill: theme.muted,
      anchor: 'end',
    })
  );
}

/** Pixels per em of a label in one line, at least. */
const LEAST = 15;

/** SVG parts -> RGB bytes. */
export async function raster(parts: string, width: number, height: number): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts}</svg>`;
  return sharp(Buffer.from(svg)).removeAlpha().toColourspace('srgb').raw().toBuffer();
}
