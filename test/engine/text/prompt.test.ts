import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/engine/errors.ts';
import type { EmphasisName, ProfileName } from '../../../src/engine/names.ts';
import { applyComfyEmphasis, applyEmphasis, planPrompt } from '../../../src/engine/text/prompt.ts';
import { parseAttention } from '../../../src/engine/text/prompt/attention.ts';
import { stripComments } from '../../../src/engine/text/prompt/comments.ts';
import { chunkWeighted } from '../../../src/engine/text/prompt/chunks.ts';
import { parseComfyWeights } from '../../../src/engine/text/prompt/comfy.ts';
import { parseComposition } from '../../../src/engine/text/prompt/composition.ts';
import { parseTimeline } from '../../../src/engine/text/prompt/timeline.ts';
import { loadTokenizer } from '../../../src/engine/text/tokenizer.ts';
import { fullSet, goldenFolder } from '../../support/golden/golden-set.ts';

type Packed = { shape: number[]; base64: string };
type ReferencePrompt = {
  prompt: string;
  attention?: [string, number][];
  attention_error?: string;
  schedule_20: [number, string][];
  schedule_20_hires_10: [number, string][];
  schedule_20_old: [number, string][];
  multicond: { indexes: [number, number][][]; flat: string[] };
};
const reference = readJson<{
  prompts: ReferencePrompt[];
  emphasis: { mode: string; z: Packed; multipliers: Packed; out: Packed }[];
}>('../../fixtures/prompts/a1111.json');
const tokenizer = await loadTokenizer(
  fileURLToPath(new URL('../../../models/demo/tokenizer', import.meta.url)),
);

function readJson<T>(file: string | URL): T {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as T;
}

function unpack({ base64 }: Packed): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

test('emphasis is read as A1111 reads it', () => {
  for (const { prompt, attention, attention_error: error } of reference.prompts) {
    if (error !== undefined) {
      assert.throws(() => parseAttention(prompt), UserError, prompt);
      continue;
    }
    const got = parseAttention(prompt);
    assert.deepEqual(
      got.map(({ text }) => text),
      attention?.map(([text]) => text),
      prompt,
    );
    for (const [at, { weight }] of got.entries()) {
      const wanted = attention?.[at]?.[1] ?? Number.NaN;
      assert.ok(Math.abs(weight - wanted) <= 1e-12, `${prompt}: ${weight} is not ${wanted}`);
    }
  }
});

test('prompt editing and alternation follow A1111’s grammar', () => {
  for (const each of reference.prompts) {
    const timeline = (options?: object): [number, string][] =>
      parseTimeline(each.prompt, 20, options).map(({ untilStep, text }) => [untilStep, text]);
    assert.deepEqual(timeline(), each.schedule_20, each.prompt);
    assert.deepEqual(timeline({ hiresSteps: 10 }), each.schedule_20_hires_10, each.prompt);
    assert.deepEqual(
      timeline({ hiresSteps: 10, oldTimelines: true }),
      each.schedule_20_old,
      each.prompt,
    );
  }
});

test('unbalanced brackets resolve as in A1111’s ambiguous grammar', () => {
  const cases = readJson<[string, [number, string][]][]>('../../fixtures/prompts/unbalanced.json');
  assert.ok(cases.length >= 150);
  for (const [prompt, wanted] of cases) {
    const got = parseTimeline(prompt, 10).map(({ untilStep, text }) => [untilStep, text]);
    assert.deepEqual(got, wanted, prompt);
  }
});

test('a prompt of nothing but brackets neither recurses nor takes long', () => {
  const began = performance.now();
  for (const text of ['[', '(', '[a:', '((a)', '[|']) parseTimeline(text.repeat(1000), 150);
  parseTimeline(`${'('.repeat(2000)}a${')'.repeat(2000)}`, 20);
  assert.ok(performance.now() - began < 3000);
});

