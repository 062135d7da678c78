import type { Said } from '../../engine/said.ts';
import { sayOfSheet } from '../sentences.ts';
import { type Axis, shownValue } from './axis.ts';

export type SheetLimits = {
  cells: number;
  /** steps of the whole sheet at the model's own size: a step of twice the pixels counts twice */
  steps: number;
  /** values of the third axis; absent: as many as there are cells */
  pages?: number;
};

/** How many values each axis has; 1 where there is none. */
export type Grid = { columns: number; rows: number; pages: number };

/**
 * The most square grid within the limits that keeps the first values of each axis: its shortest side counts first, then
 * the shorter side of a page, then its cells; of two equals the wider one. Null when not even one cell fits.
 */
export function largestFit(
  { columns, rows, pages }: Grid,
  limits: SheetLimits,
  costAt: (column: number, row: number, page: number) => number,
): Grid | null {
  const most = { pages: Math.min(pages, limits.pages ?? pages, limits.cells), cells: limits.cells };
  const known = new Map<string, number>();
  const cost = (column: number, row: number, page: number): number => {
    const key = `${column} ${row} ${page}`;
    const found = known.get(key) ?? costAt(column, row, page);
    known.set(key, found);
    return found;
  };
  const sides = (grid: Grid): number[] => [
    ...(columns > 1 ? [grid.columns] : []),
    ...(rows > 1 ? [grid.rows] : []),
    ...(pages > 1 ? [grid.pages] : []),
  ];
  const rank = (grid: Grid): number[] => [
    Math.min(...sides(grid)),
    Math.min(grid.columns, grid.rows),
    grid.columns * grid.rows * grid.pages,
    grid.columns,
  ];
  let best: Grid | null = null;
  for (let p = 1; p <= most.pages; p++) {
    // cost of the first r rows of column c on the first p pages, growing with r
    const sums = new Float64Array(Math.min(columns, most.cells));
    for (let r = 1; r <= rows && r * p <= most.cells; r++) {
      let total = 0;
      for (let c = 1; c <= columns && c * r * p <= most.cells; c++) {
        for (let page = 0; page < p; page++) sums[c - 1]! += cost(c - 1, r - 1, page);
        total += sums[c - 1]!;
        if (total > limits.steps) break;
        const grid = { columns: c, rows: r, pages: p };
        if (best === null || isBefore(rank(best), rank(grid))) best = grid;
      }
    }
  }
  return best;
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0);
}

/** What a grid that is too large could be instead. */
export function fitWords(
  fit: Grid | null,
  { x, y, z }: { x: Axis; y: Axis | null; z: Axis | null },
): Said {
  if (fit === null) return sayOfSheet('no-cell-fits');
  const first = ({ name, values }: Axis, count: number): string =>
    `${name} ${values.slice(0, count).map(shownValue).join(',')}`;
  const across = first(x, fit.columns);
  if (y === null && z === null) return sayOfSheet('largest-row', fit.columns, across);
  const size = [fit.columns, ...(y ? [fit.rows] : []), ...(z ? [fit.pages] : [])].join(' x ');
  const down = y === null ? null : first(y, fit.rows);
  if (z === null) return sayOfSheet('largest-grid', size, across, down ?? '');
  const before = down === null ? across : `${across}, ${down}`;
  return sayOfSheet('largest-grid', size, before, first(z, fit.pages));
}
