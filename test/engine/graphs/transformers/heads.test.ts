/** Transformers whose heads, axes and bases only their config tells, beside diffusers'. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { PartTensors } from '../../../../src/engine/checkpoint/tensors.ts';
import type { BuiltGraph, GraphStyle } from '../../../../src/engine/graphs/builder.ts';
import { flux2Graph } from '../../../../src/engine/graphs/transformers/flux2.ts';
import { fluxGraph } from '../../../../src/engine/graphs/transformers/flux.ts';
import type { NetworkConfig } from '../../../../src/engine/graphs/transformers/network-config.ts';
import { qwenImageGraph } from '../../../../src/engine/graphs/transformers/qwen-image.ts';
import { sd3Graph } from '../../../../src/engine/graphs/transformers/sd3.ts';
import { zImageGraph } from '../../../../src/engine/graphs/transformers/z-image.ts';
import { openTensors } from '../../../../src/engine/checkpoint/file/open-tensors.ts';
import type { Feed } from '../../../../src/engine/network/session.ts';
import { maxDifference } from '../../../support/golden/golden.ts';
import { tinyTensor, writeRaw } from '../../../support/models/tiny-tensors.ts';
import { folderFor, openShown, wave } from '../stored.ts';

type Write = (
  tensors: PartTensors,
  words: { shiftFirst: boolean; config: NetworkConfig },
  style: GraphStyle,
) => BuiltGraph;

type Expected = {
  config: Record<string, unknown>;
  tensors: Record<string, number[]>;
  shape: number[];
  out: number[];
};

const fixtures = new URL('../../../fixtures/golden/heads/expected.json', import.meta.url);
const EXPECTED = JSON.parse(await readFile(fixtures, 'utf8')) as Record<string, Expected>;

const GRAPHS: Readonly<Record<string, Write>> = {
  flux: fluxGraph,
  flux2: flux2Graph,
  sd3: sd3Graph,
  'qwen-image': qwenImageGraph,
  'z-image': zImageGraph,
};

const feed = (shape: readonly number[], phase: number): Feed => ({
  data: Float32Array.from(
    wave(
      shape.reduce((product, side) => product * side, 1),
      phase,
    ),
  ),
  shape,
});
const SAMPLE: Readonly<Record<string, readonly number[]>> = { flux2: [1, 8, 4, 6] };
const SCALAR = [1];

/** The reference's inputs, by the names that the graph asks for. */
function feedsOf(name: string, inputs: Iterable<string>): Record<string, Feed> {
  const all: Record<string, Feed> = {
    hidden_states: feed(SAMPLE[name] ?? [1, 4, 4, 6], 0),
    encoder_hidden_states: feed([1, 5, 16], 1),
    pooled_projections: feed([1, 12], 2),
    timestep: { data: Float32Array.of(750), shape: SCALAR },
    guidance: { data: Float32Array.of(3.5), shape: SCALAR },
    reference_states: { data: new Float32Array(0), shape: [1, 0, 8] },
    reference_places: { data: [], shape: [0, 4] },
  };
  return Object.fromEntries([...inputs].map((each) => [each, all[each] as Feed]));
}

async function tensorsOf(file: string, wanted: Expected['tensors']): Promise<PartTensors> {
  const raw = Object.entries(wanted).map(([key, shape]) => [key, tinyTensor(key, shape)] as const);
  await writeRaw(file, new Map(raw));
  return (await openTensors(file)).tensors;
}

const STYLE: GraphStyle = { compute: 'float32', attention: 'fused' };

for (const [name, write] of Object.entries(GRAPHS)) {
  test(`${name} turns heads of another size as its config says`, async (t) => {
    const { config, tensors: wanted, out } = EXPECTED[name] as Expected;
    const file = path.join(await folderFor(t), 'network.safetensors');
    const tensors = await tensorsOf(file, wanted);
    const network = await openShown(t, write(tensors, { shiftFirst: false, config }, STYLE));
    const results = await network.run(feedsOf(name, network.inputs.keys()), ['out_sample']);
    // what the reference units leave open; a wrong axis or base is off by tenths
    const error = maxDifference(results['out_sample']?.data ?? [], out);
    assert.ok(error <= 2e-4, `off by ${error}`);
  });
}

test('heads that the usual axes do not come to are refused', async (t) => {
  const { config, tensors: wanted } = EXPECTED['flux'] as Expected;
  const file = path.join(await folderFor(t), 'network.safetensors');
  const tensors = await tensorsOf(file, wanted);
  const words = { shiftFirst: false, config: { ...config, axes_dims_rope: [8, 16, 10] } };
  assert.throws(() => fluxGraph(tensors, words, STYLE), /heads of 32 features.*8, 16, 10/);
});
