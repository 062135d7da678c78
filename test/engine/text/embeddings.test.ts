import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { UserError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { RegistryEntry } from '../../../src/engine/model/found/entries.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { editTextEncoder } from '../../../src/engine/model/graphs/text-encoder-edit.ts';
import type { ProfileName } from '../../../src/engine/names.ts';
import { VECTOR_INPUTS } from '../../../src/engine/onnx/token-embedding.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { insertChunks, textChunk } from '../../../src/engine/picture/file/png-text.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { editedFile } from '../../../src/engine/network/graph-source.ts';
import { openSession } from '../../../src/engine/network/session.ts';
import { type Conditioning, createTextEncoder } from '../../../src/engine/text/text-encoder.ts';
import { bundledEmbedding, openEmbeddings } from '../../../src/engine/text/embeddings.ts';
import type { EncoderPart } from '../../../src/engine/text/encoder-run.ts';
import { loadTokenizer } from '../../../src/engine/text/tokenizer.ts';
import { cpuSessions } from '../../support/cpu-sessions.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';

const clock = { ms: 0 };
const root = await mkdtemp(join(tmpdir(), 'embeddings-'));
const shared = join(root, 'embeddings');
await mkdir(shared);
const open: { release(): Promise<void> }[] = [];
after(async () => {
  for (const each of open) await each.release();
  await rm(root, { recursive: true });
});

async function entryOf(folder: string): Promise<RegistryEntry> {
  const name = basename(folder);
  await symlink(folder, join(root, name));
  return openRegistry(root).find(name);
}

async function load(folder: string): Promise<LoadedModel> {
  const entry = await entryOf(folder);
  const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
  open.push(model);
  return model;
}

/** Nothing but what reads prompts. */
async function readerOf({ layout }: RegistryEntry): Promise<Pick<LoadedModel, 'textEncoder'>> {
  const sessions = cpuSessions(layout);
  open.push(sessions);
  const parts: EncoderPart[] = [];
  for (const files of layout.textEncoders) parts.push(await sessions.textEncoder(files));
  return { textEncoder: createTextEncoder(layout, parts, openEmbeddings(layout.beside, [])) };
}

/** The rows of the token embedding for the words of a text: the graph asked without, then with vectors of zeros. */
async function rowsOf(folder: string, encoder: string, text: string): Promise<Float32Array> {
  const tokenizer = await loadTokenizer(join(folder, encoder.replace('text_encoder', 'tokenizer')));
  const path = join(folder, encoder, 'model.onnx');
  const graph = await editTextEncoder(path, { endAfter: null, vectors: true });
  const session = await openSession(await editedFile(path, graph), { provider: 'cpu', clock });
  const ids = tokenizer.encode(text);
  const padded = [...ids, ...Array.from({ length: 77 - ids.length }, () => tokenizer.eos)];
  const [input = ''] = session.inputs.keys();
  const width = Number(session.outputs.get('hidden_states.0')?.shape.at(-1));
  const ask = async (place: number): Promise<Float32Array> => {
    const feeds = {
      [input]: { data: padded, shape: [1, 77] },
      [VECTOR_INPUTS.places]: { data: new Float32Array(77).fill(place), shape: [1, 77, 1] },
      [VECTOR_INPUTS.vectors]: { data: new Float32Array(77 * width), shape: [1, 77, width] },
    };
    const results = await session.run(feeds, ['hidden_states.0']);
    return results['hidden_states.0']?.data ?? new Float32Array();
  };
  const [whole, positions] = [await ask(0), await ask(1)];
  await session.release();
  return whole.slice(0, ids.length * width).map((value, i) => value - (positions[i] ?? 0));
}

function safetensors(tensors: Record<string, { shape: number[]; data: Float32Array }>): Uint8Array {
  let at = 0;
  const header: Record<string, object> = { __metadata__: { made: 'here' } };
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const bodies = Object.values(tensors).map(({ data }) =>
    Buffer.from(data.buffer, 0, data.byteLength),
  );
  return Buffer.concat([length, text, ...bodies]);
}

function encode(
  model: Pick<LoadedModel, 'textEncoder'>,
  text: string,
  more: { clipSkip?: number; profile?: ProfileName } = {},
) {
  const options = {
    emphasis: 'original',
    profile: 'a1111',
    clipSkip: 1,
    steps: 4,
    negative: false,
  } as const;
  return model.textEncoder.encode(text, { ...options, ...more });
}

/** Largest difference of the first embeddings, as a share of the largest value. */
function apart(one: Conditioning, two: Conditioning): number {
  const [a, b] = [one, two].map(({ parts }) => parts[0]?.schedule[0]?.text);
  assert.ok(a && b && a.context.length === b.context.length);
  const values = [...a.context, ...(a.pooled ?? [])];
  const others = [...b.context, ...(b.pooled ?? [])];
  const largest = Math.max(...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(value - (others[i] ?? NaN)))) / largest;
}

