/** Each transformer and its text encoders beside diffusers' and transformers', where the reference models are at hand. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { BuiltGraph } from '../../../../src/engine/graphs/builder.ts';
import { qwenGraph } from '../../../../src/engine/graphs/language/qwen3.ts';
import { t5Graph } from '../../../../src/engine/graphs/language/t5.ts';
import { flux2Graph } from '../../../../src/engine/graphs/transformers/flux2.ts';
import { fluxGraph } from '../../../../src/engine/graphs/transformers/flux.ts';
import { qwenImageGraph } from '../../../../src/engine/graphs/transformers/qwen-image.ts';
import { sd3Graph } from '../../../../src/engine/graphs/transformers/sd3.ts';
import type { PartTensors } from '../../../../src/engine/checkpoint/tensors.ts';
import type { GraphStyle } from '../../../../src/engine/graphs/builder.ts';
import type { Feed, Session } from '../../../../src/engine/network/session.ts';
import {
  type ArrayRef,
  fullGolden,
  type Golden,
  maxDifference,
} from '../../../support/golden/golden.ts';
import { goldenModel, tensorsBelow } from '../../../support/golden/golden-dit.ts';
import { open, openShown } from '../stored.ts';

type Named = 'hidden_states' | 'timestep' | 'pooled_projections' | 'guidance' | 'img_ids';

type Case = {
  name: string;
  model: string;
  form: string;
  args: { width?: number; height?: number };
  token_ids: [string, ArrayRef][];
  attention_masks?: [string, ArrayRef][];
  prompt_embeds?: ArrayRef[][];
  denoiser_call0_inputs?: Partial<Record<Named, ArrayRef>>;
  denoiser_call0_output: ArrayRef;
};

const STYLES: readonly GraphStyle[] = [
  { compute: 'float32', attention: 'fused' },
  { compute: 'float32', attention: 'plain' },
];

/** Written for the CPU, with its shapes looked at; else as it is. */
function opened(t: TestContext, graph: BuiltGraph, { attention }: GraphStyle): Promise<Session> {
  return attention === 'fused' ? openShown(t, graph) : open(t, graph);
}

function feedOf({ array }: Golden, ref: ArrayRef): Feed & { data: Float32Array } {
  return { data: Float32Array.from(array(ref)), shape: ref.$[1] };
}

/** the tests' own way between patches, [1,S,4C] with the channel first, and pictures [1,C,h,w] */
function unpacked(
  { data, shape }: { data: Float32Array; shape: readonly number[] },
  h: number,
  w: number,
): Feed & { data: Float32Array } {
  const channels = (shape[2] ?? 0) / 4;
  const out = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const token = (y >> 1) * (w / 2) + (x >> 1);
        const inside = c * 4 + (y & 1) * 2 + (x & 1);
        out[(c * h + y) * w + x] = data[token * 4 * channels + inside]!;
      }
    }
  }
  return { data: out, shape: [1, channels, h, w] };
}

/** Written plainly a network differs in its attention alone: the case of the fewest words tells. */
function casesIn({ attention }: GraphStyle, cases: readonly Case[]): readonly Case[] {
  const words = ({ token_ids: ids }: Case) => Math.max(...ids.map(([, { $ }]) => $[1].at(-1) ?? 0));
  const sorted = cases.toSorted((a, b) => words(a) - words(b));
  return attention === 'fused' ? cases : sorted.slice(0, 1);
}

function casesOf(golden: Golden, form: RegExp): Case[] {
  const cases = golden.manifest['cases'] as Case[];
  return cases.filter((each) => form.test(each.form) && each.denoiser_call0_inputs !== undefined);
}

async function assertNear(
  session: Session,
  feeds: Record<string, Feed>,
  wanted: Readonly<Record<string, ArrayLike<number>>>,
  { tolerance, name }: { tolerance: number; name: string },
): Promise<void> {
  const results = await session.run(feeds, Object.keys(wanted));
  for (const [output, values] of Object.entries(wanted)) {
    const error = maxDifference(results[output]?.data ?? [], values);
    assert.ok(error <= tolerance, `${name}: ${output} is off by ${error}`);
  }
}

