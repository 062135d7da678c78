import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import { RunError, UserError } from '../../../src/engine/errors.ts';
import { readLayers } from '../../../src/engine/lora/file.ts';
import { placeOf } from '../../../src/engine/lora/places.ts';
import { takeLoras } from '../../../src/engine/lora/tags.ts';
import { editTextEncoder } from '../../../src/engine/model/graphs/text-encoder-edit.ts';
import { initializers, readOnnx, writeOnnx } from '../../../src/engine/onnx/graph.ts';
import { layersOf } from '../../../src/engine/onnx/layers.ts';
import { addLowRank } from '../../../src/engine/lora/low-rank.ts';
import { loraEdit } from '../../../src/engine/lora/lora-edit.ts';
import { chooseLoras } from '../../../src/engine/lora/loras.ts';
import { layerShapes } from '../../../src/engine/model/graphs/layer-shapes.ts';
import { exportedWith } from '../../../src/engine/model/graphs/variant.ts';
import { readLayout } from '../../../src/engine/model/folder-layout.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import { editedFile } from '../../../src/engine/network/graph-source.ts';
import { openSession } from '../../../src/engine/network/session.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';
import { safetensorsOf } from '../checkpoint/file/make-safetensors.ts';
import { miniSd1, originalVae } from '../checkpoint/mini-checkpoint.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/golden/lora', import.meta.url));
const demo = fileURLToPath(new URL('../../../models/demo', import.meta.url));
const clock = { ms: 0 };
const root = await mkdtemp(join(tmpdir(), 'loras-'));
await mkdir(join(root, 'loras', 'more'), { recursive: true });
await symlink(demo, join(root, 'demo'));
await cp(join(fixtures, 'kohya.safetensors'), join(root, 'loras', 'Waves.safetensors'));
await cp(join(fixtures, 'peft.safetensors'), join(root, 'loras', 'more', 'ripples.safetensors'));
after(() => rm(root, { recursive: true }));

const wave = (length: number, step: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(1 + step * i));

function largestDifference(a: Float32Array, b: readonly number[]): number {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

const expected = JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8')) as {
  unet: number[];
  text: number[];
};

const uses = takeLoras('<lora:waves:0.7><lora:ripples:-0.4>').loras;
const chosen = await chooseLoras(uses, [join(root, 'demo'), root]);
const shapes = await layerShapes(await readLayout(demo));
const model = { name: 'demo', shapes: async () => shapes, layerNames: null };
const edits = await Promise.all(chosen.map((lora) => loraEdit(lora).open(model)));

describe('branches beside the layers equal weights that the pairs were merged into', () => {
  test('in the denoiser: linear, Gemm, convolutions with stride and in three steps, two on one layer', async () => {
    const path = join(demo, 'unet/model.onnx');
    const file = readOnnx(await readFile(path));
    exportedWith(edits, 'denoiser', path)?.(file);
    const session = await openSession(await editedFile(path, writeOnnx(file)), {
      provider: 'cpu',
      clock,
    });
    const answer = await session.run(
      {
        sample: { data: wave(4 * 256, 1.7), shape: [1, 4, 16, 16] },
        timestep: { data: [500], shape: [1] },
        encoder_hidden_states: { data: wave(77 * 128, 1.3), shape: [1, 77, 128] },
      },
      ['out_sample'],
    );
    await session.release();
    // Values up to about 4, summed in another order: float32 keeps 6e-8 of each, over 80 layers.
    assert.ok(largestDifference(answer['out_sample']!.data, expected.unet) < 2e-5);
    assert.ok(Math.max(...expected.unet.map(Math.abs)) > 0.5);
  });

  test('in the text encoder', async () => {
    const path = join(demo, 'text_encoder/model.onnx');
    const edit = { endAfter: null, vectors: false };
    const graph = await editTextEncoder(path, edit, exportedWith(edits, 'text_encoder', path));
    const session = await openSession(await editedFile(path, graph), { provider: 'cpu', clock });
    const ids = Array.from({ length: 77 }, (_, i) => i);
    const answer = await session.run({ input_ids: { data: ids, shape: [1, 77] } }, [
      'last_hidden_state',
    ]);
    await session.release();
    const { data } = answer['last_hidden_state']!;
    const rows = Array.from({ length: 11 }, (_, i) => data.slice(7 * i * 128, (7 * i + 1) * 128));
    const shown = Float32Array.from(rows.flatMap((row) => [...row]));
    assert.ok(largestDifference(shown, expected.text) < 2e-5);
  });
});

