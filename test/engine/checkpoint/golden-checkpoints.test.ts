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
import { readBytes, toFloat32 } from '../../../src/engine/checkpoint/file/numbers.ts';
import type { PartTensors, StoredType } from '../../../src/engine/checkpoint/tensors.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { checkpointMaker, keptForm } from '../../support/golden/checkpoint-cases.ts';
import { goldenFolder } from '../../support/golden/golden-set.ts';

const golden = join(goldenFolder, 'checkpoints');
const skip = existsSync(join(golden, 'make-checkpoints.mjs')) ? false : 'no golden folder';

type RefusedMaker = { makeRefused(out: string): void };
type Told = Record<string, unknown> & { path: string; model: string; form: string };

const out = await mkdtemp(join(tmpdir(), 'darkroom-golden-'));
after(() => rm(out, { recursive: true, force: true }));

const told = skip
  ? { files: [] as Told[], refuse: [] as { path: string; why: string }[] }
  : (JSON.parse(readFileSync(join(golden, 'detect.json'), 'utf8')) as {
      files: Told[];
      refuse: { path: string; why: string }[];
    });
const maker = await checkpointMaker();

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
/** Of the two that inpaint each stands for some forms of both. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  sd1: OF_ONE,
  'sd1-inpaint': ['ldm-nuisance', 'unet-only-bare'],
  'sdxl-inpaint': ['ldm-nuisance', 'diffusers-fp16'],
};

/** Whose file and folder are read to the last number, too; of one model what else lies in several files. */
const COMPARED: Readonly<Record<string, readonly string[]>> = {
  sd1: ['diffusers-fp16', 'diffusers-sharded-fp16', 'ldm-novae'],
  sd2: ['diffusers-fp16'],
  sdxl: ['diffusers-fp16'],
  'sdxl-refiner': ['diffusers-fp16'],
};
const FILE = 'ldm-nuisance';

/** Forms that other tests paint with are kept for all of them. */
const isKept = (model: string, form: string): boolean =>
  form === FILE ||
  (model === 'sd1' && form === 'ldm-bf16') ||
  (['sd2', 'sdxl'].includes(model) && form === 'diffusers-fp16');

/** Not compared: words of the golden folder about itself. */
const ABOUT_ITSELF = new Set(['model', 'form', 'path', 'ignore', 'companions']);

/** Its folder, written where it is not there yet. */
async function formOf(model: string, form: string): Promise<string> {
  if (isKept(model, form)) return keptForm(maker!, model, form);
  const folder = join(out, model, form);
  return existsSync(folder) ? folder : maker!.make(out, model, form);
}

async function checkTold(file: Told): Promise<void> {
  const path = join(await formOf(file.model, file.form), '../..', file.path);
  const found = describeCheckpoint((await openCheckpoint(path)).info);
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
  const compared = COMPARED[model] ?? [];
  for (const file of files) {
    if (!(FORMS[model] ?? USUAL).includes(file.form)) continue;
    test(`${model} as ${file.form}`, { skip }, async () => {
      try {
        await checkTold(file);
      } finally {
        const written = join(out, model, file.form);
        if (!compared.includes(file.form)) await rm(written, { recursive: true, force: true });
      }
    });
  }
  if (compared.length === 0) continue;
  test(`${model}: original names lead to the same numbers as diffusers’`, { skip }, async () => {
    try {
      await checkNumbers(model, compared);
    } finally {
      await rm(join(out, model), { recursive: true });
    }
  });
}

test('files that are no such model are refused, each in a sentence', { skip }, async () => {
  const { makeRefused } = (await import(join(golden, 'make-checkpoints.mjs'))) as RefusedMaker;
  makeRefused(out);
  for (const { path, why } of told.refuse) {
    await assert.rejects(openCheckpoint(join(out, path)), (error) => {
      assert.ok(error instanceof UserError && error.said.length > 0, `${why}: ${String(error)}`);
      return true;
    });
  }
});

/** Bytes, where both are stored alike, and numbers elsewhere. */
type Stored = { type: StoredType; bytes: Uint8Array<ArrayBuffer> };

const numbersIn = ({ type, bytes }: Stored): Float32Array => toFloat32(bytes.buffer, type);

/** Every tensor of a part by its name; one-pixel convolutions and turned matrices as linear layers. */
async function storedOf(tensors: PartTensors): Promise<Map<string, Stored>> {
  const all = [...tensors];
  const read = await readBytes(all.map(([, tensor]) => tensor));
  return new Map(
    all.map(([name, { type, shape }], i) => {
      const own = { type, bytes: read[i]! };
      if (name !== 'text_projection') return [name, own];
      const values = numbersIn(own);
      const [rows = 0, columns = 0] = shape;
      const turned = new Float32Array(values.length);
      for (let at = 0; at < values.length; at++) {
        turned[(at % columns) * rows + Math.floor(at / columns)] = values[at] as number;
      }
      return ['text_projection.weight', { type: 'F32', bytes: new Uint8Array(turned.buffer) }];
    }),
  );
}

function assertSame(own: Stored | undefined, wanted: Stored, name: string): void {
  assert.ok(own, name);
  if (own.type === wanted.type) assert.equal(Buffer.compare(own.bytes, wanted.bytes), 0, name);
  else assert.deepEqual(numbersIn(own), numbersIn(wanted), name);
}

/** SD 2's folders leave out the last layer of the file. */
const ONLY_IN_FILES = /^encoder\.layers\.3\.|^text_projection/;

type Parts = readonly (readonly [string, PartTensors])[];

const partsOf = ({ unet, vae, texts }: CheckpointParts): Parts => [
  ['unet', unet],
  ['vae', vae ?? new Map()],
  ...texts,
];

/** What a file without a VAE is opened with: that beside it. */
async function withCompanion(file: string): Promise<Parts> {
  const { layout } = await openRegistry(join(file, '..')).find(file);
  const { denoiser, vaeDecoder, vaeEncoder, textEncoders } = layout;
  const tensorsOf = (network: typeof denoiser | null): PartTensors => {
    assert.ok(network?.kind === 'tensors');
    return network.tensors;
  };
  assert.equal(textEncoders.length, 1);
  assert.equal(vaeDecoder.path, file.replace('.safetensors', '.vae.safetensors'));
  assert.equal(tensorsOf(vaeEncoder), tensorsOf(vaeDecoder));
  const text = textEncoders.map((each) => [each.id, tensorsOf(each.source)] as const);
  return [['unet', tensorsOf(denoiser)], ['vae', tensorsOf(vaeDecoder)], ...text];
}

async function checkNumbers(model: string, forms: readonly string[]): Promise<void> {
  const file = join(await formOf(model, FILE), `${model}.safetensors`);
  const own = new Map<string, Map<string, Stored>>();
  for (const [part, tensors] of partsOf((await openCheckpoint(file)).parts)) {
    own.set(part, await storedOf(tensors));
  }
  for (const form of forms) {
    const folder = await formOf(model, form);
    const other =
      form === 'ldm-novae'
        ? await withCompanion(join(folder, `${model}.safetensors`))
        : partsOf((await openCheckpoint(folder)).parts);
    assert.deepEqual(new Set(other.map(([part]) => part)), new Set(own.keys()));
    for (const [part, tensors] of other) {
      const left = own.get(part)!;
      const right = await storedOf(tensors);
      assert.ok(right.size > 40, part);
      for (const [name, wanted] of right) assertSame(left.get(name), wanted, name);
      for (const name of left.keys()) {
        if (model !== 'sd2' || !ONLY_IN_FILES.test(name)) assert.ok(right.has(name), name);
      }
    }
  }
}