for (const model of ['flux-schnell', 'flux-dev'] as const) {
  test(`${model}: transformer and T5 answer as diffusers' and transformers' do`, async (t) => {
    const folder = await goldenModel(t, `${model}/diffusers`);
    const golden = fullGolden('dit/flux');
    if (folder === null || golden === null) return;
    const transformer = await tensorsBelow(path.join(folder, 'transformer'));
    const t5 = await tensorsBelow(path.join(folder, 'text_encoder_2'));
    const cases = casesOf(golden, /^diffusers$/).filter((each) => each.model === model);
    assert.ok(cases.length > 0);
    for (const style of STYLES) {
      const network = await opened(t, fluxGraph(transformer, { shiftFirst: false }, style), style);
      const text = await opened(t, t5Graph(t5, style), style);
      for (const one of casesIn(style, cases)) {
        const [embeds] = one.prompt_embeds![0] as [ArrayRef];
        const ids = one.token_ids.find(([name]) => name === 'text_encoder_2')![1];
        await assertNear(
          text,
          { input_ids: feedOf(golden, ids) },
          { last_hidden_state: golden.array(embeds) },
          { tolerance: 5e-4, name: one.name },
        );
        const inputs = one.denoiser_call0_inputs!;
        const h = (one.args.height ?? 0) / 8;
        const w = (one.args.width ?? 0) / 8;
        const moment = golden.array(inputs.timestep!)[0]!;
        const feeds = {
          hidden_states: unpacked(feedOf(golden, inputs.hidden_states!), h, w),
          timestep: { data: [1000 * moment], shape: [1] },
          encoder_hidden_states: feedOf(golden, embeds),
          pooled_projections: feedOf(golden, inputs.pooled_projections!),
          ...(inputs.guidance && { guidance: feedOf(golden, inputs.guidance) }),
        };
        const wanted = unpacked(feedOf(golden, one.denoiser_call0_output), h, w).data;
        await assertNear(
          network,
          feeds,
          { out_sample: wanted },
          { tolerance: 2e-4, name: one.name },
        );
      }
    }
  });
}

test("FLUX.2 klein: transformer and Qwen3 answer as diffusers' and transformers' do", async (t) => {
  const folder = await goldenModel(t, 'klein/diffusers');
  const golden = fullGolden('dit/flux2-klein');
  if (folder === null || golden === null) return;
  const transformer = await tensorsBelow(path.join(folder, 'transformer'));
  const qwen = await tensorsBelow(path.join(folder, 'text_encoder'), 'model.');
  const cases = casesOf(golden, /^diffusers(-base)?$/);
  assert.ok(cases.length > 3);
  for (const style of STYLES) {
    const network = await opened(t, flux2Graph(transformer, { shiftFirst: false }, style), style);
    const config = { headSize: 128, epsilon: 1e-6, theta: 1e6 };
    const text = await opened(
      t,
      qwenGraph(qwen, config, style, { taps: [9, 18, 27], normed: false }),
      style,
    );
    for (const one of casesIn(style, cases)) {
      await assertKlein(one, { network, text, golden });
    }
  }
});

async function assertKlein(
  one: Case,
  { network, text, golden }: { network: Session; text: Session; golden: Golden },
): Promise<void> {
  const [embeds] = one.prompt_embeds![0] as [ArrayRef];
  const [, tokens, wide] = embeds.$[1] as [number, number, number];
  const { data: all } = feedOf(golden, embeds);
  const ids = one.token_ids[0]![1];
  const mask = one.attention_masks![0]![1];
  const feeds = { input_ids: feedOf(golden, ids), attention_mask: feedOf(golden, mask) };
  const width = wide / 3;
  const wanted = [9, 18, 27].map((layer, i) => {
    const at = (n: number) => Math.floor(n / width) * wide + i * width + (n % width);
    const states = Float32Array.from({ length: tokens * width }, (_, n) => all[at(n)]!);
    return [`hidden_states.${layer}`, states] as const;
  });
  const said = { tolerance: 5e-4, name: one.name };
  await assertNear(text, feeds, Object.fromEntries(wanted), said);
  const inputs = one.denoiser_call0_inputs!;
  const states = feedOf(golden, inputs.hidden_states!);
  const places = golden.array(inputs.img_ids!);
  const [, count = 0, channels = 0] = states.shape;
  const own = Array.from({ length: count as number }, (_, i) => i).filter(
    (i) => places[4 * i] === 0,
  ).length;
  const h = 1 + Math.max(...Array.from({ length: own }, (_, i) => places[4 * i + 1]!));
  const w = own / h;
  const noise = new Float32Array(own * (channels as number));
  for (let i = 0; i < noise.length; i++) {
    noise[i] = states.data[(i % own) * (channels as number) + Math.floor(i / own)]!;
  }
  const answer = await network.run(
    {
      hidden_states: { data: noise, shape: [1, channels as number, h, w] },
      timestep: { data: [1000 * golden.array(inputs.timestep!)[0]!], shape: [1] },
      encoder_hidden_states: { data: all.slice(0, tokens * wide), shape: [1, tokens, wide] },
      reference_states: {
        // of a batch, the first picture's
        data: states.data.slice(noise.length, (count as number) * (channels as number)),
        shape: [1, (count as number) - own, channels as number],
      },
      reference_places: {
        data: Float32Array.from(places.slice(4 * own, 4 * (count as number))),
        shape: [(count as number) - own, 4],
      },
    },
    ['out_sample'],
  );
  const reference = golden.array(one.denoiser_call0_output);
  let error = 0;
  for (const [i, value] of answer['out_sample']!.data.entries()) {
    const place = (i % own) * (channels as number) + Math.floor(i / own);
    error = Math.max(error, Math.abs(value - reference[place]!));
  }
  const tolerance = count === own ? 2e-4 : 1e-3;
  assert.ok(error <= tolerance, `${one.name}: the transformer is off by ${error}`);
}

