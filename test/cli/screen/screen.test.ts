import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { encodeNpy } from '../../../src/cli/screen/npy.ts';
import { createProgressBar } from '../../../src/cli/screen/progress-bar.ts';
import { pictureStyle, renderPicture } from '../../../src/cli/screen/terminal-image.ts';

test('the bar shows steps, speed and the time left, within the terminal’s width', () => {
  let written = '';
  let now = 0;
  const bar = createProgressBar({ columns: 50, write: (text) => (written += text) }, () => now);
  bar.update({ phase: 'loading', step: 0, steps: 20 });
  assert.match(written, /Loading the model$/);
  bar.update({ phase: 'encoding', step: 0, steps: 20 });
  now = 2000;
  written = '';
  bar.update({ phase: 'sampling', step: 5, steps: 20, sigma: 1 });
  // oxlint-disable-next-line no-control-regex -- the terminal's own language
  const visible = written.replace(/\r\u001b\[2K/g, '');
  assert.match(visible, /^Painting █{6}░{18} 5\/20 {2}2\.5 st/);
  assert.ok(visible.length < 50);
  const wide = createProgressBar({ columns: 200, write: (text) => (written += text) }, () => now);
  wide.update({ phase: 'encoding', step: 0, steps: 20 });
  now = 12_000;
  wide.update({ phase: 'sampling', step: 5, steps: 20, sigma: 1 });
  assert.match(written, /5\/20 {2}2\.0 s\/step {2}30 s left$/);
});

test('pictures are shown only where the terminal can show them', () => {
  const traits = { term: 'xterm-256color', program: '', colorDepth: 8, isTTY: true };
  assert.equal(pictureStyle(traits), 'none');
  assert.equal(pictureStyle({ ...traits, colorDepth: 24 }), 'blocks');
  assert.equal(pictureStyle({ ...traits, term: 'xterm-kitty' }), 'kitty');
  assert.equal(pictureStyle({ ...traits, program: 'WezTerm' }), 'kitty');
  assert.equal(pictureStyle({ ...traits, program: 'iTerm.app' }), 'iterm');
  assert.equal(
    pictureStyle({ ...traits, term: 'tmux-256color', program: 'iTerm.app', colorDepth: 24 }),
    'blocks',
  );
  assert.equal(pictureStyle({ ...traits, term: 'xterm-kitty', isTTY: false }), 'none');
});

test('half blocks paint two pixels a cell', async () => {
  const data = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
  const image = await sharp(data, { raw: { width: 2, height: 2, channels: 3 } })
    .png()
    .toBuffer();
  const { text, lines } = await renderPicture(image, 'blocks', 3, 40);
  assert.equal(lines, 1);
  assert.equal(
    text,
    '\u001b[38;2;255;0;0m\u001b[48;2;0;0;255m▀\u001b[38;2;0;255;0m\u001b[48;2;255;255;255m▀\u001b[0m\n',
  );
});

test('kitty and iTerm get the picture itself, scaled to fit the rows', async () => {
  const image = await sharp({
    create: { width: 64, height: 64, channels: 3, background: 'red' },
  })
    .jpeg()
    .toBuffer();
  const kitty = await renderPicture(image, 'kitty', 100, 12);
  assert.equal(kitty.lines, 10);
  // oxlint-disable-next-line no-control-regex -- the terminal's own language
  const payload = [...kitty.text.matchAll(/\u001b_G[^;]*m=[01];([^\u001b]*)\u001b\\/g)];
  const sent = Buffer.from(payload.map(([, piece]) => piece).join(''), 'base64');
  assert.equal((await sharp(sent).metadata()).format, 'png');
  const iterm = await renderPicture(image, 'iterm', 100, 12);
  assert.ok(iterm.text.includes(image.toString('base64')));
});

test('npy headers are valid for any shape', () => {
  for (const shape of [[1], [2, 3], [1, 4, 2, 2]]) {
    const count = shape.reduce((product, side) => product * side, 1);
    const file = Buffer.from(encodeNpy(new Float32Array(count).fill(1.5), shape));
    const end = 10 + file.readUInt16LE(8);
    assert.equal(file.toString('latin1', 0, 6), '\x93NUMPY');
    assert.equal(end % 64, 0);
    assert.equal(file.toString('latin1', end - 1, end), '\n');
    const tuple = shape.length === 1 ? '(1,)' : `(${shape.join(', ')})`;
    assert.ok(file.toString('latin1', 10, end).includes(`'shape': ${tuple}`));
    assert.equal(file.readFloatLE(end), 1.5);
  }
});