test('linear layers of torch’s newer exporter are found by its notes', async () => {
  const path = join(fixtures, 'dynamo.onnx');
  const file = readOnnx(await readFile(path));
  const names = ['down_blocks_0_to_q', 'down_blocks_0_to_out_0'];
  assert.deepEqual([...layersOf(file).keys()], names);
  const of = (length: number, start: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => Math.sin(start + i));
  const pair = {
    down: { shape: [2, 8], data: of(16, 1) },
    up: { shape: [6, 2], data: of(12, 2) },
    mid: null,
    alpha: 1,
  };
  addLowRank(file, [{ layer: names[0]!, pair, strength: 1 }], 'lora_0');
  const session = await openSession(await editedFile(path, writeOnnx(file)), {
    provider: 'cpu',
    clock,
  });
  const sample = { data: wave(24, 1.7), shape: [1, 3, 8] };
  const { out } = await session.run({ sample }, ['out']);
  await session.release();
  const merged = JSON.parse(await readFile(join(fixtures, 'dynamo.json'), 'utf8')) as number[];
  assert.ok(largestDifference(out!.data, merged) < 1e-5);
});

for (const [model, type] of [
  ['sd15-fp16', 'float16'],
  ['sdxl', 'float32'],
  ['sd3', 'float32'],
] as const) {
  const skip = existsSync(join(goldenModels, model)) ? false : 'the reference model is not here';
  test(`every layer of ${model} takes a pair of its size, in ${type}`, { skip }, async () => {
    const part = model === 'sd3' ? 'transformer' : 'unet';
    const path = join(goldenModels, model, part, 'model.onnx');
    const answers: Float32Array[] = [];
    // the same branches beside other sizes: that they change anything is looked at once
    for (const strength of model === 'sd3' ? [0, 0.5] : [0.5]) {
      const file = readOnnx(await readFile(path));
      const sizes = new Map(initializers(file).map(({ name, dims }) => [name, dims]));
      const wanted = [...layersOf(file)].flatMap(([layer, node]) => {
        const dims = sizes.get(node.inputs[1] ?? '') ?? [];
        const [out = 0, inner = 0] = node.opType === 'MatMul' ? dims.toReversed() : dims;
        const [down, up] = [
          wave(inner * dims.slice(2).reduce((a, b) => a * b, 1), 1),
          wave(out, 2),
        ];
        const pair = {
          down: { shape: [1, inner, ...dims.slice(2)], data: down },
          up: { shape: [out, 1, ...dims.slice(2).fill(1)], data: up },
        };
        return dims.length < 2
          ? []
          : [{ layer, strength, pair: { ...pair, mid: null, alpha: null } }];
      });
      assert.ok(wanted.length > 20, String(wanted.length));
      if (strength > 0) addLowRank(file, wanted, 'lora_0');
      const session = await openSession(await editedFile(path, writeOnnx(file)), {
        provider: 'cpu',
        clock,
      });
      const feeds = Object.fromEntries(
        [...session.inputs.values()].map(({ name, shape }) => {
          const usual = name === 'encoder_hidden_states' ? [1, 77] : [1, 4, 16, 16];
          const dims = shape.map((dim, i) => (typeof dim === 'number' ? dim : (usual[i] ?? 1)));
          const length = dims.reduce((a, b) => a * b, 1);
          return [name, { data: wave(length, 1.3), shape: dims }];
        }),
      );
      const [output = ''] = session.outputs.keys();
      answers.push((await session.run(feeds, [output]))[output]!.data);
      await session.release();
    }
    for (const answer of answers) assert.ok(answer.every(Number.isFinite));
    const [one, other] = answers as [Float32Array, Float32Array?];
    if (other) assert.ok(largestDifference(one, [...other]) > 1e-3);
  });
}

test('the names of SDXL in the original network are those that diffusers turns them into', async () => {
  const names = JSON.parse(await readFile(join(fixtures, 'names.json'), 'utf8')) as Record<
    string,
    string
  >;
  for (const [original, wanted] of Object.entries(names)) {
    const place = placeOf(`lora_unet_${original}.lora_down.weight`);
    assert.deepEqual(place, { part: 'denoiser', layer: wanted, role: 'down' }, original);
  }
});

test('all programs name a layer in their own way', () => {
  const layer = 'down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_out_0';
  const path = 'down_blocks.0.attentions.1.transformer_blocks.0.attn1';
  for (const [name, role] of [
    [`lora_unet_${layer}.lora_up.weight`, 'up'],
    [`lora_unet_${layer}.alpha`, 'alpha'],
    [`unet.${path}.to_out.0.lora_A.weight`, 'down'],
    [`unet.${path}.to_out.0.lora_B.default_0.weight`, 'up'],
    [`unet.${path}.processor.to_out_lora.down.weight`, 'down'],
    [`${path}.to_out.0.lora.up.weight`, 'up'],
  ] as const) {
    assert.deepEqual(placeOf(name), { part: 'denoiser', layer, role }, name);
  }
  const text = 'encoder_layers_3_self_attn_q_proj';
  for (const [name, part] of [
    [`lora_te_text_model_${text}.lora_down.weight`, 'text_encoder'],
    [`lora_te1_text_model_${text}.lora_down.weight`, 'text_encoder'],
    [`lora_te2_text_model_${text}.lora_down.weight`, 'text_encoder_2'],
    [
      'text_encoder.text_model.encoder.layers.3.self_attn.q_proj.lora_linear_layer.down.weight',
      'text_encoder',
    ],
    ['text_encoder_2.text_model.encoder.layers.3.self_attn.q_proj.lora_A.weight', 'text_encoder_2'],
  ] as const) {
    assert.deepEqual(placeOf(name), { part, layer: text, role: 'down' }, name);
  }
});

