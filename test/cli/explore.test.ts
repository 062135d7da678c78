import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { explorePictures } from '../../src/cli/explore/explore-pictures.ts';
import { UserError } from '../../src/engine/errors.ts';
import { parseExploreArguments } from '../../src/cli/arguments/explore-arguments.ts';
import { commandsOnOneEngine } from './in-process.ts';

const root = path.join(import.meta.dirname, '../..');
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-explore-'));
const commands = commandsOnOneEngine({ DEVICE: 'cpu', MODELS_DIR: path.join(root, 'models') });
after(async () => {
  await commands.close();
  await rm(folder, { recursive: true });
});

type Outcome = { code: number; stdout: string; stderr: string };

/** The command as people run it: a program of its own. */
async function startExplore(...args: string[]): Promise<Outcome> {
  const command = [path.join(root, 'scripts/run.cjs'), 'src/cli/explore.ts', ...args];
  try {
    const done = await promisify(execFile)(process.execPath, command, {
      cwd: root,
      env: { ...process.env, DEVICE: 'cpu' },
    });
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout, stderr } = error as Outcome;
    return { code, stdout, stderr };
  }
}

/** What the program does, without its start. */
const explore = (...args: string[]) => commands.run(explorePictures, args);

describe('what a command line asks for', () => {
  test('axis, values, second axis, and imagine’s options for all cells', () => {
    const wanted = parseExploreArguments([
      'cfg',
      'a cat',
      '--values',
      '3..6 by 1.5',
      '--y=sampler:euler,heun',
      '--seed',
      '5',
      '--theme',
      'light',
    ]);
    assert.ok(wanted?.what.kind === 'sheet');
    assert.deepEqual(wanted.what.x, { name: 'cfg', values: ['3', '4.5', '6'] });
    assert.deepEqual(wanted.what.y, { name: 'sampler', values: ['euler', 'heun'] });
    assert.equal(wanted.shared.request.seed, '5');
    assert.deepEqual(
      [wanted.theme, wanted.title, wanted.out],
      ['light', 'a cat', 'out/explore-cfg'],
    );
  });

  const bad: readonly [string[], RegExp][] = [
    [[], /Say first what to explore: evolution, steps/],
    [['colour', 'a cat'], /no axis "colour"/],
    [['steps'], /A prompt is missing/],
    [['steps', 'a cat', '--values'], /--values needs a value/],
    [['steps', 'a cat', '--values', ''], /steps has no values/],
    [['steps', 'a cat', '--theme', 'pink'], /"pink" is not known/],
    [['size', 'a cat'], /Name the values of size/],
    [['evolution', 'a cat', '--values', '1'], /--values is for an axis/],
    [['steps', 'a cat', '--at', '1'], /--at is for evolution/],
    [['steps', 'a cat', '--y', 'nonsense:1'], /no axis "nonsense"/],
    [['steps', 'a cat', '--frobnicate'], /frobnicate/],
  ];
  for (const [args, words] of bad) {
    test(`refused: ${args.join(' ')}`, () => {
      assert.throws(
        () => parseExploreArguments(args),
        (error) => error instanceof UserError && words.test(error.message),
      );
    });
  }
});

test('a steps sheet on disk: sheet, cells, curve, CSV and JSON', async () => {
  const out = path.join(folder, 'steps');
  const { code, stdout, stderr } = await startExplore(
    'steps',
    'a red heart',
    '--values',
    '1,2,8',
    '--sampler',
    'euler',
    '--seed',
    '7',
    '--out',
    out,
    '--json',
  );
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const said = JSON.parse(stdout);
  assert.equal(said.cells.length, 3);
  assert.equal(said.curves[0].reference, 8);
  assert.equal(said.provider, 'cpu');
  assert.deepEqual((await readdir(out)).toSorted(), [
    'cells',
    'curve.png',
    'measurements.csv',
    'measurements.json',
    'sheet.png',
  ]);
  assert.deepEqual(await readdir(path.join(out, 'cells')), [
    '1-steps-1.png',
    '2-steps-2.png',
    '3-steps-8.png',
  ]);
  for (const { file } of said.cells) {
    assert.equal((await sharp(path.join(out, file)).metadata()).width, 128);
  }
  assert.ok(((await sharp(path.join(out, 'sheet.png')).metadata()).width ?? 0) > 700);
  assert.equal(
    (await readFile(path.join(out, 'measurements.csv'), 'utf8')).split('\r\n').length,
    5,
  );
});

test('evolution on disk', async () => {
  const out = path.join(folder, 'evolution');
  const { code, stdout, stderr } = await explore(
    'evolution',
    'a red heart',
    '--steps',
    '4',
    '--at',
    '1,2',
    '--out',
    out,
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /strip\.png .*evolution\.webp/);
  assert.equal((await sharp(path.join(out, 'evolution.webp')).metadata()).pages, 3);
  assert.deepEqual(await readdir(path.join(out, 'steps')), ['001.png', '002.png', '004.png']);
});

test('bad arguments: status 2, one line, nothing written', async () => {
  const out = path.join(folder, 'none');
  const { code, stdout, stderr } = await explore(
    'size',
    'x',
    '--values',
    '128x128,130x128',
    '--out',
    out,
  );
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^size 130x128 cannot be used: width must be a multiple of \d+.*\n$/);
  await assert.rejects(readdir(out));
});
