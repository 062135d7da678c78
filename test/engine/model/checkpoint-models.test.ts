/** The models folder with .safetensors in it: what is listed, under which name, with which networks. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { placesIn, unetLayer } from '../../../src/engine/checkpoint/names/unet-names.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { safetensorsOf } from '../checkpoint/file/make-safetensors.ts';
import {
  clipText,
  MINI_SD1,
  MINI_SDXL,
  miniSd1,
  miniSdxl,
  openClipText,
  originalUnet,
  originalVae,
  type Tensors,
} from '../checkpoint/mini-checkpoint.ts';

const scratch = await mkdtemp(join(tmpdir(), 'darkroom-models-'));
after(() => rm(scratch, { recursive: true }));

let count = 0;

/** A models folder with these files: tensors as .safetensors, text as it is. */
async function folderOf(files: Readonly<Record<string, Tensors | string>>): Promise<string> {
  const root = join(scratch, String(count++));
  await mkdir(root);
  await put(root, files);
  return root;
}

async function put(root: string, files: Readonly<Record<string, Tensors | string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    const bytes = typeof content === 'string' ? content : safetensorsOf(content);
    await writeFile(join(root, name), bytes);
  }
}

/** Names that are listed, and the codes of what is refused by file name. */
async function listed(root: string): Promise<{ names: string[]; refused: Record<string, string> }> {
  const refused: Record<string, string> = {};
  const registry = openRegistry(root, (path, reason) => {
    refused[path.slice(root.length + 1)] = reason;
  });
  return { names: (await registry.list()).map(({ name }) => name), refused };
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('it was found'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, String(error));
  return error.said[0]?.code ?? '';
}

test('files are models wherever people put them, and other programs’ folders are left alone', async () => {
  const model = miniSd1();
  const root = await folderOf({
    'a.safetensors': model,
    'checkpoints/b.safetensors': model,
    'Stable-diffusion/anime/c.sft': model,
    'loras/not-a-model.safetensors': { 'lora_unet_x.lora_up.weight': { shape: [1, 1] } },
    'vae/v.safetensors': originalVae(undefined, ''),
    'clip_vision/x.safetensors': model,
    'a.preview.png': 'picture',
    '.hidden.safetensors': 'x',
  });
  const { names, refused } = await listed(root);
  assert.deepEqual(names, ['a', 'b', 'c']);
  assert.deepEqual(refused, {});
  const registry = openRegistry(root);
  for (const wanted of [
    'b',
    'b.safetensors',
    'checkpoints/b',
    join(root, 'checkpoints/b.safetensors'),
  ]) {
    assert.equal((await registry.find(wanted)).info.name, 'b', wanted);
  }
  const { layout } = await registry.find('c');
  assert.deepEqual(layout.beside, [join(root, 'Stable-diffusion/anime'), root]);
});

test('a folder that diffusers saved is a model; a snapshot of a cache is called by its repository', async () => {
  const root = await folderOf({});
  const snapshot = 'hub/models--someone--dream/snapshots/0123abcd';
  for (const folder of ['plain', snapshot]) {
    await put(root, {
      [`${folder}/unet/diffusion_pytorch_model.safetensors`]: diffusersUnet(),
      [`${folder}/unet/config.json`]: JSON.stringify({ sample_size: 64 }),
      [`${folder}/vae/diffusion_pytorch_model.fp16.safetensors`]: originalVae(undefined, ''),
      [`${folder}/text_encoder/model.safetensors`]: clipText(64, 'text_model.'),
      [`${folder}/scheduler/scheduler_config.json`]: JSON.stringify({ prediction_type: 'sample' }),
      [`${folder}/preview.json`]: '{}',
    });
  }
  const { names, refused } = await listed(root);
  assert.deepEqual([names, refused], [['dream', 'plain'], {}]);
  const { info, layout } = await openRegistry(root).find('plain');
  assert.equal(info.checkpoint?.prediction.value, 'sample');
  assert.equal(info.nativeSize.width, 512);
  assert.equal(layout.textEncoders[0]?.tokenizer.padding, '<|endoftext|>');
});

