/** A VAE band by band beside the same VAE at once, both ways. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { PartTensors } from '../../../src/engine/checkpoint/tensors.ts';
import {
  decoderInBands,
  encoderInBands,
} from '../../../src/engine/graphs/autoencoders/vae-bands.ts';
import { vaeDecoderGraph, vaeEncoderGraph, vaeNorm } from '../../../src/engine/graphs/vae.ts';
import { runInBands, withBands } from '../../../src/engine/network/banded.ts';
import type { Session } from '../../../src/engine/network/session.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { type Bits, f16, folderFor, open, store, wave } from '../graphs/stored.ts';

const STYLE = { compute: 'float32', attention: 'fused' } as const;

/** A small VAE of three levels, with a level that widens and one that does not; its weights are waves. */
async function smallVae(t: TestContext): Promise<PartTensors> {
  const tensors = new Map<string, Bits>();
  const layer = (path: string, ...shape: number[]): void => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const inside = count / shape[0]!;
    const spread = path.includes('norm') ? 0.2 : 1.6 / Math.sqrt(inside);
    const middle = path.includes('norm') ? 1 : 0;
    const values = wave(count, path.length).map((value) => middle + spread * value);
    tensors.set(`${path}.weight`, f16(shape, values));
    tensors.set(`${path}.bias`, f16([shape[0]!], wave(shape[0]!, path.length + 1)));
  };
  const resnet = (path: string, inside: number, out: number): void => {
    layer(`${path}.norm1`, inside);
    layer(`${path}.conv1`, out, inside, 3, 3);
    layer(`${path}.norm2`, out);
    layer(`${path}.conv2`, out, out, 3, 3);
    if (inside !== out) layer(`${path}.conv_shortcut`, out, inside, 1, 1);
  };
  const widths = [32, 64, 64];
  for (const side of ['encoder', 'decoder']) {
    for (const i of [0, 1]) resnet(`${side}.mid_block.resnets.${i}`, 64, 64);
    const attention = `${side}.mid_block.attentions.0`;
    layer(`${attention}.group_norm`, 64);
    for (const each of ['to_q', 'to_k', 'to_v', 'to_out.0']) layer(`${attention}.${each}`, 64, 64);
    layer(`${side}.conv_norm_out`, side === 'encoder' ? 64 : 32);
  }
  layer('encoder.conv_in', 32, 3, 3, 3);
  layer('encoder.conv_out', 8, 64, 3, 3);
  layer('quant_conv', 8, 8, 1, 1);
  layer('post_quant_conv', 4, 4, 1, 1);
  layer('decoder.conv_in', 64, 4, 3, 3);
  layer('decoder.conv_out', 3, 32, 3, 3);
  for (const [i, width] of widths.entries()) {
    resnet(`encoder.down_blocks.${i}.resnets.0`, widths[i - 1] ?? 32, width);
    if (i < 2) layer(`encoder.down_blocks.${i}.downsamplers.0.conv`, width, width, 3, 3);
    const own = widths[2 - i]!;
    for (const j of [0, 1]) {
      resnet(`decoder.up_blocks.${i}.resnets.${j}`, j === 0 ? (widths[3 - i] ?? 64) : own, own);
    }
    if (i < 2) layer(`decoder.up_blocks.${i}.upsamplers.0.conv`, own, own, 3, 3);
  }
  return store(join(await folderFor(t), 'vae'), tensors);
}

const opener = (t: TestContext) => (graph: Parameters<typeof open>[1]) =>
  open(t, graph).then((session) => ({ ...session, release: () => Promise.resolve() }));

test('bands join without a seam: decoding and encoding equal the whole network', async (t) => {
  const tensors = await smallVae(t);
  const latents = { data: Float32Array.from(wave(4 * 14 * 10)), shape: [1, 4, 14, 10] };
  const pixels = { data: Float32Array.from(wave(3 * 56 * 40)), shape: [1, 3, 56, 40] };
  const ways = [
    [vaeDecoderGraph(tensors, STYLE), decoderInBands(tensors, STYLE), latents],
    [vaeEncoderGraph(tensors, STYLE), encoderInBands(tensors, STYLE), pixels],
    [
      vaeDecoderGraph(tensors, STYLE, vaeNorm(8)),
      decoderInBands(tensors, STYLE, vaeNorm(8)),
      latents,
    ],
  ] as const;
  for (const [graph, banded, x] of ways) {
    const session = await open(t, graph);
    const [[input = ''], [output = '']] = [[...session.inputs.keys()], [...session.outputs.keys()]];
    const whole = (await session.run({ [input]: x }, [output]))[output]!;
    const largest = whole.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // from one row at a time (two are the least), over some that leave a rest, to all at once
    for (const numbers of [1, 64 * 40 * 6, 64 * 40 * 22, 1 << 23]) {
      const answer = await runInBands(banded, x, opener(t), numbers);
      assert.deepEqual(answer.shape, whole.shape);
      const error = maxDifference(answer.data, whole.data);
      // a tenth of a level, of which a range of 2 has 255
      assert.ok(error <= 7e-4 * largest, `${numbers}: off by ${error} of ${largest}`);
    }
  }
});

test('small pictures run whole, large ones in bands, by their size alone', async (t) => {
  const tensors = await smallVae(t);
  const session = await open(t, vaeDecoderGraph(tensors, STYLE));
  const asked: string[] = [];
  const inner: Session = {
    ...session,
    run: (feeds, fetches) => {
      asked.push('whole');
      return session.run(feeds, fetches);
    },
  };
  const opened = async (graph: Parameters<typeof open>[1]): Promise<Session> => {
    asked.push('band');
    return opener(t)(graph);
  };
  // 64 channels of 16 times the latents' places, four of them alive, four bytes each: 16 kB a place
  const large = withBands(inner, () => decoderInBands(tensors, STYLE), opened, 100 * 16384);
  const run = async (side: number): Promise<Float32Array> => {
    const latent_sample = {
      data: Float32Array.from(wave(4 * side * side)),
      shape: [1, 4, side, side],
    };
    return (await large.run({ latent_sample }, ['sample']))['sample']!.data;
  };
  assert.equal((await run(10)).length, 3 * 40 * 40);
  assert.deepEqual(asked, ['whole']);
  const banded = await run(11);
  assert.ok(asked.length > 5 && asked.slice(1).every((each) => each === 'band'));
  assert.deepEqual(await run(11), banded);
});
