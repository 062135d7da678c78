import sharp from 'sharp';
import { AI_MARK_XMP } from '../engine/image.ts';
import { fitted, letter, textWidth } from './lettering.ts';
import type { SheetPlan } from './plan.ts';
import { THEME, type Theme, type ThemeName } from './theme.ts';
import { type Box, drawTile, ground, labelLine, raster, SIZES, type Tile } from './tile.ts';

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

const MARGIN = 28;
const GAP = 16;
const TITLE = 30;
const { small: SMALL, label: LABEL } = SIZES;
/** Height of the line above a cell or column. */
const LABEL_LINE = 34;
/** Longest side of a tile, pixels, and of the whole sheet. */
const TILE = { min: 96, wanted: 256, max: 512 } as const;
const SHEET_SIDE = 2400;
const MOST_ROW_LABEL = 220;

type Place = { left: number; top: number };
type Layout = {
  width: number;
  height: number;
  cell: { width: number; height: number };
  /** tile pixels per picture pixel, the same for all: a larger picture is shown larger */
  scale: number;
  places: readonly Place[];
  columns: number;
  grid: Place;
};

export async function openSheet(plan: SheetPlan, words: SheetWords): Promise<Sheet> {
  const theme = THEME[words.theme];
  const layout = layOut(plan);
  const { width, height } = layout;
  const canvas = await raster(background(plan, layout, words, theme), width, height);
  for (const { index } of plan.cells) await setTile(index, { state: 'waiting' });

  async function setTile(index: number, tile: Tile): Promise<void> {
    const place = layout.places[index];
    if (place === undefined) throw new Error(`the sheet has no cell ${index}`);
    const { cell } = layout;
    blit(canvas, width, place, await drawTile(tile, layout, theme), cell);
    if (plan.y !== null) return;
    const line = { width: cell.width, height: LABEL_LINE };
    const note = tile.state === 'done' ? (tile.note ?? '') : '';
    const drawn = await raster(
      labelLine(labelOf(plan, index), note, line, theme),
      line.width,
      line.height,
    );
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

async function webpWithin(
  picture: () => ReturnType<typeof sharp>,
  width: number,
  bytes: number,
): Promise<Uint8Array> {
  for (let shrink = 1; ; shrink *= 1.5) {
    const across = Math.max(64, Math.round(width / shrink));
    for (const quality of [90, 80, 65]) {
      const made = await picture()
        .resize({ width: across })
        .webp({ quality, smartSubsample: true })
        .toBuffer();
      if (made.byteLength <= bytes || across === 64) return made;
    }
  }
}

/** Columns of a one-axis sheet: as square as it goes with the fewest empty places. */
export function columnsFor(count: number): number {
  const root = Math.ceil(Math.sqrt(count));
  let best = root;
  for (const columns of [root, root + 1, root + 2]) {
    const empty = (width: number): number => Math.ceil(count / width) * width - count;
    if (columns <= count && empty(columns) < empty(best)) best = columns;
  }
  return best;
}

function layOut(plan: SheetPlan): Layout {
  const { cells, x, y } = plan;
  const columns = y === null ? columnsFor(cells.length) : x.values.length;
  const rows = y === null ? Math.ceil(cells.length / columns) : y.values.length;
  const widest = Math.max(...cells.map(({ request }) => request.width));
  const highest = Math.max(...cells.map(({ request }) => request.height));
  const longest = Math.max(widest, highest);
  const room = (SHEET_SIDE - 2 * MARGIN) / Math.max(columns, rows) - GAP;
  // Small pictures are enlarged, large ones shrunk; never below what an eye can compare.
  const wanted = Math.min(TILE.max, Math.max(TILE.wanted, longest));
  const side = Math.max(TILE.min, Math.min(wanted, Math.floor(room)));
  const scale = side / longest;
  const cell = { width: Math.round(widest * scale), height: Math.round(highest * scale) };
  const rowLabels =
    y === null
      ? 0
      : Math.min(
          MOST_ROW_LABEL,
          Math.max(...[y.name, ...y.values].map((value) => textWidth(value, LABEL, 'bold'))),
        ) + 16;
  const top = MARGIN + TITLE + SMALL + 26;
  const grid = { left: MARGIN + Math.ceil(rowLabels), top: top + LABEL_LINE };
  const pitch = {
    across: cell.width + GAP,
    down: cell.height + GAP + (y === null ? LABEL_LINE : 0),
  };
  const places = cells.map(({ index, column, row }) => {
    const [c, r] = y === null ? [index % columns, Math.floor(index / columns)] : [column, row];
    return { left: grid.left + c * pitch.across, top: grid.top + r * pitch.down };
  });
  // A narrow sheet still has to hold its title.
  const width = Math.max(grid.left + columns * pitch.across - GAP + MARGIN, 480);
  const height = grid.top + rows * pitch.down - GAP + MARGIN - (y === null ? LABEL_LINE : 0);
  return { width, height, cell, scale, places, columns, grid };
}

function background(plan: SheetPlan, layout: Layout, words: SheetWords, theme: Theme): string {
  const { width, cell, grid } = layout;
  const room = width - 2 * MARGIN;
  const bold = 'bold' as const;
  const parts = [
    letter(fitted(words.title, room, TITLE, bold), {
      x: MARGIN,
      y: MARGIN + TITLE - 4,
      size: TITLE,
      fill: theme.text,
      weight: bold,
    }),
    letter(fitted(words.subtitle, room, SMALL), {
      x: MARGIN,
      y: MARGIN + TITLE + SMALL + 8,
      size: SMALL,
      fill: theme.muted,
    }),
  ];
  const { x, y } = plan;
  if (y !== null) {
    const baseline = grid.top - 9;
    for (const [column, value] of x.values.entries()) {
      const middle = grid.left + column * (cell.width + GAP) + cell.width / 2;
      const label = column === 0 ? `${x.name} ${value}` : value;
      const shown = textWidth(label, LABEL, bold) <= cell.width ? label : value;
      parts.push(
        letter(fitted(shown, cell.width, LABEL, bold), {
          x: middle,
          y: baseline,
          size: LABEL,
          fill: theme.text,
          weight: bold,
          anchor: 'middle',
        }),
      );
    }
    const right = grid.left - 14;
    parts.push(
      letter(fitted(y.name, right - MARGIN, SMALL), {
        x: right,
        y: baseline,
        size: SMALL,
        fill: theme.muted,
        anchor: 'end',
      }),
    );
    for (const [row, value] of y.values.entries()) {
      parts.push(
        letter(fitted(value, right - MARGIN, LABEL, bold), {
          x: right,
          y: grid.top + row * (cell.height + GAP) + cell.height / 2 + LABEL / 3,
          size: LABEL,
          fill: theme.text,
          weight: bold,
          anchor: 'end',
        }),
      );
    }
  }
  return ground(width, layout.height, theme.ground) + parts.join('');
}

/** A bare number says too little above a picture; names say enough. */
function labelOf({ x }: SheetPlan, index: number): string {
  const value = x.values[index] ?? '';
  return /^[\d.]+$/.test(value) ? `${x.name} ${value}` : value;
}

function blit(canvas: Buffer, width: number, at: Place, tile: Buffer, box: Box): void {
  const line = box.width * 3;
  if (tile.length !== line * box.height) throw new Error('a tile does not fill its cell');
  for (let y = 0; y < box.height; y++) {
    tile.copy(canvas, ((at.top + y) * width + at.left) * 3, y * line, (y + 1) * line);
  }
}
