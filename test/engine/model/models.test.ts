import assert from 'node:assert/strict';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/engine/errors.ts';
import { createModelCache } from '../../../src/engine/model/cache.ts';
import { loadModel, loadOnFirst } from '../../../src/engine/model/loader.ts';
import { judgeCanary, relativeError } from '../../../src/engine/model/loading/canary.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { pinDimensions } from '../../../src/engine/onnx/edit.ts';
import { readOnnx, writeOnnx } from '../../../src/engine/onnx/graph.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';

const modelsDir = fileURLToPath(new URL('../../../models', import.meta.url));
const external = fileURLToPath(new URL('../../fixtures/onnx/external.onnx', import.meta.url));
const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;

const scratch = await mkdtemp(join(tmpdir(), 'darkroom-models-'));
after(() => rm(scratch, { recursive: true }));

/** Of the reference set: it opens in a third of the embedded model's time. */
const small = join(goldenModels, 'sd15');

/** A copy of a model with something broken. */
async function brokenModel(
  name: string,
  spoil: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(scratch, name);
  await cp(small, folder, { recursive: true });
  // the reference set may be write-protected
  for (const file of await readdir(folder, { recursive: true })) {
    await chmod(join(folder, file), 0o755);
  }
  await spoil(folder);
  return folder;
}

async function refusalOf(folder: string): Promise<string> {
  const registry = openRegistry(scratch);
  const error = await registry
    .find(folder)
    .then((entry) => loadModel(entry, options))
    .then(
      async (model) => {
        await model.release();
        return null;
      },
      (reason: unknown) => reason,
    );
  assert.ok(error instanceof UserError, `expected a refusal, got ${String(error)}`);
  return error.message;
}

test('the embedded model is described by its own configs', async () => {
  const [demo] = await openRegistry(modelsDir).list();
  assert.equal(demo?.name, 'demo');
  assert.equal(demo.family, 'sd1');
  assert.equal(demo.inpainting, false);
  assert.equal(demo.sizeFactor, 16);
  assert.deepEqual(demo.nativeSize, { width: 128, height: 128 });
  assert.match(demo.hash, /^[0-9a-f]{10}$/);
});

/** That they load is held where all of them paint: test/engine/pipeline/golden-pipelines.test.ts. */
test('families are told apart by configs', async () => {
  const registry = openRegistry(goldenModels);
  const found = Object.fromEntries(
    (await registry.list()).map(({ name, family, inpainting }) => [name, [family, inpainting]]),
  );
  const all = {
    lcm: ['lcm', false],
    'sd-turbo': ['sd2', false],
    sd15: ['sd1', false],
    'sd15-fp16': ['sd1', false],
    'sd15-inpaint': ['sd1', true],
    'sd21-v': ['sd2', false],
    sd3: ['sd3', false],
    sdxl: ['sdxl', false],
  };
  // The compact set has one of them.
  const here = Object.entries(all).filter(([name]) =>
    existsSync(join(goldenModels, name, 'model_index.json')),
  );
  assert.ok(here.length > 0);
  assert.deepEqual(found, Object.fromEntries(here));
});

test('a folder that is no model is left out of the list, once with a reason', async () => {
  const dir = join(scratch, 'mixed');
  await cp(join(modelsDir, 'demo'), join(dir, 'good'), { recursive: true });
  await cp(join(modelsDir, 'demo', 'unet'), join(dir, 'bad', 'stuff'), { recursive: true });
  const refused: string[] = [];
  const registry = openRegistry(dir, (_, reason) => refused.push(reason));
  assert.deepEqual(
    (await registry.list()).map(({ name }) => name),
    ['good'],
  );
  await registry.list();
  assert.equal(refused.length, 1);
  assert.match(refused[0] ?? '', /"bad" lacks unet\/model\.onnx/);
});

test("a folder's defaults.json outranks the family, and says so when it is wrong", async () => {
  const folder = await brokenModel('opinionated', (made) =>
    writeFile(join(made, 'defaults.json'), '{ "sampler": "heun", "guidance_scale": 3.5 }'),
  );
  const registry = openRegistry(scratch);
  assert.deepEqual((await registry.find('opinionated')).info.defaults, {
    sampler: 'heun',
    schedule: 'karras',
    steps: 20,
    guidanceScale: 3.5,
  });
  // Editors of Windows put a mark in front, or write UTF-16.
  for (const bytes of [
    Buffer.from('\ufeff{ "steps": 7 }'),
    Buffer.from('\ufeff{ "steps": 7 }', 'utf16le'),
  ]) {
    await writeFile(join(folder, 'defaults.json'), bytes);
    assert.equal((await registry.find('opinionated')).info.defaults.steps, 7);
  }
  await writeFile(join(folder, 'defaults.json'), '{ "steps": 0 }');
  await assert.rejects(
    registry.find('opinionated'),
    /"steps" in defaults.json is 0; allowed: 1 … 200/,
  );
  await writeFile(join(folder, 'defaults.json'), '{ "cfg": 7 }');
  await assert.rejects(registry.find('opinionated'), /has "cfg"; it may hold sampler, schedule/);
});