/** As diffusers calls its tensors. */
function diffusersUnet(): Tensors {
  const original = Object.entries(originalUnet(MINI_SD1, ''));
  const places = placesIn(original.map(([name]) => name));
  return Object.fromEntries(
    original.map(([name, made]) => {
      const [layer = '', end = ''] = [name.replace(/\.\w+$/, ''), name.replace(/^.*\./, '')];
      return [`${unetLayer(layer, places)}.${end}`, made];
    }),
  );
}

test('what is no model is reported with a reason, once, and again when it changed', async () => {
  const root = await folderOf({
    'lora.safetensors': { 'lora_unet_x.lora_up.weight': { shape: [1, 1] } },
    'cut.safetensors': 'cut',
    'old.ckpt': 'x',
    'coming.safetensors.part': 'x',
    'good.safetensors': miniSd1(),
  });
  await symlink(join(root, 'nowhere'), join(root, 'lost.safetensors'));
  const reported: string[] = [];
  const registry = openRegistry(root, (path, reason) =>
    reported.push(`${path.slice(root.length + 1)}: ${reason}`),
  );
  assert.deepEqual(
    (await registry.list()).map(({ name }) => name),
    ['good'],
  );
  assert.equal(reported.length, 5);
  assert.deepEqual(
    registry.unusable().map(({ name, said }) => [name, said[0]?.code]),
    [
      ['coming.safetensors.part', 'file-is-coming'],
      ['cut.safetensors', 'not-safetensors'],
      ['lora.safetensors', 'file-is-lora'],
      ['lost.safetensors', 'file-is-absent'],
      ['old.ckpt', 'file-is-pickle'],
    ],
  );
  assert.ok(reported.some((line) => /^lora\.safetensors: .*models\/loras/.test(line)));
  assert.ok(reported.some((line) => /^lost\.safetensors: .*link/.test(line)));
  assert.ok(reported.some((line) => /^coming.*not finished/.test(line)));
  await registry.list();
  assert.equal(reported.length, 5);
  await put(root, { 'cut.safetensors': miniSd1() });
  assert.equal((await registry.list()).length, 2);
});

test('two models of one name: the first is used, and the second is told', async () => {
  const root = await folderOf({ 'a/x.safetensors': miniSd1(), 'b/x.safetensors': miniSdxl() });
  const { names, refused } = await listed(root);
  assert.deepEqual(names, ['x']);
  assert.match(refused['b/x.safetensors'] ?? '', /Two models are called x/);
  assert.equal((await openRegistry(root).find('b/x')).info.family, 'sdxl');
});

test('a model in several files, with an index and without', async () => {
  const all = Object.entries(miniSd1());
  const half = Math.ceil(all.length / 2);
  const [one, two] = ['x-00001-of-00002.safetensors', 'x-00002-of-00002.safetensors'] as const;
  const shards = {
    [one]: Object.fromEntries(all.slice(0, half)),
    [two]: Object.fromEntries(all.slice(half)),
  };
  const root = await folderOf(shards);
  assert.deepEqual(await listed(root), { names: ['x'], refused: {} });
  const { denoiser } = (await openRegistry(root).find('x')).layout;
  assert.ok(denoiser.kind === 'tensors');
  const files = new Set([...denoiser.tensors.values()].map(({ file }) => basename(file)));
  assert.deepEqual([...files].toSorted(), [one, two]);
  const map = Object.fromEntries(all.map(([name], i) => [name, i < half ? one : two]));
  const index = (weights: object): string => JSON.stringify({ weight_map: weights });
  await put(root, { 'x.safetensors.index.json': index(map) });
  assert.equal((await openRegistry(root).find(root)).info.family, 'sd1');
  for (const [weights, code] of [
    [{ ...map, more: one }, 'shard-lacks'],
    [{ ...map, more: 'x-00003-of-00003.safetensors' }, 'shard-absent'],
    [{ more: '../../etc/passwd.safetensors' }, 'shard-index'],
  ] as const) {
    await put(root, { 'x.safetensors.index.json': index(weights) });
    assert.equal(await refusal(openRegistry(root).find('x')), code);
  }
  await rm(join(root, 'x.safetensors.index.json'));
  await rm(join(root, two));
  assert.equal(await refusal(openRegistry(root).find('x')), 'shards-absent');
});

