import { readFileSync } from 'node:fs';
import opentype, { type Font, type Glyph } from 'opentype.js';
import { pathData } from './path-data.ts';

/**
 * Text as outlines: sharp draws SVG text with the fonts of the machine, and a fresh container has none. The
 * letters come from the npm package of the typeface Inter (SIL Open Font License), so a sheet looks the same
 * everywhere.
 */

export type Weight = 'regular' | 'bold';
export type Anchor = 'start' | 'middle' | 'end';

export type Lettering = {
  x: number;
  /** of the baseline */
  y: number;
  /** pixels per em */
  size: number;
  fill: string;
  weight?: Weight;
  anchor?: Anchor;
};

/** Subsets of one typeface, looked through in this order for each character. */
const SUBSETS = ['latin', 'latin-ext', 'greek', 'cyrillic'] as const;
const WEIGHTS: Readonly<Record<Weight, number>> = { regular: 400, bold: 600 };
/** Stands for every character the typeface lacks. */
const UNKNOWN = '\u00b7';
/** Some marks are in no subset; these say the same. */
const STAND_INS: Readonly<Record<string, string>> = {
  '\u2265': '>=',
  '\u2264': '<=',
  '\u2192': '>',
  '\u2026': '...',
};

const FONTS = new URL('files/', import.meta.resolve('@fontsource/inter/package.json'));
const loaded = new Map<string, Font>();

function fontOf(subset: (typeof SUBSETS)[number], weight: Weight): Font {
  const name = `inter-${subset}-${WEIGHTS[weight]}-normal.woff`;
  let font = loaded.get(name);
  if (font === undefined) {
    const bytes = readFileSync(new URL(name, FONTS));
    font = opentype.parse(new Uint8Array(bytes).buffer);
    loaded.set(name, font);
  }
  return font;
}

type Placed = { glyph: Glyph; x: number };

/**
 * Glyph after glyph with the typeface's kerning; x in pixels from the text's beginning. No shaping: Latin, Greek
 * and Cyrillic need none, and letters of other scripts are not in the typeface.
 */
function placed(text: string, size: number, weight: Weight): { glyphs: Placed[]; width: number } {
  const glyphs: Placed[] = [];
  let x = 0;
  let before = null as { font: Font; glyph: Glyph } | null;
  for (const character of drawable(text, weight)) {
    const font = fontFor(character, weight) ?? fontOf('latin', weight);
    const glyph = font.charToGlyph(character);
    const scale = size / font.unitsPerEm;
    if (before?.font === font) x += font.getKerningValue(before.glyph, glyph) * scale;
    glyphs.push({ glyph, x });
    x += glyph.advanceWidth * scale;
    before = { font, glyph };
  }
  return { glyphs, width: x };
}

/** One line of characters that the typeface has; marks and joiners of other scripts vanish. */
function drawable(text: string, weight: Weight): string {
  let line = '';
  for (const character of text.normalize('NFC').replace(/\s+/gu, ' ')) {
    if (fontFor(character, weight) !== null) line += character;
    else if (!/[\p{M}\p{C}]/u.test(character)) line += STAND_INS[character] ?? UNKNOWN;
  }
  return line;
}

function fontFor(character: string, weight: Weight): Font | null {
  for (const subset of SUBSETS) {
    const font = fontOf(subset, weight);
    if (font.charToGlyphIndex(character) !== 0) return font;
  }
  return null;
}

/** Pixels. */
export function textWidth(text: string, size: number, weight: Weight = 'regular'): number {
  return placed(text, size, weight).width;
}

/** What a sheet says it says again with every cell that it grows by: its outlines are kept, the oldest go first. */
const KEPT_OUTLINES = 300;
const outlines = new Map<string, string>();

/** An SVG `<path>` of the text; empty for text without ink. */
export function letter(text: string, at: Lettering): string {
  const { x, y, size, fill, weight = 'regular', anchor = 'start' } = at;
  const key = [x, y, size, weight, anchor, text].join(' ');
  const outline = outlines.get(key) ?? outlineOf(text, at);
  outlines.delete(key);
  outlines.set(key, outline);
  if (outlines.size > KEPT_OUTLINES) outlines.delete(outlines.keys().next().value!);
  return outline === '' ? '' : `<path d="${outline}" fill="${fill}"/>`;
}

function outlineOf(text: string, at: Lettering): string {
  const { size, weight = 'regular', anchor = 'start' } = at;
  const { glyphs, width } = placed(text, size, weight);
  const x = at.x - (anchor === 'start' ? 0 : anchor === 'middle' ? 0.5 : 1) * width;
  const paths = glyphs.map((each) => each.glyph.getPath(x + each.x, at.y, size));
  return paths.map(({ commands }) => pathData(commands)).join('');
}

/** The text itself, or its beginning with three dots, no wider than `width` pixels. */
export function fitted(
  text: string,
  width: number,
  size: number,
  weight: Weight = 'regular',
): string {
  if (textWidth(text, size, weight) <= width) return text;
  const characters = Array.from(text);
  let [fits, tooMany] = [0, characters.length];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    const start = `${characters.slice(0, middle).join('').trimEnd()}...`;
    if (textWidth(start, size, weight) <= width) fits = middle;
    else tooMany = middle;
  }
  return `${characters.slice(0, fits).join('').trimEnd()}...`;
}

/** The text at the largest size up to `size` at which it fits; at the `least` one it is cut short instead. */
export function sized(
  text: string,
  width: number,
  { size, least, weight = 'regular' }: { size: number; least: number; weight?: Weight },
): { text: string; size: number } {
  const wide = textWidth(text, size, weight);
  if (wide <= width) return { text, size };
  // Widths grow with the size.
  const fits = Math.floor((size * width * 2) / wide) / 2;
  return fits >= least
    ? { text, size: fits }
    : { text: fitted(text, width, least, weight), size: least };
}

/** Lines no wider than `width`, broken between words; where `most` lines do not hold it, the last one is cut short. */
export function wrapped(
  text: string,
  width: number,
  { size, most, weight = 'regular' }: { size: number; most: number; weight?: Weight },
): string[] {
  const lines: string[] = [];
  let rest = text.trim().split(/\s+/);
  while (rest.length > 0) {
    if (lines.length === most - 1) return [...lines, fitted(rest.join(' '), width, size, weight)];
    let count = 1;
    while (
      count < rest.length &&
      textWidth(rest.slice(0, count + 1).join(' '), size, weight) <= width
    ) {
      count++;
    }
    lines.push(fitted(rest.slice(0, count).join(' '), width, size, weight));
    rest = rest.slice(count);
  }
  return lines;
}