test('AND splits a prompt into weighted parts, but never a negative prompt', () => {
  for (const { prompt, multicond } of reference.prompts) {
    const wanted = multicond.indexes[0]?.map(([at, weight]) => ({
      text: multicond.flat[at],
      weight,
    }));
    assert.deepEqual(parseComposition(prompt), wanted, prompt);
  }
  const options = { emphasis: 'original', profile: 'a1111', steps: 20 } as const;
  assert.deepEqual(
    planPrompt('a cat AND a dog:0.5', tokenizer, options).parts.map(({ weight }) => weight),
    [1, 0.5],
  );
  const negative = planPrompt('a cat AND a dog:0.5', tokenizer, { ...options, negative: true });
  assert.equal(negative.parts.length, 1);
});

test('chunks equal A1111’s, tokens and weights', async () => {
  const clip = await loadTokenizer(path.join(goldenFolder, 'clip_tokenizer'));
  const { chunking } = readJson<{
    chunking: {
      prompt: string;
      comma_padding_backtrack: number;
      error?: string;
      chunks?: { tokens: number[]; multipliers: number[] }[];
    }[];
  }>(new URL('prompts/manifest.json', fullSet));
  let compared = 0;
  for (const { prompt, comma_padding_backtrack: backtrack, chunks } of chunking) {
    if (!chunks) continue;
    const got = chunkWeighted(parseAttention(prompt), clip, backtrack);
    assert.deepEqual(
      got.map(({ ids }) => ids),
      chunks.map(({ tokens }) => tokens),
      prompt,
    );
    assert.deepEqual(
      got.map(({ multipliers }) => multipliers),
      chunks.map(({ multipliers }) => multipliers),
      prompt,
    );
    compared++;
  }
  assert.ok(compared > 100);
});

test('every entry of a timeline has as many chunks as the longest', () => {
  const long = 'a red cat, '.repeat(40);
  const { parts } = planPrompt(`[a cat:${long}:0.5]`, tokenizer, {
    emphasis: 'original',
    profile: 'a1111',
    steps: 20,
  });
  const [early, late] = parts[0]?.schedule ?? [];
  assert.equal(early?.untilStep, 10);
  assert.equal(late?.untilStep, 20);
  assert.ok((late?.chunks.length ?? 0) >= 2);
  assert.equal(early?.chunks.length, late?.chunks.length);
  assert.notEqual(early?.conditioningKey, late?.conditioningKey);
  for (const { ids, multipliers } of early?.chunks ?? []) {
    assert.equal(ids.length, 77);
    assert.equal(multipliers.length, 77);
  }
});

test('padding follows the first end token with the pad id', () => {
  const sd2 = { ...tokenizer, pad: 0 };
  const plan = planPrompt('a red cat BREAK a dog', sd2, {
    emphasis: 'original',
    profile: 'a1111',
    steps: 1,
  });
  for (const { ids } of plan.parts[0]?.schedule[0]?.chunks ?? []) {
    const end = ids.indexOf(tokenizer.eos);
    assert.ok(end > 1);
    assert.ok(ids.slice(end + 1).every((id) => id === 0));
  }
});

test('an end token that the text names pads what follows in A1111 alone, and only where padding is another token', () => {
  const { bos, eos } = tokenizer;
  const parts = (profile: ProfileName, pad: number): number[] => {
    const options = { emphasis: 'none', profile, steps: 1 } as const;
    const plan = planPrompt('a<|endoftext|>a', { ...tokenizer, pad }, options);
    return plan.parts[0]?.schedule[0]?.chunks[0]?.ids.slice(0, 6) ?? [];
  };
  const [, a] = parts('diffusers', eos);
  assert.deepEqual(parts('diffusers', eos), [bos, a, eos, a, eos, eos]);
  assert.deepEqual(parts('diffusers', 0), [bos, a, eos, a, eos, 0]);
  assert.deepEqual(parts('comfy', 0), [bos, a, eos, a, eos, 0]);
  assert.deepEqual(parts('a1111', eos), [bos, a, eos, a, eos, eos]);
  assert.deepEqual(parts('a1111', 0), [bos, a, eos, 0, 0, 0]);
});

