/** What the page is made of, and what is looked at. */

export type PageCell = {
  at: number[];
  seed: string;
  width: number;
  height: number;
  recipe: string;
  picture: string | null;
  why: string | null;
  figures: Record<string, string | number | null>;
};

export type PagePoint = {
  steps: number;
  seconds: number;
  ssim: number;
  ssimLeast: number;
  ssimMost: number;
  rmse: number;
  latentDistance: number | null;
};

export type PageCurve = {
  label: string;
  convergence: string;
  knee: number | null;
  words: string;
  points: PagePoint[];
};

type PagePrompt = { prompt: string; cells: PageCell[]; curves: PageCurve[] };
type PageAxis = { name: string; title: string; values: string[] };

type PageData = {
  title: string;
  about: string[];
  notes: string;
  csv: string;
  axes: PageAxis[];
  prompts: PagePrompt[];
  cells: Record<string, string | number | null>[];
  text: Record<string, string>;
};

const source = document.getElementById('data');
export const data = JSON.parse(source?.textContent ?? '{}') as PageData;

/** A word of the page in its language. */
export function say(name: string): string {
  return data.text[name] ?? name;
}

/** What is looked at now. */
export const view = {
  prompt: 0,
  layout: 'grid' as 'grid' | 'list',
  /** the axis across and the one down; -1: none */
  across: 0,
  down: data.axes.length > 1 ? 1 : -1,
  /** values that are hidden, axis by axis */
  hidden: data.axes.map(() => new Set<number>()),
  reversed: data.axes.map(() => false),
  sortBy: 'seconds',
  largestFirst: false,
  /** pictures to compare, by their place among the prompt's cells */
  picked: [] as number[],
};

/** Finds the prompt that is shown; an empty one where there is none. */
export function promptNow(): PagePrompt {
  return data.prompts[view.prompt] ?? { prompt: '', cells: [], curves: [] };
}

/** Is none of the cell's values hidden? */
export function isShown(cell: PageCell): boolean {
  return cell.at.slice(0, data.axes.length).every((value, axis) => !view.hidden[axis]?.has(value));
}

/** An axis's values that are shown, in their order. */
export function valuesOf(axis: number): number[] {
  const known = data.axes[axis];
  if (known === undefined) return [0];
  const all = known.values
    .map((_, value) => value)
    .filter((value) => !view.hidden[axis]?.has(value));
  return view.reversed[axis] ? all.reverse() : all;
}

/** Names a value of an axis by their places, with the axis's title. */
export function labelOf(axis: number, value: number): string {
  const known = data.axes[axis];
  return known === undefined ? '' : `${known.title} ${known.values[value] ?? ''}`;
}

/** Names a cell by its values on all axes. */
export function captionOf(cell: PageCell): string {
  return data.axes.map((_, axis) => labelOf(axis, cell.at[axis] ?? 0)).join(' · ');
}

/** Makes the data URL of a cell's WebP; empty where it failed. */
export function addressOfPicture(cell: PageCell): string {
  return cell.picture === null ? '' : `data:image/webp;base64,${cell.picture}`;
}

/** Writes a figure with four digits at most; empty for none. */
export function figureWords(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return '';
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** How the page is drawn anew; set once all of it is there. */
export const drawing = { refresh(): void {} };