test('a changed graph changes the hash', async () => {
  const folder = await brokenModel('changing', async () => {});
  const registry = openRegistry(scratch);
  const before = (await registry.find('changing')).info.hash;
  const file = join(folder, 'unet', 'model.onnx');
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(file, bytes);
  assert.notEqual((await registry.find('changing')).info.hash, before);
});

test('what desktops leave in a folder changes no hash, and a link to nowhere is none of the weights', async () => {
  const folder = await brokenModel('littered', async () => {});
  const registry = openRegistry(scratch);
  const before = (await registry.find('littered')).info.hash;
  const unet = join(folder, 'unet');
  for (const name of ['.DS_Store', '._model.onnx', 'Thumbs.db', 'desktop.ini', 'model.onnx.part']) {
    await writeFile(join(unet, name), 'nothing');
  }
  await mkdir(join(unet, '__MACOSX'));
  await symlink('nowhere', join(unet, 'weights.bin'));
  assert.equal((await registry.find('littered')).info.hash, before);
  await writeFile(join(unet, 'model.onnx_data'), 'weights');
  assert.notEqual((await registry.find('littered')).info.hash, before);
});

test('an unknown model is answered with the known ones', async () => {
  await assert.rejects(openRegistry(modelsDir).find('nope'), /no model "nope".*Available: .*demo/);
});