test('profile diffusers reads plain text and cuts it; emphasis on request', () => {
  const options = { profile: 'diffusers', steps: 20 } as const;
  const text = '(a red:1.5) [cat:dog:0.5] AND more';
  const plain = planPrompt(text, tokenizer, { ...options, emphasis: 'none' });
  assert.deepEqual(plain.parts[0]?.schedule[0]?.chunks[0]?.ids.slice(1, -1).filter(notPad), [
    ...tokenizer.encode(text),
  ]);
  const cut = planPrompt('cat '.repeat(200), tokenizer, { ...options, emphasis: 'none' });
  assert.equal(cut.parts[0]?.schedule[0]?.chunks.length, 1);
  const weighted = planPrompt(text, tokenizer, { ...options, emphasis: 'original' });
  assert.equal(weighted.parts.length, 2);
});

function notPad(id: number): boolean {
  return id !== tokenizer.eos;
}

test('profile comfy weighs as ComfyUI does', () => {
  assert.deepEqual(parseComfyWeights('a (b) (c:1.3) ((d)) (e (f:0.5) g:1.2) [h] \\(i\\)'), [
    { text: 'a ', weight: 1 },
    { text: 'b', weight: 1.1 },
    { text: ' ', weight: 1 },
    { text: 'c', weight: 1.3 },
    { text: ' ', weight: 1 },
    { text: 'd', weight: 1.1 * 1.1 },
    { text: ' ', weight: 1 },
    { text: 'e ', weight: 1.2 },
    { text: 'f', weight: 0.5 },
    { text: ' g', weight: 1.2 },
    { text: ' [h] (i)', weight: 1 },
  ]);
  const options = { emphasis: 'original', profile: 'comfy', steps: 20 } as const;
  const short = 'x x x x, ';
  const pieces = `${'y '.repeat(73)}(${short}:1.2)`;
  const chunks = planPrompt(pieces, tokenizer, options).parts[0]?.schedule[0]?.chunks ?? [];
  assert.equal(chunks.length, 2);
  assert.ok(
    chunks[0]?.multipliers.every((weight) => weight === 1),
    'short pieces move on whole',
  );
});

test('weights act on the embedding as in A1111', () => {
  const modes: Record<string, EmphasisName> = {
    None: 'none',
    Ignore: 'ignore',
    Original: 'original',
    'No norm': 'no_norm',
  };
  for (const each of reference.emphasis) {
    const [batch = 0, tokens = 0, channels = 0] = each.z.shape;
    const got = applyEmphasis(
      unpack(each.z),
      [batch, tokens, channels],
      [[...unpack(each.multipliers)]],
      modes[each.mode] as EmphasisName,
    );
    const wanted = unpack(each.out);
    assert.equal(got.length, wanted.length);
    for (const [at, value] of wanted.entries()) {
      assert.ok(Math.abs((got[at] ?? Number.NaN) - value) <= 1e-6, `${each.mode} at ${at}`);
    }
  }
});

test('ComfyUI moves a token away from the empty prompt', () => {
  const z = Float32Array.of(1, 2, 3, 4);
  const empty = Float32Array.of(0, 1, 1, 1);
  assert.deepEqual(
    [...applyComfyEmphasis(z, empty, [1, 2, 2], [[1, 2]])],
    [1, 2, 1 + 2 * 2, 1 + 3 * 2],
  );
});

test('a comment reaches from # to the end of the line', () => {
  const cases: [string, string][] = [
    ['a cat', 'a cat'],
    ['# all of it', '\n'],
    ['a cat # black\non a mat', 'a cat \non a mat'],
    ['a cat\n# black\n# fat\non a mat', 'a cat\n\non a mat'],
    ['#a\n#b', '\n\n'],
  ];
  for (const [written, read] of cases) assert.equal(stripComments(written), read);
});

test('emphasis of a prompt longer than any order: the weights of nested brackets, in linear time', () => {
  // Beyond some millions of products the order of the factors is given up; their value is not.
  const deep = 4000;
  const nested = `${'(a'.repeat(deep)}${':1.0001)[b]'.repeat(deep)}`;
  const pieces = parseAttention(nested);
  const weights = pieces.filter(({ text }) => text === 'a').map(({ weight }) => weight);
  for (const [at, weight] of weights.entries()) {
    const wanted = 1.0001 ** (at + 1);
    assert.ok(Math.abs(weight / wanted - 1) < 1e-9, `${at}: ${weight}, not ${wanted}`);
  }
  assert.equal(weights.length, deep);
});
