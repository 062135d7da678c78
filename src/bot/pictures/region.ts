import sharp from 'sharp';
import { letter } from '../../explore/sheet/drawn/lettering.ts';
import type { ImageSize } from '../../engine/request.ts';
import { coverageOf } from './masks.ts';
import type { FittedMask } from './masks.ts';

/**
 * A part of a picture, chosen by names: squares of a fine grid, which thirds and halves both fit into, and one rounded
 * shape. Small enough for a button's id.
 */
export type Region = {
  /** bit `row * FINE + column` of FINE x FINE squares */
  squares: bigint;
  shape: ShapeName | null;
};

const FINE = 6;
/** The numbered grid that people see has so many cells a side. */
export const GRID = 3;
const BLOCK = FINE / GRID;

export const REGION_SHAPES = ['middle', 'background', 'edges'] as const;
export type ShapeName = (typeof REGION_SHAPES)[number];

export const NO_REGION: Region = { squares: 0n, shape: null };

/** Columns and rows of the fine grid: [left, top, right, bottom), by name. */
export const AREAS = {
  left: [0, 0, 3, 6],
  right: [3, 0, 6, 6],
  top: [0, 0, 6, 3],
  bottom: [0, 3, 6, 6],
  'top-left': [0, 0, 3, 3],
  'top-right': [3, 0, 6, 3],
  'bottom-left': [0, 3, 3, 6],
  'bottom-right': [3, 3, 6, 6],
  'left-third': [0, 0, 2, 6],
  'centre-third': [2, 0, 4, 6],
  'right-third': [4, 0, 6, 6],
  'top-third': [0, 0, 6, 2],
  'middle-third': [0, 2, 6, 4],
  'bottom-third': [0, 4, 6, 6],
} as const satisfies Readonly<Record<string, readonly [number, number, number, number]>>;
export type AreaName = keyof typeof AREAS;

/** Makes the region of a named part, such as a half or a third. */
export function regionOfArea(name: AreaName): Region {
  const [left, top, right, bottom] = AREAS[name];
  return { squares: squaresIn(left, top, right, bottom), shape: null };
}

/** Cell 1 … 9 of the numbered grid, the other way round. */
export function toggled({ squares }: Region, cell: number): Region {
  return { squares: squares ^ cellSquares(cell), shape: null };
}

/** Are all squares of a cell of the coarse grid chosen? Cells count from 0, row by row. */
export function isChosen({ squares }: Region, cell: number): boolean {
  const own = cellSquares(cell);
  return (squares & own) === own;
}

function cellSquares(cell: number): bigint {
  const [row, column] = [Math.floor((cell - 1) / GRID), (cell - 1) % GRID];
  const [left, top] = [column * BLOCK, row * BLOCK];
  return squaresIn(left, top, left + BLOCK, top + BLOCK);
}

function squaresIn(left: number, top: number, right: number, bottom: number): bigint {
  let squares = 0n;
  for (let row = top; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1)
      squares |= 1n << BigInt(row * FINE + column);
  }
  return squares;
}

/** `3f-n`: at most 11 characters. */
export function encodeRegion({ squares, shape }: Region): string {
  return `${squares.toString(16)}-${shape?.[0] ?? 'n'}`;
}

/** null for what encodeRegion did not write. */
export function decodeRegion(text: string): Region | null {
  const match = /^([0-9a-f]{1,9})-([nmbe])$/.exec(text);
  if (match === null) return null;
  const squares = BigInt(`0x${match[1]}`);
  if (squares >= 1n << BigInt(FINE * FINE)) return null;
  return { squares, shape: REGION_SHAPES.find((shape) => shape[0] === match[2]) ?? null };
}

/** Whether a point, each side counted from 0 to 1, is painted anew. */
function covers({ squares, shape }: Region, x: number, y: number): boolean {
  const square = BigInt(Math.floor(y * FINE) * FINE + Math.floor(x * FINE));
  if (((squares >> square) & 1n) === 1n) return true;
  switch (shape) {
    case null:
      return false;
    case 'middle':
      return ((x - 0.5) / 0.3) ** 2 + ((y - 0.5) / 0.3) ** 2 <= 1;
    case 'background':
      // A figure stands in the middle, and reaches further down than up.
      return ((x - 0.5) / 0.34) ** 2 + ((y - 0.55) / 0.45) ** 2 > 1;
    case 'edges':
      return Math.min(x, y, 1 - x, 1 - y) < 1 / 8;
  }
}

