import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPreferences, readPreferences } from '../../../src/bot/stores/preferences.ts';
import { openPresets, readPresets, withPreset } from '../../../src/bot/stores/presets.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { memoryLog } from '../../support/memory-log.ts';

test('rows of any age or origin give what of them is still good', () => {
  for (const row of [undefined, null, 7, 'x', [], {}, { version: 9 }, { choices: 'all' }]) {
    assert.deepEqual(readPreferences(row), { choices: {}, language: null, private: false });
    assert.deepEqual(readPresets(row), []);
  }
  const choices = {
    steps: 1e9,
    cfg: 4,
    sampler: 'best',
    schedule: 'karras',
    size: { width: 'wide' },
    clipSkip: 2,
    pag: 21,
    model: 'x'.repeat(500),
    later: true,
  };
  const good = { cfg: 4, schedule: 'karras', clipSkip: 2 };
  assert.deepEqual(readPreferences({ version: 2, choices, language: 5, private: 'yes' }), {
    choices: good,
    language: null,
    private: false,
  });
  assert.deepEqual(readPresets({ presets: [null, { name: 'a', choices }, { name: '' }] }), [
    { name: 'a', choices: good, prompt: '' },
  ]);
});

test('a preset takes the place its words leave, once and literally', () => {
  assert.equal(withPreset('a cat', { prompt: '' }), 'a cat');
  assert.equal(withPreset('a cat', { prompt: 'ink' }), 'a cat, ink');
  assert.equal(withPreset('', { prompt: 'ink' }), 'ink');
  assert.equal(withPreset("$& $1 $'", { prompt: 'ink of {prompt}!' }), "ink of $& $1 $'!");
});

test('two stores in one file keep apart; what is full or unwritable is said', async () => {
  const { log, lines } = memoryLog();
  const presets = openPresets({ file: ':memory:', log });
  const preferences = openPreferences({ file: ':memory:', log });
  const text = textFor('en');
  await presets.save('1', { name: 'B', choices: {}, prompt: 'x' }, text);
  await presets.save('1', { name: 'b', choices: {}, prompt: 'y' }, text);
  await presets.save('1', { name: 'a', choices: {}, prompt: 'z' }, text);
  assert.deepEqual(
    (await presets.list('1')).map(({ name, prompt }) => [name, prompt]),
    [
      ['a', 'z'],
      ['b', 'y'],
    ],
  );
  assert.deepEqual(await presets.list('2'), []);
  assert.equal(await presets.remove('1', 'nobody'), false);
  assert.equal(await presets.remove('1', 'A'), true);
  await preferences.set('1', { choices: { steps: 9 }, language: 'de', private: true });
  assert.deepEqual(await preferences.get('1'), {
    choices: { steps: 9 },
    language: 'de',
    private: true,
  });
  await preferences.close();
  assert.deepEqual((await preferences.get('1')).choices, {});
  await assert.rejects(preferences.set('1', { choices: {}, language: null, private: false }));
  assert.ok(lines.some(({ level }) => level === 'error'));
  await presets.close();
});
