/** Each network beside diffusers' and transformers' own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { PartTensors } from '../../../src/engine/checkpoint/tensors.ts';
import type { BuiltGraph, GraphStyle } from '../../../src/engine/graphs/builder.ts';
import { clipTextGraph } from '../../../src/engine/graphs/language/clip-text.ts';
import { unetConfig } from '../../../src/engine/graphs/unet-config.ts';
import { channelBlock } from '../../../src/engine/network/channel-block.ts';
import { unetGraph } from '../../../src/engine/graphs/unet.ts';
import { vaeDecoderGraph, vaeEncoderGraph } from '../../../src/engine/graphs/vae.ts';
import { decodeImage } from '../../../src/engine/picture/image.ts';
import type { Feed, Session } from '../../../src/engine/network/session.ts';
import {
  type ArrayRef,
  fullGolden,
  type Golden,
  maxDifference,
} from '../../support/golden/golden.ts';
import { fullSet } from '../../support/golden/golden-set.ts';
import { type Bits, folderFor, open, openShown, store } from './stored.ts';

const maker = new URL('checkpoints/make-checkpoints.mjs', fullSet);

/** The golden models' tensors by diffusers' names, as the bits of float16. */
async function partOf(t: TestContext, part: string): Promise<PartTensors> {
  const { tensorsOf } = (await import(maker.href)) as {
    tensorsOf(name: string): Map<string, { shape: number[]; half: Uint16Array }>;
  };
  const tensors = new Map<string, Bits>();
  for (const [name, { shape, half }] of tensorsOf(part)) {
    const bytes = new Uint8Array(half.buffer, half.byteOffset, half.byteLength);
    tensors.set(name.replace(/^text_model\./, ''), { type: 'F16', shape, bytes });
  }
  return store(join(await folderFor(t), part), tensors);
}

function feedOf({ array }: Golden, ref: ArrayRef): Feed {
  return { data: Float32Array.from(array(ref)), shape: ref.$[1] };
}

async function assertAnswers(
  session: Session,
  feeds: Record<string, Feed>,
  wanted: Record<string, ArrayLike<number>>,
  tolerance: number,
): Promise<void> {
  const results = await session.run(feeds, Object.keys(wanted));
  for (const [name, numbers] of Object.entries(wanted)) {
    const error = maxDifference(results[name]?.data ?? [], numbers);
    assert.ok(error <= tolerance, `${name} is off by ${error}, allowed ${tolerance}`);
  }
}

/** As most people have it, with its shapes looked at. */
function opened(t: TestContext, graph: BuiltGraph, style: GraphStyle): Promise<Session> {
  const isLookedAt = style.compute === 'float32' && style.attention === 'fused';
  return isLookedAt ? openShown(t, graph) : open(t, graph);
}

const block = await channelBlock();

/** Values are up to 4 in size; float16 has 11 bits, and some hundred roundings one behind the other. */
const STYLES: readonly (readonly [GraphStyle, tolerance: number])[] = [
  [{ compute: 'float32', attention: 'fused' }, 1e-5],
  [{ compute: 'float32', attention: 'plain' }, 1e-5],
  [{ compute: 'float16', attention: 'fused' }, 0.02],
  ...(block === null ? [] : [[{ compute: 'float32', attention: 'fused', block }, 1e-5] as const]),
];

/** Each with the styles that it is written in: those that predict v, or see a mask, are written as the others are. */
const MODELS = {
  sd1: STYLES,
  'sd1-inpaint': STYLES.slice(0, 1),
  sd2: STYLES,
  'sd2-v': STYLES.slice(0, 1),
  sdxl: STYLES,
  'sdxl-refiner': STYLES,
  'sdxl-v': STYLES.slice(0, 1),
};

type Call = {
  denoiser_call0_inputs?: Record<'sample' | 'timestep' | 'text_embeds' | 'time_ids', ArrayRef>;
  denoiser_call0_encoder_hidden_states: ArrayRef;
  denoiser_call0_output: ArrayRef;
};

for (const [model, styles] of Object.entries(MODELS)) {
  test(`the UNet of ${model} answers as diffusers' does`, async (t) => {
    const golden = existsSync(maker) ? fullGolden(`checkpoints/cases/${model}`) : null;
    if (golden === null) return t.skip('no reference numbers here');
    const part = `unet-${model.replace('sdxl-refiner', 'refiner')}`;
    const tensors = await partOf(t, part);
    const [call] = (golden.manifest['cases'] as Call[]).filter((c) => c.denoiser_call0_inputs);
    const inputs = call?.denoiser_call0_inputs;
    assert.ok(call && inputs);
    const sample = feedOf(golden, inputs.sample);
    const [batch = 0] = sample.shape;
    const moment = golden.array(inputs.timestep)[0] ?? 0;
    const feeds: Record<string, Feed> = {
      sample,
      timestep: { data: new Float32Array(batch).fill(moment), shape: [batch] },
      encoder_hidden_states: feedOf(golden, call.denoiser_call0_encoder_hidden_states),
      perturbed: { data: new Float32Array(batch), shape: [batch, 1, 1] },
      ...(inputs.text_embeds && {
        text_embeds: feedOf(golden, inputs.text_embeds),
        time_ids: feedOf(golden, inputs.time_ids),
      }),
    };
    const wanted = { out_sample: golden.array(call.denoiser_call0_output) };
    for (const [style, tolerance] of styles) {
      const session = await opened(t, unetGraph(tensors, unetConfig(tensors), style), style);
      await assertAnswers(session, feeds, wanted, tolerance);
    }
  });
}