function greyOf(region: Region, { width, height }: ImageSize): Uint8Array {
  const grey = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (covers(region, (x + 0.5) / width, (y + 0.5) / height)) grey[y * width + x] = 255;
    }
  }
  return grey;
}

/** A PNG, white where the region is; null for a region of nothing. */
export async function maskOf(region: Region, size: ImageSize): Promise<FittedMask | null> {
  const grey = greyOf(region, size);
  const coverage = coverageOf(grey);
  if (coverage === 0) return null;
  const raw = { width: size.width, height: size.height, channels: 1 } as const;
  return { bytes: await sharp(grey, { raw }).png().toBuffer(), coverage };
}

/** Large enough for a finger, small enough to be drawn at once. */
const LONGEST = 512;
const CHOSEN = 'rgba(88,101,242,0.55)';

/** The picture with the numbered grid over it and the chosen part shaded; a JPEG. */
export async function drawRegion(png: Uint8Array, region: Region): Promise<Uint8Array> {
  const { width: wide, height: high } = await sharp(png).metadata();
  const scale = LONGEST / Math.max(wide, high);
  const [width, height] = [Math.round(wide * scale), Math.round(high * scale)];
  return sharp(png)
    .removeAlpha()
    .resize(width, height, { kernel: scale > 1 ? 'nearest' : 'lanczos3', fit: 'fill' })
    .composite([{ input: Buffer.from(overlay(region, width, height)) }])
    .jpeg({ quality: 85 })
    .toBuffer();
}

function overlay(region: Region, width: number, height: number): string {
  const inner = `${shading(region, width, height)}${gridOf(width, height)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${inner}</svg>`;
}

/** The lines and numbers, which are the same for all pictures of a size. */
let drawn: { width: number; height: number; grid: string } | null = null;

function gridOf(width: number, height: number): string {
  if (drawn?.width === width && drawn.height === height) return drawn.grid;
  const parts: string[] = [];
  for (let line = 1; line < GRID; line += 1) {
    const [x, y] = [(width * line) / GRID, (height * line) / GRID];
    for (const [colour, thick] of [
      ['rgba(0,0,0,0.6)', 4],
      ['#fff', 1.5],
    ] as const) {
      parts.push(
        `<path d="M${x} 0V${height}M0 ${y}H${width}" stroke="${colour}" stroke-width="${thick}"/>`,
      );
    }
  }
  const size = Math.min(width, height) / 9;
  for (let cell = 1; cell <= GRID * GRID; cell += 1) {
    const x = (width * (((cell - 1) % GRID) + 0.5)) / GRID;
    const y = (height * (Math.floor((cell - 1) / GRID) + 0.5)) / GRID;
    parts.push(`<circle cx="${x}" cy="${y}" r="${size * 0.75}" fill="rgba(0,0,0,0.55)"/>`);
    const at = {
      x,
      y: y + size * 0.36,
      size,
      fill: '#fff',
      weight: 'bold',
      anchor: 'middle',
    } as const;
    parts.push(letter(String(cell), at));
  }
  drawn = { width, height, grid: parts.join('') };
  return drawn.grid;
}

function shading({ squares, shape }: Region, width: number, height: number): string {
  const [w, h] = [width / FINE, height / FINE];
  const fill = `fill="${CHOSEN}"`;
  const parts: string[] = [];
  for (let square = 0; square < FINE * FINE; square += 1) {
    if (((squares >> BigInt(square)) & 1n) === 0n) continue;
    const [x, y] = [(square % FINE) * w, Math.floor(square / FINE) * h];
    parts.push(`<rect x="${x}" y="${y}" width="${w}" height="${h}" ${fill}/>`);
  }
  const whole = `M0 0H${width}V${height}H0Z`;
  const ellipse = (cy: number, rx: number, ry: number) =>
    `M${width * (0.5 - rx)} ${height * cy}a${width * rx} ${height * ry} 0 1 0 ${2 * width * rx} 0a${width * rx} ${height * ry} 0 1 0 ${-2 * width * rx} 0Z`;
  const path = {
    middle: ellipse(0.5, 0.3, 0.3),
    background: whole + ellipse(0.55, 0.34, 0.45),
    edges: `${whole}M${width / 8} ${height / 8}H${(width * 7) / 8}V${(height * 7) / 8}H${width / 8}Z`,
  };
  if (shape !== null) parts.push(`<path d="${path[shape]}" fill-rule="evenodd" ${fill}/>`);
  return parts.join('');
}
