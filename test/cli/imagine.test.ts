import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { paintPictures } from '../../src/cli/imagine/paint-pictures.ts';
import { manageModels } from '../../src/cli/models/manage-models.ts';
import { readInfotext } from '../../src/engine/picture/recipe-texts.ts';
import { safetensorsOf } from '../engine/checkpoint/file/make-safetensors.ts';
import { miniSd1 } from '../engine/checkpoint/mini-checkpoint.ts';
import { comparePictures } from '../support/golden/golden-cases.ts';
import {
  originalNames,
  referenceCase,
  referenceModel,
  type Weights,
  writeWeights,
} from '../support/models/reference-checkpoint.ts';
import { slowly } from '../support/models/slow-network.ts';
import { commandsOnOneEngine, type Ended } from './in-process.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const SETTINGS = { MODELS_DIR: path.join(ROOT, 'models'), DEVICE: 'cpu' };
let folder: string;
const commands = commandsOnOneEngine(SETTINGS);
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'imagine-'));
  await mkdir(path.join(folder, 'data'));
  process.chdir(folder);
});
after(async () => {
  await commands.close();
  process.chdir(ROOT);
  await rm(folder, { recursive: true });
});

/** The command as people run it, in the temporary folder: a program of its own. */
function start(script: string, args: readonly string[], more: Record<string, string> = {}) {
  const command = [path.join(ROOT, 'scripts/run.cjs'), `src/cli/${script}.ts`, ...args];
  const child = spawn(process.execPath, command, {
    cwd: folder,
    env: { ...process.env, ...SETTINGS, ...more },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** What the programs do, without their start. */
function imagine(...args: string[]): Promise<Ended> {
  return commands.run(paintPictures, args);
}
function models(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return commands.run(manageModels, args, env);
}

const RED_CAT = ['a red cat', '--seed=42', '--steps=2', '--size=64x64', '--out=json/'];

test('--json prints one object, the picture lies where it says', async () => {
  const { code, stdout, stderr } = await start('imagine', [...RED_CAT, '--json']).ended;
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.equal(stdout.trim().split('\n').length, 1);
  const answer = JSON.parse(stdout);
  assert.deepEqual(answer.images, [
    { file: 'json/42-a-red-cat.png', seed: 42, width: 64, height: 64 },
  ]);
  assert.equal(answer.request.steps, 2);
  assert.equal(answer.request.seed, 42);
  assert.equal(answer.provider, 'cpu');
  assert.equal(answer.model.name, 'demo');
  assert.match(answer.model.hash, /^[0-9a-f]{10}$/);
  assert.equal(answer.timings.steps_ms.length, 2);
  for (const name of ['load_ms', 'encode_ms', 'decode_ms', 'total_ms']) {
    assert.ok(answer.timings[name] > 0, name);
  }
  const png = await readFile(path.join(folder, answer.images[0].file));
  const { format, width, height } = await sharp(png).metadata();
  assert.deepEqual([format, width, height], ['png', 64, 64]);
  assert.match(
    readInfotext(png) ?? '',
    /^a red cat\nSteps: 2, Sampler: .*Seed: 42, Size: 64x64, Model hash: /,
  );
});

test('the same command gives the same bytes, in any process; any change, another picture', async () => {
  const commandLine = (name: string, ...args: string[]): string[] => [
    'a dog',
    '--steps',
    '2',
    '--size',
    '64x64',
    '--out',
    name,
    ...args,
  ];
  const paint = async (name: string, ...args: string[]): Promise<Buffer> => {
    const { code, stderr } = await imagine(...commandLine(name, ...args));
    assert.equal(code, 0, stderr);
    return readFile(path.join(folder, name));
  };
  // Another process made it in the test before.
  const alone = await readFile(path.join(folder, 'json/42-a-red-cat.png'));
  const here = await imagine(...RED_CAT, '--out=here.png');
  assert.equal(here.code, 0, here.stderr);
  assert.deepEqual(await readFile(path.join(folder, 'here.png')), alone);
  const first = await paint('first.png', '--seed', '7');
  assert.deepEqual(await paint('again.png', '--seed', '7'), first);
  const pixels = async (png: Buffer): Promise<Buffer> => sharp(png).raw().toBuffer();
  const base = await pixels(first);
  for (const [name, ...args] of [
    ['seed.png', '--seed', '8'],
    ['cfg.png', '--seed', '7', '--cfg', '3'],
    ['rng.png', '--seed', '7', '--rng', 'nv'],
    ['vary.png', '--seed', '7', '--variation-seed', '1', '--variation-strength', '0.3'],
  ] as const) {
    assert.notDeepEqual(await pixels(await paint(name, ...args)), base, name);
  }
});

test('a batch counts files and seeds, latents are a NumPy array', async () => {
  const args = ['a cat', '--count', '2', '--seed', '18446744073709551615', '--steps', '1'];
  const out = ['--out', 'batch.png', '--save-latents', 'deep/latents.npy', '--json'];
  const { code, stdout, stderr } = await imagine(...args, ...out);
  assert.equal(code, 0, stderr);
  const { images } = JSON.parse(stdout);
  assert.deepEqual(
    images.map(({ file, seed }: { file: string; seed: unknown }) => [file, seed]),
    [
      ['batch-1.png', '18446744073709551615'],
      ['batch-2.png', 0],
    ],
  );
  const npy = await readFile(path.join(folder, 'deep/latents.npy'));
  const headerEnd = 10 + npy.readUInt16LE(8);
  assert.equal(headerEnd % 64, 0);
  assert.match(npy.toString('latin1', 0, headerEnd), /'<f4'.*'shape': \(2, 4, 16, 16\)/);
  assert.equal(npy.length, headerEnd + 2 * 4 * 16 * 16 * 4);
});

test('img2img starts from a picture, a mask keeps the rest', async () => {
  await writeFile(
    path.join(folder, 'start.png'),
    await sharp({ create: { width: 130, height: 70, channels: 3, background: '#3060c0' } })
      .png()
      .toBuffer(),
  );
  await writeFile(
    path.join(folder, 'mask.png'),
    await sharp({ create: { width: 130, height: 70, channels: 3, background: 'black' } })
      .png()
      .toBuffer(),
  );
  const args = ['a cat', '--init', 'start.png', '--steps', '2', '--seed', '1', '--json'];
  const { code, stdout, stderr } = await imagine(...args, '--strength', '0.5', '--out', 'i2i.png');
  assert.equal(code, 0, stderr);
  const { images, request } = JSON.parse(stdout);
  assert.deepEqual([images[0].width, images[0].height], [128, 64]);
  assert.equal(request.init.image, 'start.png');
  const kept = await imagine(...args, '--mask', 'mask.png', '--out', 'kept.png');
  assert.equal(kept.code, 0, kept.stderr);
  const { channels } = await sharp(path.join(folder, 'kept.png')).stats();
  assert.deepEqual(
    channels.slice(0, 3).map(({ mean }) => Math.round(mean)),
    [0x30, 0x60, 0xc0],
  );
});

describe('bad arguments end with status 2 and one line that names them', () => {
  for (const [args, line] of [
    [[], /^A prompt is missing/],
    [['x', '--foo'], /^Unknown option '--foo'/],
    [['x', '--steps', '0'], /^steps must be a whole number from 1 to 200, not "0"/],
    [['x', '--sampler', 'eulr'], /^sampler "eulr" is not known\. Did you mean euler\?/],
    [['x', '--size', '500x128'], /^width must be a multiple of 16 .* the nearest are 496 and 512/],
    [['x', '--model', 'nope'], /^model "nope" is not known\. There is demo/],
    [['x', '--model', './nope'], /^model \.\/nope does not exist/],
    [['x'.repeat(6000)], /^prompt has 6000 characters; at most 4000/],
    [['x', '--out', 'x.jpg'], /should end in \.png/],
    [['x', '--init', 'none.png'], /^--init none\.png cannot be read \(ENOENT\)/],
    [['(x:1.2.3)', '--steps', '1'], /the weight "1\.2\.3" is not a number/],
  ] as const) {
    test(`${args.join(' ').slice(0, 60)}`, async () => {
      const { code, stdout, stderr } = await imagine(...args);
      assert.match(stderr, line);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.equal(stderr.trimEnd().split('\n').length, 1);
      assert.equal(existsSync(path.join(folder, 'out')), false, 'no folder for nothing');
    });
  }
  test('a target that cannot be written to', async () => {
    await writeFile(path.join(folder, 'file'), '');
    const { code, stderr } = await imagine('x', '--out', 'file/x.png');
    assert.equal(code, 2);
    assert.match(stderr, /^Nothing can be written to file/);
  });
  test('a wrong environment', async () => {
    const { code, stderr } = await commands.run(paintPictures, ['x'], { DEVICE: 'gpu' });
    assert.equal(code, 2);
    assert.match(stderr, /DEVICE is "gpu"; allowed: auto, cuda/);
  });
});

test('hires fix and outpainting make larger pictures', async () => {
  const args = ['a red star', '--steps', '2', '--seed', '1'];
  const small = [...args, '--size', '64x64', '--out', 'small.png'];
  const hires = await imagine(...small, '--hires-scale', '2', '--json');
  assert.equal(hires.code, 0, hires.stderr);
  const { images, request } = JSON.parse(hires.stdout);
  assert.deepEqual([images[0].width, images[0].height], [128, 128]);
  assert.deepEqual(request.hires, { scale: 2, steps: 2, strength: 0.7, upscaler: 'latent' });
  const wide = await imagine(
    ...args,
    '--init',
    'small.png',
    '--outpaint',
    '0,0,64,0',
    '--out',
    'wide.png',
  );
  assert.equal(wide.code, 0, wide.stderr);
  assert.match(wide.stdout, /192x128/);
});

test('a graph that is damaged is a failure, status 1, not a bad argument', async () => {
  const model = path.join(folder, 'torn');
  await cp(path.join(ROOT, 'models/demo'), model, { recursive: true });
  await truncate(path.join(model, 'unet/model.onnx'), 20_000);
  const { code, stderr } = await imagine('x', '--model', './torn', '--steps', '2');
  assert.match(stderr, /^Model "torn": unet\/model\.onnx is damaged or not an ONNX graph/);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
  assert.equal(code, 1);
});

test('a damaged model is a failure with words', async () => {
  const models = path.join(folder, 'models/broken');
  await mkdir(path.join(models, 'unet'), { recursive: true });
  await writeFile(path.join(models, 'model_index.json'), '{');
  const { code, stderr, stdout } = await imagine('x', '--model', 'models/broken');
  assert.notEqual(code, 0);
  assert.equal(stdout, '');
  assert.match(stderr, /broken/);
  assert.doesNotMatch(stderr, /\n\s+at /);
});

test('Ctrl-C stops between steps and leaves nothing behind', async () => {
  const args = ['x', '--steps', '200', '--size', '64x64', '--out', 'stopped/', '--json'];
  const { child, ended } = start('imagine', args, slowly(50));
  while (!existsSync(path.join(folder, 'stopped'))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  setTimeout(() => child.kill('SIGINT'), 1500);
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 130);
  assert.equal(stderr, 'Cancelled.\n');
  assert.equal(stdout, '');
  assert.deepEqual(await readdir(path.join(folder, 'stopped')), []);
});

test('names made from the seed never replace an older picture', async () => {
  const args = ['日本 Cat, (blue:1.2)!', '--seed', '3', '--steps', '1', '--out', 'names/'];
  const first = await imagine(...args);
  const second = await imagine(...args);
  assert.match(first.stdout, /^names\/3-日本-cat-blue-1-2\.png {2}seed 3 {2}128x128\n$/);
  assert.match(second.stdout, /^names\/3-日本-cat-blue-1-2-2\.png/);
});

test('a picture that the safety checker flags is not written, unless it is switched off', async () => {
  const model = path.join(folder, 'guarded');
  await cp(path.join(ROOT, 'models/demo'), model, { recursive: true });
  await cp(path.join(ROOT, 'test/fixtures/safety'), model, { recursive: true });
  const out = path.join(folder, 'red.png');
  const args = ['a yellow star on a red background', '--seed', '7', '--steps', '5', '--out', out];
  const kept = await imagine(...args, '--model', model);
  assert.deepEqual([kept.code, kept.stdout], [1, '']);
  assert.match(
    kept.stderr,
    /safety checker kept the picture of seed 7 back; --safety off writes it/,
  );
  await assert.rejects(stat(out));
  const shown = await imagine(...args, '--model', model, '--safety', 'off');
  assert.equal(shown.code, 0, shown.stderr);
  assert.ok((await stat(out)).size > 1000);
});

test('how well people would share evaluations is not measured behind the pictures of a command', async () => {
  const paint = (...args: string[]) => imagine('a cat', '--steps=1', '--size=64x64', ...args);
  assert.equal((await paint('--out=before.png')).code, 0);
  // What would be measured behind that one is done before the next.
  assert.equal((await paint('--out=behind.png')).code, 0);
  assert.deepEqual(
    (await readdir(path.join(folder, 'data'))).filter((name) => /sharing/.test(name)),
    [],
  );
});

test('models are listed, for people and as JSON', async () => {
  const text = await models([]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(
    text.stdout,
    /^name +family +size +hash +device\ndemo +sd1 +128x128 +[0-9a-f]{10} +cpu/,
  );
  assert.match(text.stdout, /No model here has a safety checker/);
  const json = await models(['--json']);
  assert.equal(JSON.parse(json.stdout).models[0].name, 'demo');
  assert.equal((await models(['--all'])).code, 2);
});

test('models says of files and folders what they are, and of the models folder what is known and how', async () => {
  const modelsDir = path.join(folder, 'checkpoints');
  await mkdir(modelsDir);
  const file = path.join(modelsDir, 'own.safetensors');
  await writeFile(file, safetensorsOf(miniSd1(), { 'modelspec.prediction_type': 'epsilon' }));
  await writeFile(path.join(modelsDir, 'own.json'), '{"clip_skip": 2}');
  const lora = path.join(folder, 'stray.safetensors');
  await writeFile(lora, safetensorsOf({ 'lora_unet_x.lora_up.weight': { shape: [1, 1] } }));
  const env = { MODELS_DIR: modelsDir };
  const { code, stdout } = await models(['--json', file, lora, 'own'], env);
  assert.equal(code, 1);
  const { files, refuse } = JSON.parse(stdout);
  assert.deepEqual(
    [files[0].path, files[0].family, files[0].prediction.value, files[0].has_vae, files[0].dtype],
    [file, 'sd1', 'epsilon', true, 'mixed: unet and vae fp16, text fp8'],
  );
  assert.equal(files[1].path, 'own');
  assert.equal(files[1].clip_skip, 2);
  assert.deepEqual([refuse[0].path, refuse[0].code], [lora, 'file-is-lora']);
  const words = await models([file, lora, path.join(ROOT, 'models/demo'), 'no'], env);
  assert.match(words.stdout, /predicts +epsilon \(__metadata__/);
  assert.match(words.stdout, /stray\.safetensors is a LoRA, not a model/);
  assert.match(words.stdout, /an ONNX folder: sd1/);
  assert.match(words.stdout, /^no\n {2}no is not there/m);
  const list = await models([], env);
  assert.match(list.stdout, /^own: epsilon \(.*modelspec.*; clip skip 2$/m);
  assert.equal((await models([file, '--check'], env)).code, 2);
});

test('models --check says what really runs each model, and which one does not work', async () => {
  const modelsDir = path.join(folder, 'some');
  await cp(path.join(ROOT, 'models/demo'), path.join(modelsDir, 'fine'), { recursive: true });
  await cp(path.join(ROOT, 'models/demo'), path.join(modelsDir, 'torn'), { recursive: true });
  await truncate(path.join(modelsDir, 'torn/text_encoder/model.onnx'), 20_000);
  const env = { MODELS_DIR: modelsDir, DEVICE: 'auto' };
  const { code, stdout, stderr } = await models(['--check', '--json'], env);
  const answer = JSON.parse(stdout);
  const [fine, torn] = answer.models;
  assert.equal(answer.device, 'auto');
  assert.equal(fine.check.provider, answer.provider);
  assert.equal(fine.check.error, null);
  assert.match(torn.check.error, /text_encoder\/model\.onnx is damaged/);
  assert.match(stderr, /^torn: Model "torn"/m);
  assert.equal(code, 1);
});

test('--help shows every option', async () => {
  const { code, stdout } = await imagine('--help');
  assert.equal(code, 0);
  for (const option of ['--negative', '--cfg', '--save-latents', '--seed-resize', '--emphasis']) {
    assert.ok(stdout.includes(option), option);
  }
});

const reference = await referenceModel();
const c = await referenceCase();

describe('a .safetensors file and nothing else', () => {
  const { unet, vae, text_encoder } = reference;
  const words = [c.prompt, '--profile', 'diffusers', '--size', '64x64', '--seed', String(c.seed)];
  const count = ['--steps', String(c.steps), '--cfg', String(c.guidanceScale)];

  test('paints what diffusers paints, and with parts from elsewhere the same', async () => {
    const whole = await writeWeights(
      path.join(folder, 'given/whole.safetensors'),
      originalNames({ unet, vae, text_encoder }),
    );
    const none = new Map() as Weights;
    const bare = await writeWeights(
      path.join(folder, 'given/bare.safetensors'),
      originalNames({ unet, vae: none, text_encoder: none }),
    );
    await writeWeights(path.join(folder, 'given/soft-vae.safetensors'), vae);
    await writeWeights(path.join(folder, 'given/clip_l.safetensors'), text_encoder);
    const parts = [
      '--vae',
      'given/soft-vae.safetensors',
      '--text-encoder',
      'given/clip_l.safetensors',
    ];
    for (const args of [
      ['--model', whole],
      ['--model', path.relative(folder, bare), ...parts],
    ]) {
      const { code, stderr } = await imagine(...words, ...count, '--out', 'one.png', ...args);
      assert.equal(code, 0, stderr);
      const { levels } = await comparePictures(await readFile(path.join(folder, 'one.png')), c.png);
      assert.ok(levels <= 1, `${levels} levels`);
    }
    const lacking = await imagine(...words, ...count, '--model', bare);
    assert.equal(lacking.code, 1);
    assert.match(
      lacking.stderr,
      /^bare has no VAE, and none is at hand\. Put one into models\/vae/,
    );
    const export_ = await imagine(
      'a cat',
      '--vae',
      'given/soft-vae.safetensors',
      '--model',
      'demo',
    );
    assert.match(export_.stderr, /^"demo" is an ONNX export/);
  });
});
