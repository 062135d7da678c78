import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { qwenGraph } from '../../../../src/engine/graphs/language/qwen3.ts';
import { zImageGraph } from '../../../../src/engine/graphs/transformers/z-image.ts';
import type { Feed } from '../../../../src/engine/network/session.ts';
import {
  fullGolden,
  maxDifference,
  type ArrayRef,
  type Golden,
} from '../../../support/golden/golden.ts';
import { goldenModel, tensorsBelow } from '../../../support/golden/golden-dit.ts';
import { open, openShown } from '../stored.ts';

type Case = {
  name: string;
  form: string;
  token_ids: [string, ArrayRef][];
  attention_masks: [string, ArrayRef][];
  prompt_embeds: ArrayRef[][];
  denoiser_call0_inputs: { x: ArrayRef[]; t: ArrayRef };
  denoiser_call0_output: ArrayRef | ArrayRef[];
};

const STYLES = [
  { compute: 'float32', attention: 'fused' },
  { compute: 'float32', attention: 'plain' },
] as const;

function feedOf({ array }: Golden, ref: ArrayRef): Feed {
  return { data: Float32Array.from(array(ref)), shape: ref.$[1] };
}

test("Z-Image's encoder and transformer answer as transformers' and diffusers' do", async (t) => {
  const folder = await goldenModel(t, 'zimage/diffusers');
  const golden = fullGolden('dit/z-image');
  if (folder === null || golden === null) return;
  const encoder = await tensorsBelow(path.join(folder, 'text_encoder'), 'model.');
  const transformer = await tensorsBelow(path.join(folder, 'transformer'));
  const cases = (golden.manifest['cases'] as Case[]).filter(
    (each) => each.form === 'diffusers' && each.denoiser_call0_inputs !== undefined,
  );
  assert.ok(cases.length > 2);
  for (const style of STYLES) {
    const config = { headSize: 128, epsilon: 1e-6, theta: 1e6 };
    const text = await open(t, qwenGraph(encoder, config, style, { taps: [3], normed: false }));
    const opened = style.attention === 'fused' ? openShown : open;
    const network = await opened(t, zImageGraph(transformer, {}, style));
    for (const one of cases) {
      for (const [row, wanted] of one.prompt_embeds.flat().entries()) {
        const embeds = golden.array(wanted);
        const [, ids] = one.token_ids[row]!;
        const [, mask] = one.attention_masks[row]!;
        const feeds = { input_ids: feedOf(golden, ids), attention_mask: feedOf(golden, mask) };
        const states = await text.run(feeds, ['hidden_states.3']);
        const rows = states['hidden_states.3']!.data.slice(0, embeds.length);
        const off = maxDifference(rows, embeds);
        assert.ok(off <= 5e-4, `${one.name}: embeds are off by ${off}`);

        const x = one.denoiser_call0_inputs.x[row]!;
        const [channels = 0, , height = 0, width = 0] = x.$[1];
        const moment = golden.array(one.denoiser_call0_inputs.t)[0]!;
        const answer = await network.run(
          {
            hidden_states: { ...feedOf(golden, x), shape: [1, channels, height, width] },
            timestep: { data: [1000 - 1000 * moment], shape: [1] },
            encoder_hidden_states: { data: Float32Array.from(embeds), shape: [1, ...wanted.$[1]] },
          },
          ['out_sample'],
        );
        const velocity = answer['out_sample']!.data.map((each) => -each);
        const reference = golden.array([one.denoiser_call0_output].flat()[row]!);
        const error = maxDifference(velocity, reference);
        assert.ok(error <= 2e-4, `${one.name}: the transformer is off by ${error}`);
      }
    }
  }
});
