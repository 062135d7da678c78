import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSwitches } from '../../../src/bot/order/switches.ts';

type Said = Record<string, string>;

function read(typed: string): { prompt: string; found: Said; unknown: readonly string[] } {
  const { prompt, found, unknown } = readSwitches(typed);
  const said = [...found].map(([name, { value }]) => [name, value]);
  return { prompt, found: Object.fromEntries(said), unknown };
}

const CASES: [typed: string, prompt: string, found: Said, unknown?: string[]][] = [
  ['a cat', 'a cat', {}],
  ['a cat --ar 16:9', 'a cat', { size: '16:9' }],
  ['a cat, --ar 16:9 --seed 5', 'a cat', { size: '16:9', seed: '5' }],
  ['--ar 2:3 a cat on a mat', 'a cat on a mat', { size: '2:3' }],
  ['a cat --no snow, ice --seed 5', 'a cat', { negative: 'snow, ice', seed: '5' }],
  ['a cat --no snow --no ice', 'a cat', { negative: 'snow, ice' }],
  ['a cat --steps 30 --cfg 6', 'a cat', { steps: '30', cfg: '6' }],
  ['a cat --vae vae-ft-mse --n 2', 'a cat', { vae: 'vae-ft-mse', count: '2' }],
  ['a cat --steps auto', 'a cat', { steps: 'auto' }],
  ['a cat --pag 3 --clip-skip 2', 'a cat', { pag: '3', clipSkip: '2' }],
  ['a cat --sampler DPM++ 2M Karras --n 2', 'a cat', { sampler: 'DPM++ 2M Karras', count: '2' }],
  ['a cat --s 250', 'a cat', {}, ['--s 250']],
  ['a cat --chaos 20 --v 6 --ar 1:1', 'a cat', { size: '1:1' }, ['--chaos 20', '--v 6']],
  ['a cat --tile --niji 6', 'a cat', {}, ['--tile', '--niji 6']],
  ['a cat --niji --ar 3:2', 'a cat', { size: '3:2' }, ['--niji']],
  ['a cat --style raw --q .5', 'a cat', {}, ['--style raw', '--q .5']],
  [
    'a cat --sref https://x.y/a.png 123 --seed 1',
    'a cat',
    { seed: '1' },
    ['--sref https://x.y/a.png 123'],
  ],
  ['a cat --foo bar', 'a cat', {}, ['--foo bar']],
  ['--tile a cat', 'a cat', {}, ['--tile']],
  // What phones make of two hyphens, of a capital after a full stop, and of the gap.
  ['a cat —ar 16:9 –seed 7', 'a cat', { size: '16:9', seed: '7' }],
  ['a cat --Ar 16:9', 'a cat', { size: '16:9' }],
  ['a cat — ar 16:9', 'a cat', { size: '16:9' }],
  ['a cat --ar16:9 --v6.1', 'a cat', { size: '16:9' }, ['--v 6.1']],
  ['a cat --ar=16:9', 'a cat', { size: '16:9' }],
  ['a cat--ar 16:9', 'a cat', { size: '16:9' }],
  // Those that are yes by themselves.
  ['a cat --exact', 'a cat', { exact: 'on' }],
  ['a cat --exact on a table', 'a cat on a table', { exact: 'on' }],
  ['a cat --exact off --seed 5', 'a cat', { exact: 'off', seed: '5' }],
  ['a cat --exact=false, asleep', 'a cat, asleep', { exact: 'false' }],
  ['a cat --exact=perhaps', 'a cat', { exact: 'perhaps' }],
  ['a cat —exact', 'a cat', { exact: 'on' }],
  ['a cat —exact whiskers— asleep', 'a cat —exact whiskers— asleep', {}],
  // Prose stays prose.
  ['a cat — no, two cats', 'a cat — no, two cats', {}],
  ['a cat —sleeping— at noon', 'a cat —sleeping— at noon', {}],
  ['well--known faces', 'well--known faces', {}],
  ['a -- b', 'a -- b', {}],
  ['a cat \\--ar 16:9', 'a cat --ar 16:9', {}],
  // A1111's prompts from a file.
  [
    '--prompt "a cat, sitting" --negative_prompt "blurry, low" --width 512 --height 768 --cfg_scale 7',
    'a cat, sitting',
    { negative: 'blurry, low', width: '512', height: '768', cfg: '7' },
  ],
];

for (const [typed, prompt, found, unknown = []] of CASES) {
  test(`switches of "${typed}"`, () => {
    assert.deepEqual(read(typed), { prompt, found, unknown });
  });
}

test('a long prompt of dashes is read at once', () => {
  const long = '--ar '.repeat(800);
  assert.equal(read(long).prompt, '');
  assert.equal(read('—'.repeat(4000)).prompt.length, 4000);
});
