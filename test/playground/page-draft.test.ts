import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { APIApplicationCommand } from 'discord-api-types/v10';
import { filterCommands, slashCommands } from '../../playground/web/composer/commands.ts';
import {
  addField,
  parseLine,
  partialValues,
  problem,
  remaining,
  startDraft,
  typedOptionName,
  values,
  withField,
} from '../../playground/web/composer/draft.ts';

const commands = slashCommands([
  {
    id: '1',
    type: 1,
    name: 'imagine',
    description: 'Paint',
    options: [
      { type: 4, name: 'steps', description: '', min_value: 1, max_value: 50 },
      { type: 3, name: 'prompt', description: '', required: true, min_length: 3, max_length: 20 },
      { type: 10, name: 'cfg', description: '', min_value: 1 },
      {
        type: 3,
        name: 'sampler',
        description: '',
        choices: [
          { name: 'Euler', value: 'euler' },
          { name: 'DPM++ 2M', value: 'dpmpp_2m' },
        ],
      },
      { type: 5, name: 'private', description: '' },
    ],
  },
  {
    id: '2',
    type: 1,
    name: 'settings',
    description: 'Defaults',
    options: [
      {
        type: 2,
        name: 'image',
        description: '',
        options: [
          {
            type: 1,
            name: 'set',
            description: 'Change',
            options: [{ type: 4, name: 'steps', description: '', required: true }],
          },
        ],
      },
      { type: 1, name: 'show', description: 'See' },
    ],
  },
  { id: '3', type: 3, name: 'Recipe', description: '' },
] as unknown as APIApplicationCommand[]);

const imagine = commands.find((command) => command.name === 'imagine')!;
const withText = (name: string, text: string): ReturnType<typeof startDraft> => {
  const option = imagine.options.find((o) => o.name === name)!;
  return withField(addField(startDraft(imagine), option), name, text, null);
};
const words = (name: string, text: string): string | null =>
  problem(withText(name, text).fields.find((f) => f.option.name === name)!);

test('subcommands are laid flat and required options come first', () => {
  assert.deepEqual(
    commands.map((command) => [command.name, command.path]),
    [
      ['imagine', []],
      ['settings image set', ['image', 'set']],
      ['settings show', ['show']],
    ],
  );
  assert.deepEqual(
    imagine.options.map((o) => o.name),
    ['prompt', 'steps', 'cfg', 'sampler', 'private'],
  );
  assert.deepEqual(
    filterCommands(commands, 'se').map((c) => c.name),
    ['settings image set', 'settings show'],
  );
  assert.deepEqual(
    filterCommands(commands, 'zzz').map((c) => c.name),
    [],
  );
});

test('what is wrong with a value is said in words', () => {
  assert.equal(words('prompt', ''), '“prompt” is required.');
  assert.match(words('prompt', 'ab') ?? '', /at least 3 characters, this is 2/);
  assert.match(words('prompt', 'x'.repeat(21)) ?? '', /at most 20 characters, this is 21/);
  assert.match(words('steps', '0') ?? '', /from 1 to 50, this is 0/);
  assert.match(words('steps', '2.5') ?? '', /whole number, this is “2.5”/);
  assert.match(words('steps', 'NaN') ?? '', /whole number/);
  assert.match(words('cfg', '0.5') ?? '', /at least 1, this is 0.5/);
  assert.match(words('sampler', 'Heun') ?? '', /from the list/);
  assert.equal(words('steps', '20'), null);
  assert.equal(words('cfg', '7,5'), null);
  assert.equal(words('private', ''), null);
});

test('a pasted line becomes typed values', () => {
  const draft = parseLine(
    '/imagine prompt:a red cat steps:20 sampler:dpm++ 2m private:true',
    commands,
  )!;
  assert.deepEqual(values(draft), [
    { name: 'prompt', type: 3, value: 'a red cat' },
    { name: 'steps', type: 4, value: 20 },
    { name: 'sampler', type: 3, value: 'dpmpp_2m' },
    { name: 'private', type: 5, value: true },
  ]);
  assert.deepEqual(
    remaining(draft).map((o) => o.name),
    ['cfg'],
  );
  assert.deepEqual(values(parseLine('/imagine a blue cat cfg:7.5', commands)!), [
    { name: 'prompt', type: 3, value: 'a blue cat' },
    { name: 'cfg', type: 10, value: 7.5 },
  ]);
  const open = parseLine('/imagine a blue cat sampler:', commands)!;
  assert.deepEqual(
    open.fields.map(({ option, text }) => [option.name, text]),
    [
      ['prompt', 'a blue cat'],
      ['sampler', ''],
    ],
  );
  assert.deepEqual(parseLine('/settings image set steps:9', commands)?.command.path, [
    'image',
    'set',
  ]);
  assert.equal(parseLine('/imagine', commands), null);
  assert.equal(parseLine('/unknown x:1', commands), null);
  assert.equal(parseLine('imagine x', commands), null);
});

test('a name with a colon typed into a field moves on to that option', () => {
  const draft = withText('prompt', 'a cat');
  assert.deepEqual(typedOptionName(draft, 'a cat steps:'), { name: 'steps', before: 'a cat' });
  assert.equal(typedOptionName(draft, 'a cat at 10:'), null);
  assert.equal(typedOptionName(draft, 'the steps'), null);
});

test('an autocomplete request carries the focused text as typed and leaves broken values out', () => {
  const steps = imagine.options.find((o) => o.name === 'steps')!;
  const draft = withField(addField(withText('sampler', 'eu'), steps), 'steps', '999', null);
  assert.deepEqual(partialValues(draft, 'sampler'), [{ name: 'sampler', type: 3, value: 'eu' }]);
});
