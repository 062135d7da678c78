/**
 * The tiny models of the golden folder, in the formats that people have, against what its maker says of each. They are
 * made when the test runs; where the folder is absent there is nothing to make them from.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CheckpointParts } from '../../../src/engine/checkpoint/checkpoint.ts';
import { describeCheckpoint } from '../../../src/engine/checkpoint/describe.ts';
import { openCheckpoint } from '../../../src/engine/checkpoint/detect.ts';
import { readNumbers } from '../../../src/engine/checkpoint/file/numbers.ts';
import type { PartTensors } from '../../../src/engine/checkpoint/tensors.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { goldenFolder } from '../../support/golden/golden-set.ts';

const golden = join(goldenFolder, 'checkpoints');
const skip = existsSync(join(golden, 'make-checkpoints.mjs')) ? false : 'no golden folder';

type Maker = {
  make(out: string, model: string, form: string): string;
  makeRefused(out: string): void;
};
type Told = Record<string, unknown> & { path: string; model: string; form: string };

const out = await mkdtemp(join(tmpdir(), 'darkroom-golden-'));
after(() => rm(out, { recursive: true, force: true }));

const told = skip
  ? { files: [] as Told[], refuse: [] as { path: string; why: string }[] }
  : (JSON.parse(readFileSync(join(golden, 'detect.json'), 'utf8')) as {
      files: Told[];
      refuse: { path: string; why: string }[];
    });
const maker = skip
  ? null
  : ((await import(join(golden, 'make-checkpoints.mjs'))) as unknown as Maker);

/**
 * A whole file with all that trainers leave in it, a network alone, a folder. Forms that differ from one of these in the
 * width of their numbers alone are left out.
 */
const USUAL = ['ldm-nuisance', 'unet-only-bare', 'diffusers-fp16'];
const OF_ONE = [
  ...USUAL,
  'ldm-novae',
  'ldm-bf16',
  'ldm-mixed',
  'ldm-old-clip',
  'unet-only',
  'diffusers-both',
  'diffusers-sharded',
  'diffusers-sharded-fp16',
  'diffusers-legacy',
];
/** A file without a VAE is told as one by SD 1's and SDXL's; of the two that inpaint each stands for some forms of both. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  sd1: OF_ONE,
  sdxl: [...USUAL, 'ldm-novae'],
  'sd1-inpaint': ['ldm-nuisance', 'unet-only-bare'],
  'sdxl-inpaint': ['ldm-nuisance', 'diffusers-fp16'],
};

/** Whose file and folder are read to the last number, too. */
const COMPARED = new Set(['sd1', 'sd2', 'sdxl', 'sdxl-refiner']);
const FILE = 'ldm-nuisance';
const FOLDER = 'diffusers-fp16';

/** Not compared: words of the golden folder about itself. */
const ABOUT_ITSELF = new Set(['model', 'form', 'path', 'ignore', 'companions']);

/** Its folder, written where it is not there yet. */
function formOf(model: string, form: string): string {
  const folder = join(out, model, form);
  return existsSync(folder) ? folder : maker!.make(out, model, form);
}

async function checkTold(file: Told): Promise<void> {
  const found = describeCheckpoint((await openCheckpoint(join(out, file.path))).info);
  for (const [key, expected] of Object.entries(file)) {
    if (ABOUT_ITSELF.has(key)) continue;
    if (key === 'prediction') {
      const { value, how } = expected as { value: string; how: string };
      assert.equal(found.prediction.value, value);
      // The maker's longer explanations are said in our own words.
      if (how.length < 60) assert.equal(found.prediction.how, how);
    } else if (key === 'text_encoders') {
      // layers that are used are ours to say
      const encoders = found.text_encoders.map((each) => ({ ...each, layers: undefined }));
      assert.equal(JSON.stringify(encoders), JSON.stringify(expected));
    } else assert.deepEqual(found[key as keyof typeof found], expected, key);
  }
}

for (const [model, files] of Map.groupBy(told.files, (file) => file.model)) {
  const isCompared = COMPARED.has(model);
  for (const file of files) {
    if (!(FORMS[model] ?? USUAL).includes(file.form)) continue;
    test(`${model} as ${file.form}`, { skip }, async () => {
      const folder = formOf(model, file.form);
      try {
        await checkTold(file);
      } finally {
        const isReadAgain = isCompared && (file.form === FILE || file.form === FOLDER);
        if (!isReadAgain) await rm(folder, { recursive: true });
      }
    });
  }
  if (!isCompared) continue;
  test(`${model}: original names lead to the same numbers as diffusers’`, { skip }, async () => {
    try {
      await checkNumbers(model);
    } finally {
      await rm(join(out, model), { recursive: true });
    }
  });
}

test('files that are no such model are refused, each in a sentence', { skip }, async () => {
  maker?.makeRefused(out);
  for (const { path, why } of told.refuse) {
    await assert.rejects(openCheckpoint(join(out, path)), (error) => {
      assert.ok(error instanceof UserError && error.said.length > 0, `${why}: ${String(error)}`);
      return true;
    });
  }
});

/** Every number of a part by its name; one-pixel convolutions and turned matrices as linear layers. */
async function numbersOf(tensors: PartTensors): Promise<Map<string, Float32Array>> {
  const numbers = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) {
    const values = await readNumbers(tensor);
    if (name !== 'text_projection') {
      numbers.set(name, values);
      continue;
    }
    const [rows = 0, columns = 0] = tensor.shape;
    const turned = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      turned[(i % columns) * rows + Math.floor(i / columns)] = values[i] as number;
    }
    numbers.set('text_projection.weight', turned);
  }
  return numbers;
}

/** SD 2's folders leave out the last layer of the file. */
const ONLY_IN_FILES = /^encoder\.layers\.3\.|^text_projection/;

async function checkNumbers(model: string): Promise<void> {
  const file = join(formOf(model, FILE), `${model}.safetensors`);
  const folder = formOf(model, FOLDER);
  const [one, other] = [(await openCheckpoint(file)).parts, (await openCheckpoint(folder)).parts];
  const pairs = (parts: CheckpointParts): [string, PartTensors][] => [
    ['unet', parts.unet],
    ['vae', parts.vae ?? new Map()],
    ...parts.texts,
  ];
  const expected = new Map(pairs(other));
  for (const [part, tensors] of pairs(one)) {
    const numbers = await numbersOf(tensors);
    const right = await numbersOf(expected.get(part) ?? new Map());
    assert.ok(right.size > 40, part);
    for (const [name, values] of right) assert.deepEqual(numbers.get(name), values, name);
    for (const name of numbers.keys()) {
      if (model !== 'sd2' || !ONLY_IN_FILES.test(name)) assert.ok(right.has(name), name);
    }
  }
}
