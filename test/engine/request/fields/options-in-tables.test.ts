/** Every field of a request, every part of one, every flag and every option of /imagine is a row of a table. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { imagine } from '../../../../commands/imagine.ts';
import { PICTURE_OPTIONS } from '../../../../commands/personal/picture-options.ts';
import { IMAGINE_HELP } from '../../../../src/cli/arguments/imagine-help.ts';
import { parseImagineArguments } from '../../../../src/cli/arguments/arguments.ts';
import { requestFromInfotext, writeInfotext } from '../../../../src/engine/recipe/infotext.ts';
import { parseRequest } from '../../../../src/engine/request-codec.ts';
import { NUMBER_OPTIONS } from '../../../../src/engine/request/fields/number-options.ts';
import { PART_OPTIONS } from '../../../../src/engine/request/fields/part-options.ts';
import { WORD_OPTIONS } from '../../../../src/engine/request/fields/word-options.ts';
import type { ModelInfo, RequestInput } from '../../../../src/engine/request.ts';

const root = path.join(import.meta.dirname, '..', '..', '..', '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** The keys that a type of request.ts has. */
function keysOf(type: string): string[] {
  const body = new RegExp(`export type ${type} = \\{\\n([^]*?)\\n\\};`).exec(
    read('src/engine/request.ts'),
  );
  assert.ok(body !== null, type);
  return [...String(body[1]).matchAll(/^ {2}(\w+)\??:/gm)].map(([, key]) => String(key));
}

/** What is more than an option: what a picture is of, its sides, files, and what becomes of a run. */
const MORE_THAN_OPTIONS = [
  ...'model prompt width height seed'.split(' '),
  ...'textEncoders tokenizers references replan each endAfter'.split(' '),
];

test('every field of a request is told in a table', () => {
  const told = new Set<string>([
    ...[...NUMBER_OPTIONS, ...WORD_OPTIONS].map(({ key }) => key),
    ...PART_OPTIONS.map(({ of }) => of),
    ...MORE_THAN_OPTIONS,
  ]);
  assert.deepEqual(keysOf('GenerateRequest').toSorted(), [...told].toSorted());
});

test('every part of a field is told in a table', () => {
  const types = {
    hires: 'HiresFix',
    init: 'InitImage',
    refiner: 'Refiner',
    negativeGuidance: 'NegativeGuidance',
    xl: 'XlWords',
  };
  for (const [field, type] of Object.entries(types)) {
    const told = PART_OPTIONS.flatMap(({ of, part }) => (of === field ? [part] : []));
    // Files, and a state of the command line that no option is.
    const keys = keysOf(type).filter(
      (key) => !['image', 'mask', 'encodesEmptyNegative'].includes(key),
    );
    assert.deepEqual(keys.toSorted(), told.toSorted(), type);
  }
});

test('every flag of the command line is told in a table, or is about files and outputs', () => {
  const own = new Set([
    ...[...NUMBER_OPTIONS, ...WORD_OPTIONS, ...PART_OPTIONS].map(({ flag }) => flag),
    ...'seed size model from vae text-encoder tokenizer reference out'.split(' '),
    ...'init mask outpaint replan save-latents safety json'.split(' '),
  ]);
  const flags = [...IMAGINE_HELP.matchAll(/--([a-z][\w-]*)/g)].map(([, flag]) => String(flag));
  for (const flag of flags) assert.ok(own.has(flag), `--${flag}`);
  for (const flag of own) if (flag !== null) assert.ok(flags.includes(flag), `help: --${flag}`);
  for (const line of read('src/cli/arguments/arguments.ts').matchAll(
    /^ {2}'?([\w-]+)'?: \{ type:/gm,
  )) {
    assert.ok(own.has(String(line[1])) || line[1] === 'help', line[1]);
  }
});

test('every option of /imagine is a row of its table, or a file, a preset or who sees it', () => {
  const rows = new Set<unknown>(Object.values(PICTURE_OPTIONS));
  const others = (imagine.definition.options ?? []).filter((option) => !rows.has(option));
  assert.deepEqual(
    others.map(({ name }) => name),
    ['prompt', 'preset', 'image', 'mask', 'private'],
  );
});

const MODEL: ModelInfo = {
  name: 'm',
  folder: '/m',
  hash: '0123456789',
  family: 'sdxl',
  inpainting: false,
  sizeFactor: 8,
  nativeSize: { width: 1024, height: 1024 },
  defaults: { sampler: 'euler', schedule: 'automatic', steps: 20, guidanceScale: 7 },
};

test('every part is read from its flag, and goes through a recipe by its label', () => {
  const said: Readonly<Record<string, [flag: string, value: unknown]>> = {
    number: ['0.5', 0.5],
    whole: ['7', 7],
    seed: ['7', 7n],
    text: ['some words', 'some words'],
    size: ['512x768', { width: 512, height: 768 }],
    corner: ['8,16', { left: 8, top: 16 }],
  };
  for (const { of, part, shape, flag, label, needs } of PART_OPTIONS) {
    if (flag === null || of === 'init') continue;
    const [typed = '', wanted = true] = said[shape] ?? [];
    const value = flag === 'hires-upscaler' ? 'latent' : flag === 'hires-scale' ? '2' : typed;
    const partner =
      needs && needs[0] !== flag ? [`--${needs[0]}`, needs[0] === 'refiner' ? 'r' : '1'] : [];
    const args = ['x', `--${flag}`, ...(shape === 'switch' ? [] : [value]), ...partner];
    const request = parse(parseImagineArguments(args)?.request ?? {});
    const of0 = (one: typeof request): unknown => (part === null ? one[of] : Object(one[of])[part]);
    const expected = value === typed ? wanted : shape === 'number' ? 2 : value;
    assert.deepEqual(of0(request), expected, flag);
    if (needs) assert.throws(() => parseImagineArguments(args.slice(0, -2)), /needs --/, flag);
    if (label === null) continue;
    const text = writeInfotext(request, MODEL, 0);
    assert.deepEqual(of0(parse(requestFromInfotext(text))), expected, text);
  }
});

function parse(input: RequestInput) {
  return parseRequest({ ...input, model: 'm' }, MODEL);
}
