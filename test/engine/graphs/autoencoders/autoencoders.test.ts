/** Each family's autoencoder beside diffusers' own, where the reference models are at hand. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { PartTensors } from '../../../../src/engine/checkpoint/tensors.ts';
import {
  qwenVaeDecoderGraph,
  qwenVaeEncoderGraph,
} from '../../../../src/engine/graphs/autoencoders/qwen-vae.ts';
import type { BuiltGraph, GraphStyle } from '../../../../src/engine/graphs/builder.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../../../../src/engine/graphs/vae.ts';
import { type ArrayRef, fullGolden, maxDifference } from '../../../support/golden/golden.ts';
import { goldenModel, tensorsBelow } from '../../../support/golden/golden-dit.ts';
import { openShown } from '../stored.ts';

type Coder = (tensors: PartTensors, style: GraphStyle) => BuiltGraph;

type Row = {
  golden: string;
  model: string;
  form: string;
  decoder: Coder;
  encoder: Coder;
  /** what the pipeline hands to the decoder -> what the graph takes */
  latents?: (data: Float32Array, shape: readonly number[]) => [Float32Array, readonly number[]];
};

const ROWS: readonly Row[] = [
  {
    golden: 'z-image',
    model: 'zimage',
    form: 'diffusers',
    decoder: vaeDecoderGraph,
    encoder: vaeEncoderGraph,
  },
  {
    golden: 'flux2-klein',
    model: 'klein',
    form: 'diffusers',
    decoder: vaeDecoderGraph,
    encoder: vaeEncoderGraph,
  },
  {
    golden: 'qwen-image',
    model: 'qwen-image',
    form: 'diffusers',
    decoder: qwenVaeDecoderGraph,
    encoder: qwenVaeEncoderGraph,
  },
];

const STYLE: GraphStyle = { compute: 'float32', attention: 'fused' };

type Case = {
  name: string;
  model: string;
  form: string;
  final_latents: ArrayRef;
  vae_decode_input: ArrayRef;
  image_float: ArrayRef;
};

for (const { golden: name, model, form, decoder, encoder } of ROWS) {
  test(`the autoencoder of ${name} decodes and encodes as diffusers' does`, async (t) => {
    const folder = await goldenModel(t, `${model}/${form}`);
    const golden = fullGolden(`dit/${name}`);
    if (folder === null || golden === null) return;
    const tensors = await tensorsBelow(path.join(folder, 'vae'));
    const decode = await openShown(t, decoder(tensors, STYLE));
    const [port] = decode.inputs.values();
    const channels = Number(port?.shape[1]);
    // The compact set tells the size of every picture, and the numbers of a few.
    const cases = (golden.manifest['cases'] as Case[]).filter(
      (each) => each.form === form && each.image_float.$[0] >= 0,
    );
    assert.ok(cases.length > 0);
    for (const one of cases) {
      const [, height = 0, width = 0] = one.image_float.$[1];
      const sides = [height, width].map((side) => side / (channels === 128 ? 16 : 8));
      const size = channels * sides[0]! * sides[1]!;
      const rows = channels === 128 ? golden.array(one.final_latents).slice(0, size) : null;
      const given = rows === null ? golden.array(one.vae_decode_input) : asGrid(rows, channels);
      const feeds = {
        latent_sample: {
          data: Float32Array.from(given.slice(0, size)),
          shape: [1, channels, ...sides],
        },
      };
      const { sample } = await decode.run(feeds, ['sample']);
      const wanted = golden.array(one.image_float).slice(0, 3 * height * width);
      const pixels = sample!.data.map((value) => Math.min(1, Math.max(0, value / 2 + 0.5)));
      const picture = Float32Array.from(
        { length: wanted.length },
        (_, i) => pixels[(i % 3) * height * width + Math.floor(i / 3)]!,
      );
      const error = maxDifference(picture, wanted);
      assert.ok(error <= 1e-3, `${one.name}: the picture is off by ${error}`);
    }
    await encodes(t, { golden, encoder, tensors });
  });
}

/** Tokens [S,C] as a picture [C,h,w]. */
function asGrid(tokens: Float32Array, channels: number): Float32Array {
  const places = tokens.length / channels;
  return Float32Array.from(
    { length: tokens.length },
    (_, i) => tokens[(i % places) * channels + Math.floor(i / places)]!,
  );
}

async function encodes(
  t: TestContext,
  {
    golden,
    encoder,
    tensors,
  }: {
    golden: NonNullable<ReturnType<typeof fullGolden>>;
    encoder: Coder;
    tensors: PartTensors;
  },
): Promise<void> {
  const [unit] = golden.manifest['units'] as { vae_encode?: { image: ArrayRef; mean: ArrayRef } }[];
  if (unit?.vae_encode === undefined) return;
  const { image, mean } = unit.vae_encode;
  const without = new Map([...tensors].filter(([key]) => !key.startsWith('bn.')));
  const encode = await openShown(t, encoder(without, STYLE));
  const [batch = 1, channels = 3, ...rest] = image.$[1];
  const feeds = {
    sample: {
      data: Float32Array.from(golden.array(image)),
      shape: [batch, channels, ...rest.slice(-2)],
    },
  };
  const { latent_parameters } = await encode.run(feeds, ['latent_parameters']);
  const wanted = golden.array(mean);
  const error = maxDifference(latent_parameters!.data.slice(0, wanted.length), wanted);
  assert.ok(error <= 2e-4 * Math.max(1, ...wanted.map(Math.abs)), `the mean is off by ${error}`);
}
