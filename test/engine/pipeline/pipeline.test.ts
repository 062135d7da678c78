import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CancelledError, UserError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { RequestInput } from '../../../src/engine/request.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';

const modelsDir = fileURLToPath(new URL('../../../models', import.meta.url));
const clock = { ms: 0 };
const entry = await openRegistry(modelsDir).find('demo');
const model = await loadModel(entry, { device: 'cpu', clock, warn: () => {} });
after(() => model.release());

type Asked = { rows: number; tokens: number; timestep: number };

/** The same model, writing down every question to the network. */
function listening(): { model: LoadedModel; asked: Asked[] } {
  const asked: Asked[] = [];
  const unet: LoadedModel['unet'] = {
    ...model.unet,
    predict(input) {
      const { sample, timestep, feeds } = input;
      const context = feeds.get('encoder_hidden_states')!;
      asked.push({ rows: sample.shape[0], tokens: context.shape[1] ?? 0, timestep });
      return model.unet.predict(input);
    },
  };
  return { model: { ...model, unet }, asked };
}

function paint(
  input: RequestInput,
  on: LoadedModel = model,
  signal = new AbortController().signal,
): Promise<GenerateResult> {
  const usual = { prompt: 'a red star', steps: 4, seed: 7n, sampler: 'euler', guidanceScale: 5 };
  const small = { width: 64, height: 64 };
  return generate(
    parseRequest({ ...usual, ...small, ...input }, entry.info),
    on,
    { previews: false, sendDenoised: false, keepLatents: true },
    { signal, clock, loadMs: 0, onProgress: () => {} },
  );
}

test('guidance asks for prompt and negative prompt in one batch', async () => {
  const { model: spied, asked } = listening();
  await paint({ count: 2 }, spied);
  assert.deepEqual(
    asked.map(({ rows, tokens }) => [rows, tokens]),
    Array.from({ length: 4 }, () => [4, 77]),
  );
});

test('without guidance the network is asked once a step, about the prompt alone', async () => {
  const { model: spied, asked } = listening();
  await paint({ guidanceScale: 1 }, spied);
  assert.deepEqual(
    asked.map(({ rows }) => rows),
    [1, 1, 1, 1],
  );
});

test('a prompt of two chunks and a negative prompt of one are asked one after the other', async () => {
  const { model: spied, asked } = listening();
  await paint({ prompt: 'a red star, '.repeat(30), steps: 1 }, spied);
  const lengths = asked.map(({ tokens }) => tokens);
  assert.equal(lengths.length, 2);
  assert.equal(lengths[0], 77);
  assert.ok((lengths[1] ?? 0) > 77 && (lengths[1] ?? 0) % 77 === 0);
});

test('AND asks for every part', async () => {
  const { model: spied, asked } = listening();
  await paint({ prompt: 'a red star AND a blue sky :0.5', steps: 1 }, spied);
  assert.deepEqual(
    asked.map(({ rows }) => rows),
    [3],
  );
});

test('rows beyond what the machine has room for are asked in several runs, to the same bytes', async () => {
  const parts = Array.from({ length: 15 }, (_, i) => `a red star ${i}`).join(' AND ');
  const long = `${'a blue sky, '.repeat(30)} AND ${parts}`;
  for (const [count, most] of [
    [1, 2],
    [2, 5],
    [3, 2],
  ] as const) {
    const { model: roomy, asked } = listening();
    const whole = await paint({ prompt: long, steps: 1, count, negativePrompt: 'b' }, roomy);
    const { model: narrow, asked: askedOfNarrow } = listening();
    narrow.unet.mostRows = () => most;
    const split = await paint({ prompt: long, steps: 1, count, negativePrompt: 'b' }, narrow);
    assert.deepEqual(split.latents, whole.latents);
    assert.deepEqual(
      split.images.map(({ png }) => png),
      whole.images.map(({ png }) => png),
    );
    const rowsOf = (all: readonly Asked[]) => all.map(({ rows }) => rows);
    const sum = (all: readonly Asked[]) => rowsOf(all).reduce((total, rows) => total + rows, 0);
    assert.equal(sum(asked), count * 17);
    assert.equal(sum(askedOfNarrow), sum(asked));
    assert.equal(Math.max(...rowsOf(asked)), count * 16);
    assert.ok(Math.max(...rowsOf(askedOfNarrow)) <= Math.max(most, count));
  }
});