test('missing and damaged files are named', async () => {
  const refusals: [string, (folder: string) => Promise<void>, RegExp][] = [
    ['no-unet', (f) => rm(join(f, 'unet'), { recursive: true }), /lacks unet\/model\.onnx/],
    ['no-vae', (f) => rm(join(f, 'vae_decoder', 'model.onnx')), /lacks vae_decoder\/model\.onnx/],
    ['no-config', (f) => rm(join(f, 'unet', 'config.json')), /lacks unet\/config\.json/],
    ['no-tokenizer', (f) => rm(join(f, 'tokenizer'), { recursive: true }), /lacks tokenizer\//],
    ['empty', (f) => truncate(join(f, 'unet', 'model.onnx'), 0), /unet\/model\.onnx is empty/],
    [
      'half',
      (f) => truncate(join(f, 'unet', 'model.onnx'), 500_000),
      /unet\/model\.onnx is damaged/,
    ],
    [
      'text',
      (f) => writeFile(join(f, 'vae_decoder', 'model.onnx'), 'not a graph '.repeat(9)),
      /vae_decoder\/model\.onnx is damaged/,
    ],
    [
      'bad-json',
      (f) => writeFile(join(f, 'unet', 'config.json'), '{'),
      /unet\/config\.json is not a JSON/,
    ],
    [
      'no-weights',
      (f) => cp(external, join(f, 'text_encoder', 'model.onnx')),
      /text_encoder\/model\.onnx refers to a weights file that is not beside it/,
    ],
    [
      'swapped',
      (f) => cp(join(f, 'vae_decoder', 'model.onnx'), join(f, 'unet', 'model.onnx')),
      /unet\/model\.onnx/,
    ],
  ];
  for (const [name, spoil, expected] of refusals) {
    assert.match(await refusalOf(await brokenModel(name, spoil)), expected, name);
  }
});

test('infinities that Python writes as bare words are read', async () => {
  const folder = await brokenModel('infinite', async (at) => {
    const file = join(at, 'scheduler/scheduler_config.json');
    const config = await readFile(file, 'utf8');
    const more = '"lambda_min_clipped": -Infinity, "note": "-Infinity, \\"NaN"';
    await writeFile(file, config.replace('{', `{${more},`));
  });
  const { layout } = await openRegistry(scratch).find(folder);
  assert.equal(layout.schedulerConfig['lambda_min_clipped'], '-Infinity');
  assert.equal(layout.schedulerConfig['note'], '-Infinity, "NaN');
});

test('the least recently used model makes room, the newest stays', async () => {
  for (const name of ['a', 'b', 'c']) await brokenModel(name, async () => {});
  const registry = openRegistry(scratch);
  const entry = await registry.find('a');
  const cache = createModelCache({ ...options, budgetBytes: 2.5 * entry.layout.bytes });
  const names = (): string[] => cache.loaded().map((model) => model.entry.info.name);
  await cache.use(entry);
  await cache.use(await registry.find('b'));
  assert.equal((await cache.use(await registry.find('a'))).fresh, false);
  await cache.use(await registry.find('c'));
  assert.deepEqual(names(), ['a', 'c']);
  assert.equal(cache.evicted(), 1);
  await cache.releaseAll();
  assert.deepEqual(names(), []);
});

test('what stands beside the asked model stays loaded beyond the budget', async () => {
  const entry = await openRegistry(goldenModels).find('sd15');
  await brokenModel('beside', async () => {});
  const other = await openRegistry(scratch).find('beside');
  const cache = createModelCache({ ...options, budgetBytes: entry.layout.bytes });
  const { model: base } = await cache.use(entry);
  await cache.use(other, base);
  assert.deepEqual(new Set(cache.loaded().map((each) => each.entry.layout.name)).size, 2);
  assert.equal((await cache.use(entry)).fresh, false, 'it was not released');
  // With nobody beside it, those that were there make room.
  await brokenModel('alone', async () => {});
  await cache.use(await openRegistry(scratch).find('alone'));
  assert.deepEqual(
    cache.loaded().map((each) => each.entry.layout.name),
    ['alone'],
  );
  await cache.releaseAll();
});

test('a provider that differs from the CPU by more than its kernels may is refused, with the figure', async () => {
  const { layout } = await openRegistry(modelsDir).find('demo');
  const warned: object[] = [];
  const judge = (maxError: number | null, dtype: string) =>
    judgeCanary({ maxError, dtype }, 'cuda', layout, (fields) => warned.push(fields));
  for (const [maxError, dtype] of [
    [null, 'float32'],
    [0, 'float32'],
    [0.02, 'float32'],
    [0.08, 'float16'],
  ] as const) {
    judge(maxError, dtype);
  }
  assert.deepEqual(warned, []);
  for (const [maxError, dtype, says] of [
    [0.021, 'float32', /2\.1 % .*allowed: 2 %.*wrong numbers/],
    [0.081, 'float16', /8\.1 % .*allowed: 8 %/],
    [0.081, 'float32', /allowed: 2 %/],
    [Number.POSITIVE_INFINITY, 'float16', /wrong numbers/],
  ] as const) {
    assert.throws(() => judge(maxError, dtype), says);
  }
  assert.equal(warned.length, 4);
  assert.deepEqual(warned[0], {
    provider: 'cuda',
    model: 'demo',
    maxError: 0.021,
    tolerance: 0.02,
  });
});

test('the canary counts differences as shares of the largest value, and NaN as infinite', () => {
  const of = (...values: number[]): Float32Array => Float32Array.from(values);
  assert.equal(relativeError(of(1, 2), of(1, 2)), 0);
  assert.equal(relativeError(of(1, 3), of(1, 4)), 0.25);
  assert.equal(relativeError(of(1, Number.NaN), of(1, 4)), Number.POSITIVE_INFINITY);
});

test('a provider that does not work makes way for the next, and is told when it was the only one', async () => {
  const entry = await openRegistry(goldenModels).find('sd15');
  const tried: string[] = [];
  const warn = (fields: object): void => void tried.push(JSON.stringify(fields));
  // DirectML and CoreML never share a machine.
  const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
  const model = await loadOnFirst([absent, 'cpu'], entry, { ...options, warn });
  assert.equal(model.provider, 'cpu');
  assert.match(tried.join(), new RegExp(`"provider":"${absent}".*"cause":"`));
  await model.release();
  await assert.rejects(loadModel(entry, { ...options, device: absent }), (error) => {
    assert.ok(error instanceof UserError);
    return error.message.startsWith(`DEVICE=${absent} was asked for, but it does not work here.`);
  });
});

test('a graph with a fixed batch and size is asked in portions, and says which size it makes', async () => {
  const entry = await openRegistry(goldenModels).find('sd15');
  const folder = await brokenModel('pinned', async (copy) => {
    const path = join(copy, 'unet', 'model.onnx');
    const file = readOnnx(await readFile(path));
    pinDimensions(file, { batch_size: 2, height: 8, width: 8, steps: 1 });
    await writeFile(path, writeOnnx(file));
  });
  const pinned = await loadModel(await openRegistry(scratch).find(folder), options);
  const free = await loadModel(entry, options);
  const wave = (n: number): Float32Array => new Float32Array(n).map((_, i) => Math.sin(i));
  const rows = 3;
  const input = (side: number) => ({
    sample: { data: wave(rows * 4 * side * side), shape: [rows, 4, side, side] as const },
    timestep: 300,
    feeds: new Map([
      ['encoder_hidden_states', { data: wave(rows * 77 * 32), shape: [rows, 77, 32] }],
    ]),
  });
  const [whole, portions] = [
    await free.unet.predict(input(8)),
    await pinned.unet.predict(input(8)),
  ];
  assert.ok(relativeError(portions, whole) < 1e-4);
  await assert.rejects(pinned.unet.predict(input(16)), /exported for pictures of 64x64 only/);
  await free.release();
  await pinned.release();
});
