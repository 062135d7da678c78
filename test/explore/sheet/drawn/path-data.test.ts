import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import opentype, { type Path, type PathCommand } from 'opentype.js';
import { pathData } from '../../../../src/explore/sheet/drawn/path-data.ts';

const FONTS = new URL('files/', import.meta.resolve('@fontsource/inter/package.json'));

test('outlines are those that opentype.js writes, where it writes them well', () => {
  let same = 0;
  for (const subset of ['latin', 'greek', 'cyrillic']) {
    const bytes = readFileSync(new URL(`inter-${subset}-400-normal.woff`, FONTS));
    const font = opentype.parse(new Uint8Array(bytes).buffer);
    for (let code = 33; code < 0x500; code++) {
      const character = String.fromCodePoint(code);
      if (font.charToGlyphIndex(character) === 0) continue;
      const path = font.charToGlyph(character).getPath(13.37 + code, 24, 14) as Path & {
        toPathData(decimals: number): string;
      };
      assert.equal(pathData(path.commands), path.toPathData(2), character);
      same++;
    }
  }
  assert.ok(same > 300, `${same} letters`);
});

test('what is next to nothing is 0, and stands apart from the number before it', () => {
  const at = (x: number, y: number): PathCommand => ({ type: 'M', x, y });
  assert.equal(pathData([at(5.12, -0.003)]), 'M5.12 0');
  assert.equal(pathData([at(5 + 1e-7, 2e-9)]), 'M5 0');
  assert.equal(pathData([at(0.285, -0.285)]), 'M0.29-0.28');
  assert.equal(pathData([at(3, -4)]), 'M3-4');
});

test('a line to where the pen is, and one back to the start at the end, are left out', () => {
  const to = (type: 'M' | 'L', x: number, y: number): PathCommand => ({ type, x, y });
  const square = [to('M', 0, 0), to('L', 9, 0), to('L', 9, 0), to('L', 9, 9), to('L', 0, 0.5)];
  assert.equal(pathData(square), 'M0 0L9 0L9 9');
  const curves: PathCommand[] = [
    { type: 'Q', x1: 1, y1: -1, x: 2, y: 0 },
    { type: 'C', x1: 1, y1: 2, x2: 3, y2: 4, x: 5, y: 6 },
    { type: 'Z' },
  ];
  assert.equal(pathData(curves), 'Q1-1 2 0C1 2 3 4 5 6Z');
});
