import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { fitted, letter, sized, textWidth } from '../../../../src/explore/sheet/drawn/lettering.ts';

test('letters are outlines and wider in bold', () => {
  const path = letter('steps 20', { x: 0, y: 20, size: 20, fill: '#000' });
  assert.match(path, /^<path d="M[-\d. MLQCZ]+" fill="#000"\/>$/);
  assert.ok(textWidth('steps 20', 20, 'bold') > textWidth('steps 20', 20));
  assert.equal(textWidth('steps', 40), 2 * textWidth('steps', 20));
  assert.equal(letter(' ', { x: 0, y: 0, size: 9, fill: '#000' }), '');
});

test('anchors', () => {
  const first = (anchor: 'start' | 'middle' | 'end'): number =>
    Number(/M(-?[\d.]+)/.exec(letter('Il', { x: 100, y: 0, size: 20, fill: '#000', anchor }))?.[1]);
  const width = textWidth('Il', 20);
  assert.ok(Math.abs(first('start') - first('middle') - width / 2) < 0.02);
  assert.ok(Math.abs(first('start') - first('end') - width) < 0.02);
});

test('any text can be drawn: other scripts, emoji, joiners, control characters, half surrogates', () => {
  for (const text of ['Жизнь', 'Ωμέγα', '漢字', '👩‍👩‍👧', 'a\u0000b\u202e', '\ud83d', 'z̷̙͗a̴l', '<&">']) {
    const path = letter(text, { x: 0, y: 10, size: 10, fill: '#000' });
    assert.ok(path === '' || /^<path d="[-\d. MLQCZ]*" fill="#000"\/>$/.test(path), text);
    assert.ok(Number.isFinite(textWidth(text, 10)));
  }
  assert.equal(textWidth('漢', 10), textWidth('·', 10));
});

test('what is too long ends in dots within its width', () => {
  assert.equal(fitted('short', 500, 20), 'short');
  const cut = fitted('a red heart on a meadow with many flowers', 120, 20);
  assert.match(cut, /^a red.*\.\.\.$/);
  assert.ok(textWidth(cut, 20) <= 120);
});

test('a machine without any font draws the same sheet', async () => {
  const script = `
    import { raster } from '${import.meta.resolve('../../../../src/explore/sheet/drawn/tile.ts')}';
    import { letter } from '${import.meta.resolve('../../../../src/explore/sheet/drawn/lettering.ts')}';
    import { createHash } from 'node:crypto';
    const words = letter('steps 20, cfg 7.5 · дом', { x: 4, y: 24, size: 20, fill: '#fff' });
    const pixels = await raster(words, 240, 32);
    const ink = pixels.reduce((sum, value) => sum + (value > 128 ? 1 : 0), 0);
    console.log(ink, createHash('sha256').update(pixels).digest('hex'));`;
  const draw = async (env: Record<string, string>): Promise<string> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', script],
      { env: { ...process.env, ...env } },
    );
    return stdout;
  };
  const [usual, bare] = await Promise.all([
    draw({}),
    // An empty fontconfig: the library finds no font at all.
    draw({
      FONTCONFIG_FILE: '/nonexistent',
      FONTCONFIG_PATH: '/nonexistent',
      HOME: '/nonexistent',
    }),
  ]);
  assert.equal(bare, usual);
  assert.ok(Number(bare.split(' ')[0]) > 500, `hardly any ink: ${bare}`);
});

test('a long name is set smaller before it is cut short', () => {
  const way = { size: 22, least: 14, weight: 'bold' } as const;
  const name = 'dpmpp_2m_sde_heun';
  const wide = textWidth(name, 22, 'bold');
  assert.deepEqual(sized(name, wide, way), { text: name, size: 22 });
  const smaller = sized(name, wide * 0.8, way);
  assert.ok(smaller.text === name && smaller.size >= 17 && smaller.size < 18, `${smaller.size}`);
  assert.ok(textWidth(name, smaller.size, 'bold') <= wide * 0.8);
  const cut = sized(name, wide * 0.4, way);
  assert.ok(cut.size === 14 && cut.text.endsWith('...'));
  assert.ok(textWidth(cut.text, 14, 'bold') <= wide * 0.4);
});

test('what is lettered again is the same, and another place, size, weight or anchor is another', () => {
  const at = { x: 3, y: 20, size: 14, fill: '#111' };
  const first = letter('steps 12', at);
  const others = [
    letter('steps 13', at),
    letter('steps 12', { ...at, x: 4 }),
    letter('steps 12', { ...at, y: 21 }),
    letter('steps 12', { ...at, size: 15 }),
    letter('steps 12', { ...at, weight: 'bold' }),
    letter('steps 12', { ...at, anchor: 'end' }),
    letter('steps 12', { ...at, fill: '#222' }),
  ];
  assert.equal(new Set([first, ...others]).size, 8);
  assert.equal(letter('steps 12', at), first);
  // More than are kept.
  for (let n = 0; n < 400; n++) letter('x', { ...at, x: n });
  assert.equal(letter('steps 12', at), first);
});
