import { axisTitle } from '../axis.ts';
import { textWidth } from './lettering.ts';
import type { SheetPlan } from '../plan.ts';
import { SIZES } from './theme.ts';

export const MARGIN = 28;
export const GAP = 16;
export const TITLE = 30;
const { small: SMALL, label: LABEL } = SIZES;
/** Height of the line above a cell or column. */
export const LABEL_LINE = 34;
/** Longest side of a tile, pixels, and of the whole sheet. */
const TILE = { min: 96, wanted: 256, max: 512 } as const;
const SHEET_SIDE = 2400;
/** Holds the longest name there is, dpmpp_2m_sde_heun. */
const MOST_ROW_LABEL = 250;
const MOST_WORDS = 760;

/** Of a small picture in its cell. */
export type Align = 'corner' | 'middle';

export type Place = { left: number; top: number };
export type Layout = {
  width: number;
  height: number;
  cell: { width: number; height: number };
  /** a picture smaller than its cell: below its label, which stands at the left of a cell and in the middle of a column */
  align: Align;
  /** tile pixels per picture pixel, the same for all: a larger picture is shown larger */
  scale: number;
  places: readonly Place[];
  columns: number;
  grid: Place;
};

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

/** Where everything stands on a sheet; `subtitle` is the line that should not be cut off. */
export function layOut(plan: SheetPlan, subtitle: string): Layout {
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
          Math.max(...[axisTitle(y), ...y.values].map((value) => textWidth(value, LABEL, 'bold'))),
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
  // A narrow sheet still has to hold its title and what its cells share.
  const words = Math.min(MOST_WORDS, textWidth(subtitle, SMALL) + 2 * MARGIN);
  const width = Math.max(grid.left + columns * pitch.across - GAP + MARGIN, 480, Math.ceil(words));
  const height = grid.top + rows * pitch.down - GAP + MARGIN - (y === null ? LABEL_LINE : 0);
  const align = y === null ? 'corner' : 'middle';
  return { width, height, cell, align, scale, places, columns, grid };
}