test('tags are read as A1111 reads them', () => {
  const { text, loras } = takeLoras(
    'a (cat <lora:a>:1.2) <LORA:b:0.5:0.25>, <lora:c:te=0.1:unet=2> <x:1>',
  );
  assert.equal(text, 'a (cat :1.2) ,  ');
  assert.deepEqual(loras, [
    { name: 'a', denoiser: 1, text: 1 },
    { name: 'b', denoiser: 0.25, text: 0.5 },
    { name: 'c', denoiser: 2, text: 0.1 },
  ]);
  for (const [prompt, sentence] of [
    ['<lora:a:much>', /strength "much" of lora:a:much must be a number from -20 to 20/],
    ['<lora:a:1e9>', /must be a number/],
    ['<lora:a:>', /must be a number/],
    ['<lora: :1>', /names no LoRA/],
    ['<lora:a>'.repeat(17), /17 LoRAs are asked for; at most 16/],
  ] as const) {
    assert.throws(
      () => takeLoras(prompt),
      (error) => error instanceof UserError && sentence.test(error.message),
      prompt.slice(0, 20),
    );
  }
});

/** A safetensors file of small numbers, the same waves for equal shapes. */
function pack(shapes: Record<string, number[]>, step = 0.9): Uint8Array {
  let at = 0;
  const header: Record<string, object> = {};
  const data: Uint8Array[] = [];
  for (const [name, shape] of Object.entries(shapes)) {
    const values = wave(
      shape.reduce((product, side) => product * side, 1),
      step,
    );
    data.push(new Uint8Array(values.buffer));
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...data]);
}

/** Pairs for the small model. */
const SMALL_PAIRS = {
  'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v.lora_A.weight': [4, 32],
  'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v.lora_B.weight': [32, 4],
  'unet.conv_in.lora_A.weight': [4, 4, 3, 3],
  'unet.conv_in.lora_B.weight': [16, 4, 1, 1],
};

