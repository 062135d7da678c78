import sharp from 'sharp';
import { AI_MARK_XMP } from '../../engine/picture/image.ts';
import { fitted, letter, type Lettering, sized, textWidth, wrapped } from './drawn/lettering.ts';
import { type Axis, axisTitle } from './axis.ts';
import type { SheetPlan } from './plan.ts';
import {
  GAP,
  LABEL_LINE,
  type Layout,
  layOut,
  MARGIN,
  type Place,
  TITLE,
} from './drawn/sheet-layout.ts';
import { THEME, type Theme, type ThemeName } from './drawn/theme.ts';
import { type Box, drawTile, ground, labelLine, raster, type Tile } from './drawn/tile.ts';
import { SIZES } from './drawn/theme.ts';

export type SheetWords = {
  title: string;
  /** what all cells share */
  subtitle: string;
  theme: ThemeName;
};

/** A contact sheet that is drawn once and then only changed where a cell changes. */
export type Sheet = {
  width: number;
  height: number;
  setTile(index: number, tile: Tile): Promise<void>;
  /** The sheet as it is now, with the mark that a model made the pictures. */
  toPng(): Promise<Uint8Array>;
  /** At most `bytes` long: lower quality first, then fewer pixels. */
  toWebp(bytes?: number): Promise<Uint8Array>;
};

/** Draws a plan's sheet with all cells waiting. `setTile` rejects for a cell that the plan does not have. */
export async function openSheet(plan: SheetPlan, words: SheetWords): Promise<Sheet> {
  const theme = THEME[words.theme];
  const layout = layOut(plan, words.subtitle);
  const { width, height } = layout;
  const canvas = await raster(background(plan, layout, words, theme), width, height);
  const waiting = await drawTile({ state: 'waiting' }, layout, theme);
  /** by the cell: what stands above it */
  const above = new Map<number, string>();
  for (const { index } of plan.cells) await setTile(index, { state: 'waiting' });

  async function setTile(index: number, tile: Tile): Promise<void> {
    const place = layout.places[index];
    if (place === undefined) throw new Error(`the sheet has no cell ${index}`);
    const { cell } = layout;
    const inside = tile.state === 'waiting' ? waiting : await drawTile(tile, layout, theme);
    blit(canvas, width, place, inside, cell);
    if (plan.y !== null) return;
    const line = { width: cell.width, height: LABEL_LINE };
    const { note = '', label = labelOf(plan, index) } = tile.state === 'done' ? tile : {};
    const said = `${label}\n${note}`;
    if (above.get(index) === said) return;
    above.set(index, said);
    const drawn = await raster(labelLine(label, note, line, theme), line.width, line.height);
    blit(canvas, width, { left: place.left, top: place.top - LABEL_LINE }, drawn, line);
  }

  const picture = () => sharp(canvas, { raw: { width, height, channels: 3 } }).withXmp(AI_MARK_XMP);

  return {
    width,
    height,
    setTile,
    toPng: () => picture().png({ compressionLevel: 7, adaptiveFiltering: true }).toBuffer(),
    toWebp: (bytes = Number.POSITIVE_INFINITY) => webpWithin(picture, width, bytes),
  };
}

/**
 * Beside small pictures on a processor encoding is what a sheet costs. Of a sheet of 1128x726: 26 ms at 42.0 dB, where
 * the usual effort takes 56 ms for 5 % fewer bytes, and smart subsampling 130 ms for one decibel more.
 */
const EFFORT = 2;

async function webpWithin(
  picture: () => ReturnType<typeof sharp>,
  width: number,
  bytes: number,
): Promise<Uint8Array> {
  for (let shrink = 1; ; shrink *= 1.5) {
    const across = Math.max(64, Math.round(width / shrink));
    for (const quality of [92, 80, 65]) {
      const scaled = shrink === 1 ? picture() : picture().resize({ width: across });
      const made = await scaled.webp({ quality, effort: EFFORT }).toBuffer();
      if (made.byteLength <= bytes || across === 64) return made;
    }
  }
}