const ENCODERS = [
  ['sd1', 'clip-l', { heads: 2, activation: 'quick_gelu', layers: 3, projected: false }],
  ['sd2', 'clip-h', { heads: 2, activation: 'gelu', layers: 3, projected: false }],
  ['sdxl', 'clip-l-xl', { heads: 2, activation: 'quick_gelu', layers: 3, projected: false }],
  ['sdxl', 'clip-g', { heads: 3, activation: 'gelu', layers: 3, projected: true }],
] as const;

for (const [model, part, words] of ENCODERS) {
  test(`the text encoder ${part} answers as transformers' does`, async (t) => {
    const golden = existsSync(maker) ? fullGolden(`checkpoints/cases/${model}`) : null;
    if (golden === null) return t.skip('no reference numbers here');
    const tensors = await partOf(t, part);
    const components = golden.manifest['components'] as Record<string, ArrayRef>[];
    const c = components.find((each) => String(each['part']) === part);
    assert.ok(c?.['input_ids'] && c['last_hidden_state'] && c['penultimate']);
    const ids = feedOf(golden, c['input_ids']);
    const wanted = {
      last_hidden_state: golden.array(c['last_hidden_state']),
      'hidden_states.2': golden.array(c['penultimate']),
      ...(c['text_embeds'] && { text_embeds: golden.array(c['text_embeds']) }),
    };
    for (const [style, tolerance] of STYLES) {
      const config = { ...words, normEpsilon: 1e-5 };
      const session = await opened(t, clipTextGraph(tensors, config, style), style);
      await assertAnswers(session, { input_ids: ids }, wanted, tolerance);
      const earlier = clipTextGraph(tensors, config, style, { endAfter: 2, vectors: true });
      const cut = await open(t, earlier);
      const [, , dim = 0] = c['penultimate'].$[1];
      const feeds = {
        input_ids: ids,
        vector_places: { data: new Float32Array(77), shape: [1, 77, 1] },
        vectors: { data: new Float32Array(77 * dim), shape: [1, 77, dim] },
      };
      await assertAnswers(cut, feeds, { 'hidden_states.2': wanted['hidden_states.2'] }, tolerance);
    }
  });
}

for (const [model, part] of [
  ['sd1', 'vae-sd'],
  ['sdxl', 'vae-xl'],
] as const) {
  test(`both directions of ${part} answer as diffusers' do`, async (t) => {
    const golden = existsSync(maker) ? fullGolden(`checkpoints/cases/${model}`) : null;
    if (golden === null) return t.skip('no reference numbers here');
    const tensors = await partOf(t, part);
    const components = golden.manifest['components'] as Record<string, ArrayRef>[];
    const c = components.find((each) => String(each['part']) === part);
    assert.ok(c?.['decode_in'] && c['decode_out'] && c['encode_mean'] && c['encode_logvar']);
    const photo = new URL('checkpoints/inputs/photo-64x64.png', fullSet);
    const { data } = await decodeImage(await readFile(photo));
    const planes = Float32Array.from(
      { length: 3 * 64 * 64 },
      (_, i) => (2 * data[3 * (i % 4096) + Math.floor(i / 4096)]!) / 255 - 1,
    );
    for (const [style, tolerance] of STYLES) {
      const decoder = await opened(t, vaeDecoderGraph(tensors, style), style);
      const latents = { latent_sample: feedOf(golden, c['decode_in']) };
      await assertAnswers(decoder, latents, { sample: golden.array(c['decode_out']) }, tolerance);
      const encoder = await opened(t, vaeEncoderGraph(tensors, style), style);
      const sample = { data: planes, shape: [1, 3, 64, 64] };
      const parameters = [...golden.array(c['encode_mean']), ...golden.array(c['encode_logvar'])];
      // means up to 10 and logarithms in dozens come out of it
      const largest = Math.max(...parameters.map(Math.abs));
      const wanted = { latent_parameters: parameters };
      await assertAnswers(encoder, { sample }, wanted, largest * tolerance);
    }
  });
}
