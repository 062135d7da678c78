import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imagine } from '../../../commands/imagine.ts';
import { extraChoices } from '../../../commands/personal/extra-choices.ts';
import { LANGUAGES } from '../../../src/bot/text/languages.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { NOTHING_CHOSEN } from '../../../src/bot/order/options.ts';
import { readExtra } from '../../../src/bot/order/extra.ts';
import { withSwitches } from '../../../src/bot/order/prompt-switches.ts';
import { EXTRA_ROWS, OPTION_ROWS } from '../../../src/bot/order/table.ts';
import { optionFields, typedOptions } from '../../../src/bot/order/typed-options.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { NUMBER_OPTIONS } from '../../../src/engine/request/fields/number-options.ts';
import { PART_OPTIONS } from '../../../src/engine/request/fields/part-options.ts';
import { WORD_OPTIONS } from '../../../src/engine/request/fields/word-options.ts';

const text = textFor('en');

const CASES: [typed: string, said: Record<string, string>, unknown?: string[]][] = [
  ['', {}],
  [' ,; ', {}],
  ['eta:0.5 exact:true', { eta: '0.5', exact: 'true' }],
  ['eta 0,5 exact', { eta: '0,5', exact: '' }],
  ['exact eta=0.5', { exact: '', eta: '0.5' }],
  ['--eta 0.5 --exact', { eta: '0.5', exact: '' }],
  ['—eta 0.5 —exact', { eta: '0.5', exact: '' }],
  ['Eta: 0.5, ENSD: 31337, RNG: NV', { eta: '0.5', ensd: '31337', rng: 'NV' }],
  ['Distilled CFG Scale: 3.5, CFG scale: 1', { distilledCfg: '3.5', cfg: '1' }],
  ['Sampler: Euler a, Steps: 20, Seed: 5', { sampler: 'Euler a', steps: '20', seed: '5' }],
  ['vae:kl f8 ema eta:1', { vae: 'kl f8 ema', eta: '1' }],
  ['vae:"a eta: b" exact', { vae: 'a eta: b', exact: '' }],
  ['exact:perhaps', { exact: 'perhaps' }],
  ['emphasis:No_norm', { emphasis: 'No_norm' }],
  ['eta:', { eta: '' }],
  ['eta:1 eta:0', { eta: '0' }],
  ['etas:1', {}, ['etas:1']],
  ['__proto__:1 constructor', {}, ['__proto__:1', 'constructor']],
  ['eta:0.5 — How much fresh noise is added each step exact:true', { eta: '0.5', exact: 'true' }],
  ['vae:"kl" — Which VAE, of all', { vae: 'kl' }],
];

for (const [typed, said, unknown = []] of CASES) {
  test(`extra: ${typed}`, () => {
    const read = readExtra(typed);
    const last = Object.fromEntries(read.items.map(({ name, value }) => [name, value]));
    assert.deepEqual(last, said);
    assert.deepEqual(
      read.unknown.map(({ word }) => word),
      unknown,
    );
  });
}

function fieldsOf(extra: string, prompt = 'a cat', more: object = {}) {
  const typed = { ...NOTHING_CHOSEN, ...more, prompt, extra };
  const { order, notes } = withSwitches(typed, {}, text);
  return { fields: optionFields(order), prompt: order.prompt, notes };
}

test('what extra says becomes fields of the request, below options and above the prompt', () => {
  assert.deepEqual(fieldsOf('eta:0,5 exact ensd:31337 RNG: NV, Emphasis: No norm').fields, {
    eta: 0.5,
    exact: true,
    etaNoiseSeedDelta: 31337,
    rng: 'nv',
    emphasis: 'no_norm',
  });
  assert.deepEqual(fieldsOf('exact:no').fields, { exact: false });
  const both = fieldsOf('shift:3 cfg:5', 'a cat --shift 6 --pag 2', { cfg: 7 });
  assert.deepEqual(both.fields, { flowShift: 3, guidanceScale: 7, pagScale: 2 });
  assert.equal(both.prompt, 'a cat');
  assert.deepEqual(
    both.notes.map(({ kind, what }) => [kind, what]),
    [
      ['overruled-switch', 'cfg 5'],
      ['overruled-switch', '--shift 6'],
    ],
  );
});