/** All that no cell changes. */
function background(plan: SheetPlan, layout: Layout, words: SheetWords, theme: Theme): string {
  const { width, cell } = layout;
  const { x, y } = plan;
  const room = width - 2 * MARGIN;
  const { small: SMALL } = SIZES;
  const named = y === null ? '' : `${axisTitle(x)} ${shown(x.values[0])}`;
  // Where the first column is too narrow for the name of its axis, the name stands above all of them.
  const isNamed = sized(named, cell.width, COLUMN).text === named;
  // Words alone do not tell what they were put in place of.
  const isBare = y === null && x.name === 'negative';
  const isSaid = isNamed && !isBare;
  const subtitle = isSaid ? words.subtitle : `${axisTitle(x)} across · ${words.subtitle}`;
  const parts = [
    ground(width, layout.height, theme.ground),
    letter(fitted(words.title, room, TITLE, 'bold'), {
      x: MARGIN,
      y: MARGIN + TITLE - 4,
      size: TITLE,
      fill: theme.text,
      weight: 'bold',
    }),
    letter(fitted(subtitle, room, SMALL), {
      x: MARGIN,
      y: MARGIN + TITLE + SMALL + 8,
      size: SMALL,
      fill: theme.muted,
    }),
  ];
  if (y === null) return parts.join('');
  const columns = x.values.map((value, at) => (at === 0 && isNamed ? named : shown(value)));
  return parts.join('') + columnLabels(columns, layout, theme) + rowLabels(y, layout, theme);
}

const COLUMN = { size: SIZES.label, least: 14, weight: 'bold' } as const;

function columnLabels(labels: readonly string[], { cell, grid }: Layout, theme: Theme): string {
  const parts = labels.map((label, column) => {
    const x = grid.left + column * (cell.width + GAP) + cell.width / 2;
    const at = { x, fill: theme.text, weight: 'bold', anchor: 'middle' } as const;
    return block(label, { width: cell.width, bottom: grid.top - 9, most: 2 }, at);
  });
  return parts.join('');
}

/** The axis's name in the corner, its values at the middle of their rows. */
function rowLabels(axis: Axis, { cell, grid }: Layout, theme: Theme): string {
  const x = grid.left - 14;
  const at = { x, anchor: 'end' } as const;
  const { small: SMALL } = SIZES;
  const corner = letter(fitted(axisTitle(axis), x - MARGIN, SMALL), {
    ...at,
    y: grid.top - 9,
    size: SMALL,
    fill: theme.muted,
  });
  const parts = axis.values.map((value, row) => {
    const middle = grid.top + row * (cell.height + GAP) + cell.height / 2;
    const most = Math.max(1, Math.min(MOST_LINES, Math.floor(cell.height / LINE)));
    const style = { ...at, fill: theme.text, weight: 'bold' } as const;
    return block(shown(value), { width: x - MARGIN, middle, most }, style);
  });
  return corner + parts.join('');
}

/** Lines of a label that is too long for one, and how far apart they stand. */
const MOST_LINES = 5;
const LINE = 17;

/** One line as large as it fits; what is too long for the smallest size stands in several. */
function block(
  label: string,
  at: { width: number; most: number } & ({ bottom: number } | { middle: number }),
  style: Omit<Lettering, 'x' | 'y' | 'size'> & { x: number },
): string {
  const { width, most } = at;
  if (most === 1 || textWidth(label, COLUMN.least, COLUMN.weight) <= width) {
    const { text, size } = sized(label, width, COLUMN);
    const y = 'bottom' in at ? at.bottom : at.middle + size / 3;
    return letter(text, { ...style, y, size });
  }
  const size = COLUMN.least;
  const lines = wrapped(label, width, { size, most, weight: COLUMN.weight });
  const rest = (lines.length - 1) * LINE;
  const last = 'bottom' in at ? at.bottom + 3 : at.middle + size / 3 + rest / 2;
  return lines
    .map((text, line) => letter(text, { ...style, y: last - rest + line * LINE, size }))
    .join('');
}

/** Nothing at all is a value of prompts. */
function shown(value: string | undefined): string {
  return value || '""';
}

/** A bare number says too little above a picture; names say enough. */
function labelOf({ x }: SheetPlan, index: number): string {
  const value = shown(x.values[index]);
  return /^-?[\d.]+$/.test(value) ? `${axisTitle(x)} ${value}` : value;
}

function blit(canvas: Buffer, width: number, at: Place, tile: Buffer, box: Box): void {
  const line = box.width * 3;
  if (tile.length !== line * box.height) throw new Error('a tile does not fill its cell');
  for (let y = 0; y < box.height; y++) {
    tile.copy(canvas, ((at.top + y) * width + at.left) * 3, y * line, (y + 1) * line);
  }
}
