/** Which autoencoder is whose, by what is in the file. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { PartTensors, TensorSlice } from '../../../src/engine/checkpoint/tensors.ts';
import { FLUX } from '../../../src/engine/families/flux.ts';
import { FLUX2 } from '../../../src/engine/families/flux2.ts';
import {
  autoencoderIn,
  fitsFamily,
  likeliestFirst,
} from '../../../src/engine/families/opening/networks/autoencoders.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import { goldenModel } from '../../support/golden/golden-dit.ts';
import { QWEN_IMAGE } from '../../../src/engine/families/qwen-image.ts';
import { Z_IMAGE } from '../../../src/engine/families/z-image.ts';
import { SD3 } from '../../../src/engine/families/sd3.ts';

const shaped = (shape: readonly number[]): TensorSlice => ({
  file: 'vae',
  offset: 0,
  length: 0,
  type: 'F32',
  shape,
});

function named(names: readonly string[], shape: readonly number[] = [16, 16, 3, 3]): PartTensors {
  return new Map(names.map((name) => [name, shaped(shape)]));
}

test("the names of Wan's makers become diffusers', an upsampler ending a level", () => {
  const own = named([
    'conv1.weight',
    'conv2.bias',
    'encoder.conv1.weight',
    'encoder.downsamples.3.shortcut.weight',
    'encoder.downsamples.5.time_conv.bias',
    'encoder.middle.1.to_qkv.weight',
    'encoder.head.2.bias',
    'decoder.middle.0.residual.0.gamma',
    'decoder.middle.2.residual.6.weight',
    'decoder.upsamples.0.residual.2.weight',
    'decoder.upsamples.1.residual.2.weight',
    'decoder.upsamples.2.resample.1.weight',
    'decoder.upsamples.3.residual.2.weight',
    'decoder.upsamples.3.residual.3.gamma',
    'decoder.upsamples.3.shortcut.bias',
    'decoder.head.0.gamma',
  ]);
  const prefixed = new Map([...own].map(([name, tensor]) => [`vae.${name}`, tensor]));
  for (const file of [own, prefixed]) {
    assert.deepEqual(
      [...(autoencoderIn(file)?.keys() ?? [])],
      [
        'quant_conv.weight',
        'post_quant_conv.bias',
        'encoder.conv_in.weight',
        'encoder.down_blocks.3.conv_shortcut.weight',
        'encoder.down_blocks.5.time_conv.bias',
        'encoder.mid_block.attentions.0.to_qkv.weight',
        'encoder.conv_out.bias',
        'decoder.mid_block.resnets.0.norm1.gamma',
        'decoder.mid_block.resnets.1.conv2.weight',
        'decoder.up_blocks.0.resnets.0.conv1.weight',
        'decoder.up_blocks.0.resnets.1.conv1.weight',
        'decoder.up_blocks.0.upsamplers.0.resample.1.weight',
        'decoder.up_blocks.1.resnets.0.conv1.weight',
        'decoder.up_blocks.1.resnets.0.norm2.gamma',
        'decoder.up_blocks.1.resnets.0.conv_shortcut.bias',
        'decoder.norm_out.gamma',
      ],
    );
  }
});

test('an autoencoder of sixteen channels is not taken for one of another kind', () => {
  const plain = named(['decoder.conv_in.weight']);
  const frames = named(['decoder.conv_in.weight', 'decoder.norm_out.gamma']);
  assert.ok(fitsFamily(FLUX, plain, 16) && !fitsFamily(FLUX, frames, 16));
  assert.ok(fitsFamily(QWEN_IMAGE, frames, 16) && !fitsFamily(QWEN_IMAGE, plain, 16));
  const patches = named(['decoder.conv_in.weight', 'bn.running_mean'], [64, 32, 3, 3]);
  assert.ok(fitsFamily(FLUX2, patches, 128) && !fitsFamily(FLUX2, plain, 64));
  assert.ok(!fitsFamily(SD3, patches, 32));
});

test("Flux.1's and Stable Diffusion 3's are told apart by the names of their files", () => {
  const files = ['/vae/sd3_vae.safetensors', '/vae/mine.safetensors', '/vae/ae.safetensors'];
  assert.deepEqual(likeliestFirst(FLUX, files), files.toReversed());
  assert.deepEqual(likeliestFirst(SD3, files), files);
  assert.equal(likeliestFirst(SD3, files.toReversed())[0], '/vae/sd3_vae.safetensors');
});

test("what a folder's config says of its autoencoder and its pipelines counts", async (t) => {
  const folder = await goldenModel(t, 'flux-dev/diffusers');
  if (folder === null) return;
  const config = path.join(folder, 'vae/config.json');
  const words = JSON.parse(await readFile(config, 'utf8')) as object;
  await writeFile(config, JSON.stringify({ ...words, norm_num_groups: 8 }));
  const { layout, info } = await openRegistry(path.dirname(folder)).find(folder);
  for (const network of [layout.vaeDecoder, layout.vaeEncoder]) {
    assert.equal(network?.kind === 'tensors' && network.groups, 8);
  }
  const init = { image: new Uint8Array(1) };
  const told = (input: RequestInput) => parseRequest(input, info).distilledGuidance;
  assert.equal(told({ profile: 'diffusers', init }), 7);
  assert.equal(told({ profile: 'diffusers', init, distilledGuidance: 2 }), 2);
  assert.equal(told({ profile: 'diffusers' }), undefined);
  assert.equal(told({ init }), undefined);
});

test('a base model in a file is known by that word in its name, a folder by what it says', () => {
  const steps = (names: readonly string[], index = {}) =>
    FLUX2.defaults({ tensors: new Map(), scheduler: {}, index, names }).steps;
  assert.deepEqual(
    [['flux-2-klein-4b'], ['flux-2-klein-base-4b'], ['database-klein'], ['klein', 'base.gguf']].map(
      (names) => steps(names),
    ),
    [4, 28, 4, 28],
  );
  assert.equal(steps(['klein-base'], { is_distilled: true }), 4);
  assert.equal(steps(['klein'], { is_distilled: false }), 28);
  const shift = (name: string) => Z_IMAGE.scheduler(new Map(), [name])['shift'];
  assert.deepEqual([shift('z_image_turbo_bf16'), shift('z_image_base_bf16')], [3, 6]);
});