for (const [model, form] of [
  ['sd35', 'diffusers'],
  ['sd3-no-t5', 'diffusers-no-t5'],
] as const) {
  test(`${model}: the transformer answers as diffusers' does`, async (t) => {
    const folder = await goldenModel(t, `${model}/${form}`);
    const golden = fullGolden('dit/sd3');
    if (folder === null || golden === null) return;
    const transformer: PartTensors = await tensorsBelow(path.join(folder, 'transformer'));
    const cases = casesOf(golden, new RegExp(`^${form}$`));
    assert.ok(cases.length > 0);
    for (const style of STYLES) {
      const graph: BuiltGraph = sd3Graph(transformer, { shiftFirst: false }, style);
      const network = await opened(t, graph, style);
      for (const one of casesIn(style, cases)) {
        const inputs = one.denoiser_call0_inputs!;
        const sample = feedOf(golden, inputs.hidden_states!);
        const states = one.prompt_embeds!.flat().filter(({ $ }) => $[1].length === 3);
        const rows = states.toReversed().map((ref) => feedOf(golden, ref));
        const data = Float32Array.from(rows.flatMap((row) => [...row.data]));
        await assertNear(
          network,
          {
            hidden_states: sample,
            timestep: feedOf(golden, inputs.timestep!),
            encoder_hidden_states: { data, shape: [rows.length, ...rows[0]!.shape.slice(1)] },
            pooled_projections: feedOf(golden, inputs.pooled_projections!),
          },
          { out_sample: golden.array(one.denoiser_call0_output) },
          { tolerance: 2e-4, name: one.name },
        );
      }
    }
  });
}

test("Qwen-Image: transformer and Qwen2.5 answer as diffusers' and transformers' do", async (t) => {
  const folder = await goldenModel(t, 'qwen-image/diffusers');
  const golden = fullGolden('dit/qwen-image');
  if (folder === null || golden === null) return;
  const transformer = await tensorsBelow(path.join(folder, 'transformer'));
  const qwen = await tensorsBelow(path.join(folder, 'text_encoder'), 'model.');
  const cases = casesOf(golden, /^diffusers$/);
  assert.ok(cases.length > 1);
  for (const style of STYLES) {
    const network = await opened(t, qwenImageGraph(transformer, {}, style), style);
    const config = { headSize: 32, epsilon: 1e-6, theta: 1e6 };
    const text = await open(t, qwenGraph(qwen, config, style, { taps: [], normed: true }));
    for (const one of casesIn(style, cases)) {
      const [embeds] = one.prompt_embeds![0] as [ArrayRef];
      const [, tokens = 0, width = 0] = embeds.$[1];
      const ids = feedOf(golden, one.token_ids[0]![1]);
      const mask = { data: new Float32Array(ids.data.length).fill(1), shape: ids.shape };
      const states = await text.run({ input_ids: ids, attention_mask: mask }, [
        'last_hidden_state',
      ]);
      const all = states['last_hidden_state']!.data;
      // the template's own words come first and are left out
      const off = maxDifference(all.slice(all.length - tokens * width), golden.array(embeds));
      assert.ok(off <= 5e-4, `${one.name}: embeds are off by ${off}`);
      const inputs = one.denoiser_call0_inputs!;
      const h = (one.args.height ?? 0) / 8;
      const w = (one.args.width ?? 0) / 8;
      const feeds = {
        hidden_states: unpacked(feedOf(golden, inputs.hidden_states!), h, w),
        timestep: { data: [1000 * golden.array(inputs.timestep!)[0]!], shape: [1] },
        encoder_hidden_states: feedOf(golden, embeds),
      };
      const wanted = unpacked(feedOf(golden, one.denoiser_call0_output), h, w).data;
      await assertNear(network, feeds, { out_sample: wanted }, { tolerance: 2e-4, name: one.name });
    }
  }
});