describe('an engine with LoRAs', () => {
  let engine: Engine;
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'small-loras-'));
    await mkdir(join(root, 'loras', 'more'), { recursive: true });
    await symlink(demo, join(root, 'demo'));
    // of the reference set: it opens in a third of the demo's time
    await symlink(join(goldenModels, 'sd15'), join(root, 'small'));
    await writeFile(join(root, 'loras', 'Waves.safetensors'), pack(SMALL_PAIRS));
    await writeFile(join(root, 'loras', 'more', 'ripples.safetensors'), pack(SMALL_PAIRS, 0.4));
    engine = await startEngine(
      {
        modelsDir: root,
        device: 'cpu',
        isolation: 'thread',
        modelCacheBytes: 2 ** 30,
        stepDeadlineMs: 60_000,
      },
      { info() {}, warn() {}, error() {} },
    );
  });
  after(async () => {
    await engine.close();
    await rm(root, { recursive: true });
  });

  const SMALL = { model: 'small', width: 64, height: 64, steps: 2 };

  async function paint(prompt: string, input: RequestInput = {}) {
    const model = (await engine.models()).find(({ name }) => name === 'small')!;
    const usual = { prompt, seed: 5, ...SMALL, ...input };
    return engine.generate(parseRequest(usual, model));
  }
  const bytesOf = async (prompt: string): Promise<string> =>
    Buffer.from((await paint(prompt)).images[0]!.png).toString('base64');

  test('are listed, change the picture, and leave the model as it was', async () => {
    const [first, second] = await engine.models();
    // What the model brings along, and what lies beside it.
    assert.equal(first?.name, 'demo');
    assert.deepEqual(first.loras, ['Waves', 'lineart', 'ripples']);
    assert.deepEqual(second?.loras, ['Waves', 'ripples']);
    const plain = await paint('a red star');
    const changed = await paint('a red star <lora:waves:0.5>');
    assert.notDeepEqual(plain.images[0]?.png, changed.images[0]?.png);
    assert.match(
      changed.images[0]?.infotext ?? '',
      /^a red star <lora:waves:0.5>\n.*Lora hashes: "?Waves: [0-9a-f]{12}"?,/s,
    );
    assert.doesNotMatch(plain.images[0]?.infotext ?? '', /Lora/);
    const again = await paint('a red star');
    assert.deepEqual(again.images[0]?.png, plain.images[0]?.png);
  });

  // What is loaded already is painted with first: opening a set takes longer than a picture.
  test('of the sets that people try, the newest stays loaded, beside the plain model', async () => {
    for (const strength of ['0.5', '0.3']) await paint(`a star <lora:waves:${strength}>`);
    await paint('a star');
    assert.equal(engine.status().loaded.length, 2);
    const phases: string[] = [];
    const model = (await engine.models()).find(({ name }) => name === 'small')!;
    const again = parseRequest({ prompt: 'a star <lora:waves:0.3>', seed: 5, ...SMALL }, model);
    await engine.generate(again, { onProgress: ({ phase }) => phases.push(phase) });
    assert.equal(phases[0], 'encoding');
  });

  test('goes together with perturbed attention, and a strength of nothing paints the plain picture', async () => {
    const pixels = async (prompt: string, pagScale: number) =>
      sharp((await paint(prompt, { pagScale })).images[0]?.png)
        .raw()
        .toBuffer();
    const unperturbed = await pixels('a red star <lora:waves:0.3>', 0);
    const perturbed = await pixels('a red star', 3);
    assert.ok((await pixels('a red star <lora:waves:0>', 3)).equals(perturbed));
    const both = await pixels('a red star <lora:waves:0.3>', 3);
    assert.ok(!both.equals(perturbed));
    assert.ok(!both.equals(unperturbed));
  });

  test('what cannot be applied is told in a sentence, and the engine goes on', async () => {
    const files: Record<string, [Uint8Array | string, RegExp]> = {
      text: ['not weights at all', /^text\.safetensors is not a safetensors file/],
      model: [safetensorsOf(miniSd1()), /^model\.safetensors is a whole model \(sd1\)/],
      vae: [safetensorsOf(originalVae(undefined, '')), /^vae\.safetensors is a VAE.*models\/vae/],
      half: [pack({ 'lora_unet_conv_in.lora_up.weight': [2, 2] }), /only one of its two matrices/],
      xl: [
        pack({
          'lora_unet_input_blocks_8_1_proj_in.lora_down.weight': [4, 8],
          'lora_unet_input_blocks_8_1_proj_in.lora_up.weight': [8, 4],
        }),
        /"xl" was made for another kind of model than "small": it changes a layer down_blocks_2_attentions_1_proj_in, which is not there/,
      ],
      wide: [
        pack({
          'unet.conv_in.lora_A.weight': [4, 9, 3, 3],
          'unet.conv_in.lora_B.weight': [16, 4, 1, 1],
        }),
        /its layer conv_in is 16x9, here it is 16x4/,
      ],
      second: [
        pack({
          'lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight': [4, 8],
          'lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight': [8, 4],
        }),
        /it changes a text_encoder_2/,
      ],
    };
    for (const [name, [bytes]] of Object.entries(files)) {
      await writeFile(join(root, 'loras', `${name}.safetensors`), bytes);
    }
    for (const [name, [, sentence]] of Object.entries(files)) {
      await assert.rejects(paint(`a star <lora:${name}>`), (error) => {
        assert.ok(error instanceof RunError, String(error));
        assert.match(error.message, sentence);
        return true;
      });
    }
    await assert.rejects(
      paint('a star <lora:wave>'),
      /There is no LoRA "wave"\. There are Waves, half, model/,
    );
    await assert.rejects(
      paint('a star', { negativePrompt: '<lora:waves:1>' }),
      /belongs into the prompt/,
    );
    await assert.rejects(paint('a star <hypernet:x:1>'), /hypernetwork/);
    assert.equal((await paint('a red star')).images.length, 1);
  });

  test('a file put in another one of the same name is noticed', async () => {
    const before = await bytesOf('a star <lora:fresh:1>').catch((error: Error) => error.message);
    assert.match(before, /There is no LoRA/);
    await cp(join(root, 'loras', 'Waves.safetensors'), join(root, 'loras', 'fresh.safetensors'));
    const waves = await bytesOf('a star <lora:fresh:1>');
    await cp(
      join(root, 'loras', 'more', 'ripples.safetensors'),
      join(root, 'loras', 'fresh.safetensors'),
    );
    assert.notEqual(await bytesOf('a star <lora:fresh:1>'), waves);
  });
});

test('a file without anything to add is none', () => {
  const vectors = { shape: [1, 4] };
  assert.throws(() => readLayers([['vectors', vectors]], () => null), /it holds no LoRA weights/);
});