test('prompt editing changes the picture only after its step', async () => {
  const plain = await paint({ prompt: 'a red star', steps: 6 });
  const edited = await paint({ prompt: 'a [red:blue:0.5] star', steps: 6 });
  const never = await paint({ prompt: 'a [red:blue:20] star', steps: 6 });
  assert.notDeepEqual(edited.latents, plain.latents);
  assert.deepEqual(never.latents, plain.latents);
});

test('a prompt that was encoded before is not encoded again', async () => {
  const options = { emphasis: 'original', profile: 'a1111', clipSkip: 1, steps: 4 } as const;
  const prompt = 'a prompt that no other test uses';
  const first = await model.textEncoder.encode(prompt, { ...options, negative: false });
  const before = clock.ms;
  const second = await model.textEncoder.encode(prompt, { ...options, negative: true });
  assert.equal(clock.ms, before);
  assert.deepEqual(second, first);
  await model.textEncoder.encode(prompt, { ...options, clipSkip: 2, negative: false });
  assert.ok(clock.ms > before);
});

test('clip skip beyond the layers of the text encoder is refused with the number there are', async () => {
  await assert.rejects(paint({ clipSkip: 3 }), (error) => {
    assert.ok(error instanceof UserError);
    return /clip skip 3 is more than .* has layers \(2\)/.test(error.message);
  });
});

test('an aborted signal stops before the network is asked', async () => {
  const { model: spied, asked } = listening();
  await assert.rejects(paint({}, spied, AbortSignal.abort()), CancelledError);
  assert.equal(asked.length, 0);
});

test('emoji, an empty prompt and a very long one make pictures', async () => {
  for (const prompt of ['', '🦊🌙✨', 'star '.repeat(700)]) {
    const { images } = await paint({ prompt, steps: 1 });
    assert.equal(images.length, 1);
  }
});

test('comments are not part of the prompt, except where ComfyUI and diffusers read them', async () => {
  const plain = await paint({ prompt: 'a red\nstar' });
  const commented = await paint({ prompt: 'a red # a blue\nstar', negativePrompt: '#nothing' });
  assert.deepEqual(commented.latents, plain.latents);
  const literal = await paint({ prompt: 'a red # a blue\nstar', profile: 'comfy' });
  const without = await paint({ prompt: 'a red\nstar', profile: 'comfy' });
  assert.notDeepEqual(literal.latents, without.latents);
});

test('emphasis restores the mean over all texts that a prompt becomes in time', async () => {
  const all = { profile: 'a1111', clipSkip: 1, steps: 4, negative: false } as const;
  const prompt = '[a red star|(a blue sky:1.6)|a fish]';
  const texts = async (emphasis: 'original' | 'no_norm' | 'ignore'): Promise<Float32Array[]> => {
    const { parts } = await model.textEncoder.encode(prompt, { ...all, emphasis });
    return (parts[0]?.schedule ?? []).map(({ text }) => text.context);
  };
  const [restored, weighted, plain] = [
    await texts('original'),
    await texts('no_norm'),
    await texts('ignore'),
  ];
  // One text for each step: star, sky, fish, star.
  assert.equal(restored.length, 4);
  const mean = (rows: readonly Float32Array[]): number => {
    const values = rows.flatMap((row) => [...row]);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const factor = mean(plain) / mean(weighted);
  assert.ok(Math.abs(factor - 1) > 1e-4, 'the weight moves the mean');
  for (const [i, row] of restored.entries()) {
    const worst = Math.max(
      ...row.map((value, k) => Math.abs(value - factor * (weighted[i]?.[k] ?? NaN))),
    );
    assert.ok(worst < 1e-5, `text ${i} is off by ${worst}`);
  }
});