const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
const model = await load(demo);
const rows = await rowsOf(demo, 'text_encoder', 'red star');
const width =
  rows.length / (await loadTokenizer(join(demo, 'tokenizer'))).encode('red star').length;
const count = rows.length / width;
await writeFile(
  join(shared, 'qqq.safetensors'),
  safetensors({ emb_params: { shape: [count, width], data: rows } }),
);

test('vectors that equal the rows of words give the embedding of those words', async () => {
  const plain = await encode(model, 'a red star, a blue sky');
  const called = await encode(model, 'a qqq, a blue sky');
  assert.ok(apart(plain, called) < 1e-5, `off by ${apart(plain, called)}`);
  assert.ok(apart(plain, await encode(model, 'a qq, a blue sky')) > 1e-3);
  assert.deepEqual(
    called.embeddings?.map(({ name }) => name),
    ['qqq'],
  );
  assert.match(called.embeddings?.[0]?.hash ?? '', /^[0-9a-f]{12}$/);
});

test('with weights, clip skip and in a later chunk too', async () => {
  const long = 'a blue sky, '.repeat(30);
  for (const [prompt, more] of [
    ['(a NAME:1.3) in the sky', {}],
    ['a NAME', { clipSkip: 2 }],
    [`${long}NAME, ${long}`, {}],
    ['sky BREAK NAME NAME', {}],
  ] as const) {
    const plain = await encode(model, prompt.replaceAll('NAME', 'red star'), more);
    const called = await encode(model, prompt.replaceAll('NAME', 'qqq'), more);
    assert.ok(apart(plain, called) < 1e-5, `${prompt}: off by ${apart(plain, called)}`);
  }
});

test('profile comfy calls one by "embedding:", commas behind it are text', async () => {
  const comfy = { profile: 'comfy' } as const;
  const plain = await encode(model, 'a red star, (red star:1.2), fog', comfy);
  const called = await encode(model, 'a embedding:qqq, (embedding:qqq:1.2), fog', comfy);
  assert.ok(apart(plain, called) < 1e-5, `off by ${apart(plain, called)}`);
  const name = await encode(model, 'a qqq, fog', comfy);
  assert.deepEqual(name.embeddings, []);
});

test('profile comfy takes a file’s kind and folder along, and leaves out what is not there', async () => {
  const comfy = { profile: 'comfy' } as const;
  const plain = await encode(model, 'a embedding:qqq, fog', comfy);
  for (const name of ['qqq.safetensors', 'more/qqq', 'more\\qqq.pt']) {
    const called = await encode(model, `a embedding:${name}, fog`, comfy);
    assert.ok(apart(plain, called) < 1e-5, name);
  }
  const without = await encode(model, 'a , fog', comfy);
  const absent = await encode(model, 'a embedding:nobody, fog', comfy);
  assert.ok(apart(without, absent) < 1e-5);
  assert.deepEqual([absent.missing, absent.embeddings], [['nobody'], []]);
  assert.deepEqual((await encode(model, 'embedding:', comfy)).missing, ['']);
});

test('an embedding that would not fit a chunk begins the next', async () => {
  const many = new Float32Array(20 * width).fill(0.01);
  await writeFile(
    join(shared, 'many.safetensors'),
    safetensors({ x: { shape: [20, width], data: many } }),
  );
  const { parts } = await encode(model, `${'sky '.repeat(60)}many`);
  assert.equal(parts[0]?.schedule[0]?.text.tokens, 2 * 77);
});

test('the longest name wins, and a file that is put there later is found', async () => {
  const before = await encode(model, 'qqq two');
  const other = rows.map((value) => -value);
  await writeFile(
    join(shared, 'qqq two.safetensors'),
    safetensors({ emb_params: { shape: [count, width], data: other } }),
  );
  const later = await encode(model, 'qqq two');
  assert.ok(apart(before, later) > 1e-3);
  assert.deepEqual(
    later.embeddings?.map(({ name }) => name),
    ['qqq two'],
  );
});

test('the picture’s recipe names the file, as A1111 does', async () => {
  const { images } = await generate(
    parseRequest(
      { prompt: 'a qqq', negativePrompt: 'many', steps: 1, sampler: 'euler' },
      model.entry.info,
    ),
    model,
    { previews: false, sendDenoised: false, keepLatents: false },
    { signal: new AbortController().signal, clock, loadMs: 0, onProgress: () => {} },
  );
  assert.match(
    images[0]?.infotext ?? '',
    /TI hashes: "qqq: [0-9a-f]{12}, many: [0-9a-f]{12}", Version/,
  );
});