test('a file that is called as programs call what they save goes by its folder', async () => {
  const root = await folderOf({
    'unet/anime/diffusion_pytorch_model.fp16.safetensors': miniSd1(),
    'checkpoints/model.safetensors': miniSd1(),
  });
  assert.deepEqual((await listed(root)).names, ['anime', 'checkpoints']);
});

test('links in a circle end', async () => {
  const root = await folderOf({ 'sub/x.safetensors': miniSd1() });
  await symlink(root, join(root, 'sub/round'));
  assert.deepEqual((await listed(root)).names, ['x']);
});

test('what a model lacks comes from beside it or from the shelves, else it is told where to put it', async () => {
  const root = await folderOf({ 'x.safetensors': originalUnet(MINI_SD1) });
  const registry = openRegistry(root);
  assert.equal(await refusal(registry.find('x')), 'model-needs-vae');
  await put(root, { 'x.vae.safetensors': originalVae(undefined, '') });
  assert.equal(await refusal(registry.find('x')), 'model-needs-text-encoder');
  // of another width, damaged, and the right one
  await put(root, {
    'text_encoders/clip_g.safetensors': openClipText(192, ''),
    'text_encoders/bad.safetensors': 'bad',
  });
  assert.equal(await refusal(registry.find('x')), 'model-needs-text-encoder');
  await put(root, { 'text_encoders/clip_l.safetensors': clipText(64, 'text_model.') });
  const { layout, info } = await registry.find('x');
  assert.equal(layout.textEncoders[0]?.source.path, join(root, 'text_encoders/clip_l.safetensors'));
  assert.equal(info.checkpoint?.vae?.words, 'x.vae.safetensors beside the model');
  assert.deepEqual((await listed(root)).names, ['x']);
});

test('SDXL’s two encoders are told apart by their width and place', async () => {
  const root = await folderOf({
    'x.safetensors': originalUnet(MINI_SDXL),
    'vae/sdxl_vae.safetensors': originalVae(undefined, ''),
    'vae/vae-ft-mse.safetensors': originalVae(undefined, ''),
    'clip/clip_g.safetensors': openClipText(192, ''),
    'clip/clip_l.safetensors': clipText(128, 'text_model.'),
  });
  const { layout } = await openRegistry(root).find('x');
  assert.deepEqual(
    layout.textEncoders.map(({ id, width, clip, tokenizer }) => [
      id,
      width,
      clip.activation,
      clip.projected,
      tokenizer.padding,
    ]),
    [
      ['text_encoder', 128, 'quick_gelu', false, '<|endoftext|>'],
      ['text_encoder_2', 192, 'gelu', true, '!'],
    ],
  );
  assert.match(layout.vaeDecoder.path, /sdxl_vae/);
  await put(root, { 'vae/sdxl-other.safetensors': originalVae(undefined, '') });
  assert.equal(await refusal(openRegistry(root).find('x')), 'model-needs-one-vae');
  await put(root, { 'x.json': '{"vae": "sdxl-other"}' });
  assert.match((await openRegistry(root).find('x')).layout.vaeDecoder.path, /sdxl-other/);
});