test('what extra cannot mean is refused in one sentence of every language', () => {
  for (const { text: own } of LANGUAGES) {
    for (const extra of ['foo', 'eta:2', 'eta:', 'exact:perhaps', '`@everyone`']) {
      assert.throws(
        () => withSwitches({ ...NOTHING_CHOSEN, extra }, {}, own),
        (error: unknown) => error instanceof UserError && !error.message.includes('`@everyone`'),
      );
    }
  }
  assert.throws(() => fieldsOf('foo:1'), /`foo:1` is none of them\. There are: .*`eta` .*`rng`/);
});

test('every option stands in /imagine or in extra, and extra knows the labels of recipes', () => {
  const own = new Set(imagine.definition.options?.map(({ name }) => name));
  for (const { option, extra } of OPTION_ROWS) {
    assert.equal(own.has(option), extra === undefined, option);
  }
  const labels = new Map<string, string | null>([
    ...NUMBER_OPTIONS.map(({ key, label }) => [key, label] as const),
    ...WORD_OPTIONS.map(({ key, recipe }) => [key, recipe?.label ?? null] as const),
    ...PART_OPTIONS.map(({ of, part, label }) => [`${of}.${part}`, label] as const),
  ]);
  for (const row of OPTION_ROWS) {
    const key = 'part' in row ? row.part : 'field' in row ? row.field : undefined;
    const label = key === undefined ? null : labels.get(key);
    if (label) assert.equal(readExtra(`${label}: 1`).items[0]?.name, row.name, label);
  }
  for (const { descriptions, locale } of LANGUAGES) {
    for (const { description } of EXTRA_ROWS) {
      assert.ok(descriptions === null || description in descriptions, `${locale}: ${description}`);
    }
  }
});

test('a client that still shows eta as an option of its own is understood', () => {
  assert.equal(typedOptions((option) => (option === 'eta' ? 0.5 : null)).eta, 0.5);
});

test('what is proposed is understood as it stands, whole or with its words, and goes on from there', async () => {
  const engine = { models: async () => [{ vaes: ['kl f8', 'x'.repeat(120)] }] } as never;
  for (const { text: own } of LANGUAGES) {
    const propose = (typed: string) => extraChoices(typed, null, { engine, text: own });
    const start = await propose('');
    assert.deepEqual(
      start.map(({ value }) => String(value).split(':')[0]),
      EXTRA_ROWS.map(({ option }) => option),
    );
    for (const typed of [
      '',
      'e',
      'eta:',
      'eta:0',
      'exact',
      'eta:0.5 ',
      'eta:0.5 sh',
      'vae:',
      'foo ',
    ]) {
      for (const { name, value } of await propose(typed)) {
        assert.ok(name.length <= 100 && String(value).length <= 100);
        if (typed === 'foo ') continue;
        assert.deepEqual(readExtra(String(value)).unknown, [], `${typed} -> ${value}`);
        assert.ok(readExtra(String(value)).items.every((item) => item.value !== ''));
      }
    }
    const names = async (typed: string) => (await propose(typed)).map(({ value }) => value);
    assert.deepEqual(await names('eta:0'), ['eta:0', 'eta:0.5']);
    assert.deepEqual((await names('eta:1 exact:')).slice(0, 2), [
      'eta:1 exact:true',
      'eta:1 exact:false',
    ]);
    assert.deepEqual(await names('rng:n'), ['rng:n', 'rng:nv']);
    assert.ok((await names('eta:1 ')).every((value) => !/eta:1 eta:/.test(String(value))));
    // Discord goes on from a choice's name.
    const [first] = await propose('eta:0.5');
    const chosen = (await propose('et')).find(({ value }) => value === 'eta:0.5');
    assert.equal(first?.value, 'eta:0.5');
    const { items, unknown } = readExtra(`${chosen?.name} exact:true`);
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      items.map(({ name, value }) => `${name} ${value}`),
      ['eta 0.5', 'exact true'],
    );
  }
});