test('A1111’s pictures carry an embedding; other pictures beside it do not matter', async () => {
  const blank = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  const list = Array.from({ length: count }, (_, i) =>
    Array.from(rows.subarray(i * width, (i + 1) * width)),
  );
  const data = { name: 'zzpicture', string_to_param: { '*': { TORCHTENSOR: list } } };
  const base64 = Buffer.from(JSON.stringify(data)).toString('base64');
  await writeFile(
    join(shared, 'file.png'),
    insertChunks(blank, [textChunk('sd-ti-embedding', base64)]),
  );
  await writeFile(join(shared, 'sky.png'), blank);
  assert.ok(apart(await encode(model, 'zzpicture'), await encode(model, 'red star')) < 1e-5);
  assert.deepEqual((await encode(model, 'sky')).embeddings, []);
});

test('what cannot be used is told to the prompt that asks for it, and to no other', async () => {
  await writeFile(
    join(shared, 'wide.safetensors'),
    safetensors({ x: { shape: [5], data: new Float32Array(5) } }),
  );
  await writeFile(join(shared, 'torn.safetensors'), Buffer.alloc(40));
  await writeFile(
    join(shared, 'lora.safetensors'),
    safetensors({
      'lora_unet_conv_in.lora_up.weight': { shape: [1, 2], data: new Float32Array(2) },
      'lora_unet_conv_in.lora_down.weight': { shape: [2, 1], data: new Float32Array(2) },
    }),
  );
  await writeFile(join(shared, 'pickled.pt'), 'PK');
  await writeFile(
    join(shared, 'two.safetensors'),
    safetensors({
      a: { shape: [1, 2], data: new Float32Array(2) },
      b: { shape: [1, 2], data: new Float32Array(2) },
    }),
  );
  for (const [prompt, expected] of [
    [
      'a wide',
      /"wide" was made for another kind of model: its vectors have 5 numbers, model "demo" takes \d+/,
    ],
    ['a torn', /^torn\.safetensors begins with zeros only/],
    ['a pickled', /"pickled" is a \.pt file.*Convert it to \.safetensors/],
    ['a lora', /^lora\.safetensors is a LoRA, not a model.*models\/loras/],
    ['two', /"two".*holds 2 tensors/],
  ] as const) {
    await assert.rejects(encode(model, prompt), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, expected);
      return true;
    });
  }
  assert.deepEqual((await encode(model, 'a cat')).embeddings, []);
});

test('SDXL’s two vectors are known by names of every kind, or by their widths', () => {
  const rows = (width: number) => ({ shape: [2, width], data: new Float32Array(2 * width) });
  for (const [first, second] of [
    ['clip_l', 'clip_g'],
    ['text_encoders_0', 'text_encoders_1'],
    ['text_encoder', 'text_encoder_2'],
    ['one', 'other'],
  ] as const) {
    const tensors = new Map([
      [second, rows(160)],
      [first, rows(128)],
      ['clip_l_out', rows(9)],
    ]);
    const { vectors, count } = bundledEmbedding('x', 'hash', tensors);
    assert.deepEqual(
      [vectors.clip_l?.shape, vectors.clip_g?.shape, count],
      [[2, 128], [2, 160], 2],
    );
  }
  const same = new Map([
    ['one', rows(128)],
    ['other', rows(128)],
  ]);
  assert.throws(() => bundledEmbedding('x', 'hash', same), /2 tensors where one/);
});

test('the folder of embeddings is not taken for a model', async () => {
  const refused: string[] = [];
  const models = await openRegistry(root, (folder) => refused.push(folder)).list();
  assert.ok(models.some(({ name }) => name === 'demo'));
  assert.deepEqual(refused, []);
});

/**
 * Every kind of reference model where they are at hand: other widths, fp16, two encoders. The text encoder of the LCM has
 * Stable Diffusion 1.5's config.
 */
for (const name of ['sd15', 'sd15-fp16', 'sd21-v', 'sdxl']) {
  const folder = join(goldenModels, name);
  const skip = !existsSync(join(folder, 'model_index.json'));
  test(`rows of words stand for the words in ${name}`, { skip }, async () => {
    const entry = await entryOf(folder);
    const reference = await readerOf(entry);
    const tensors: Parameters<typeof safetensors>[0] = {};
    for (const part of entry.layout.textEncoders) {
      const data = await rowsOf(folder, part.id, 'red star');
      const key = part.id === 'text_encoder' ? 'clip_l' : 'clip_g';
      tensors[key] = { shape: [2, data.length / 2], data };
    }
    const file = `zz${name.replaceAll(/\W/g, '')}`;
    await writeFile(join(shared, `${file}.safetensors`), safetensors(tensors));
    const difference = apart(
      await encode(reference, 'a red star, sky'),
      await encode(reference, `a ${file}, sky`),
    );
    assert.ok(difference < (name === 'sd15-fp16' ? 5e-3 : 1e-5), `off by ${difference}`);
  });
}