test('another VAE, and other text encoders, in place of the model’s own', async () => {
  const root = await folderOf({
    'x.safetensors': miniSd1(),
    'vae/mine.safetensors': originalVae([32, 64, 64, 64], ''),
    'vae/deep.safetensors': deepVae(),
    'elsewhere/l.safetensors': clipText(64, ''),
    'elsewhere/g.safetensors': openClipText(192, ''),
  });
  const registry = openRegistry(root);
  const own = await registry.find('x');
  const swapped = await registry.find('x', { vae: 'Mine', textEncoders: [] });
  assert.match(swapped.layout.vaeDecoder.path, /mine\.safetensors$/);
  assert.notEqual(swapped.layout.stamp, own.layout.stamp);
  assert.equal(swapped.info.hash, own.info.hash);
  const [listed] = await registry.list();
  assert.deepEqual(listed?.vaes, ['mine']);
  const baked = await registry.find('x', { vae: 'automatic', textEncoders: [] });
  assert.match(baked.layout.vaeDecoder.path, /x\.safetensors$/);
  const encoder = join(root, 'elsewhere/l.safetensors');
  const given = await registry.find('x', { vae: null, textEncoders: [encoder] });
  assert.equal(given.layout.textEncoders[0]?.source.path, encoder);
  for (const [vae, code] of [
    ['absent', 'no-vae'],
    ['deep', 'vae-misfit'],
    [join(root, 'nowhere.safetensors'), 'no-vae-file'],
    [encoder, 'file-has-no-vae'],
  ] as const) {
    assert.equal(await refusal(registry.find('x', { vae, textEncoders: [] })), code);
  }
  const wrong = [join(root, 'elsewhere/g.safetensors')];
  assert.equal(
    await refusal(registry.find('x', { vae: null, textEncoders: wrong })),
    'text-encoder-unused',
  );
});

/** Sixteen channels, as newer families have. */
function deepVae(): Tensors {
  return {
    ...originalVae(undefined, ''),
    'decoder.conv_in.weight': { type: 'F16', shape: [64, 16, 3, 3] },
    'encoder.conv_out.weight': { type: 'F16', shape: [32, 64, 3, 3] },
    'encoder.conv_out.bias': { type: 'F16', shape: [32] },
    'quant_conv.weight': { type: 'F16', shape: [32, 32, 1, 1] },
    'quant_conv.bias': { type: 'F16', shape: [32] },
    'post_quant_conv.weight': { type: 'F16', shape: [16, 16, 1, 1] },
    'post_quant_conv.bias': { type: 'F16', shape: [16] },
  };
}

test('a file put in another one’s place is another model', async () => {
  const root = await folderOf({ 'x.safetensors': miniSd1() });
  const registry = openRegistry(root);
  const before = await registry.find('x');
  assert.equal((await registry.find('x')).layout.stamp, before.layout.stamp);
  await writeFile(join(root, 'new'), safetensorsOf(miniSdxl()));
  await rename(join(root, 'new'), join(root, 'x.safetensors'));
  await utimes(join(root, 'x.safetensors'), 1, 1);
  const found = await registry.find('x');
  assert.notEqual(found.layout.stamp, before.layout.stamp);
  assert.notEqual(found.info.hash, before.info.hash);
  assert.deepEqual(
    (await registry.list()).map(({ family }) => family),
    ['sdxl'],
  );
});

test('what the keeper says suits a model is what requests begin with', async () => {
  const root = await folderOf({
    'x.safetensors': miniSd1(),
    'x.json': JSON.stringify({ clip_skip: 2, steps: 33, sampler: 'euler_a', guidance_scale: 5 }),
  });
  const [info] = await openRegistry(root).list();
  assert.ok(info);
  const { clipSkip, steps, sampler, guidanceScale } = parseRequest({ prompt: 'a' }, info);
  assert.deepEqual(
    { clipSkip, steps, sampler, guidanceScale },
    {
      clipSkip: 2,
      steps: 33,
      sampler: 'euler_a',
      guidanceScale: 5,
    },
  );
});

test('sixty models are listed, and the second time from memory', async () => {
  const bytes = safetensorsOf(originalUnet(MINI_SD1));
  const root = await folderOf({
    'vae/v.safetensors': originalVae(undefined, ''),
    'clip/clip_l.safetensors': clipText(64, 'text_model.'),
  });
  for (let i = 0; i < 60; i++) await writeFile(join(root, `m${i}.safetensors`), bytes);
  const registry = openRegistry(root);
  const first = await registry.list();
  assert.equal(first.length, 60);
  const second = await registry.list();
  assert.deepEqual(second, first);
});
