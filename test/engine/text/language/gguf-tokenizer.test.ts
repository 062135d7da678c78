/** The vocabulary inside a GGUF reads texts as the tokenizer.json that it was made from. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ggufTokenizer } from '../../../../src/engine/text/language/gguf-tokenizer.ts';
import { fullSet } from '../../../support/golden/golden-set.ts';

type Value = string | number | readonly string[] | Float32Array | Int32Array | Uint8Array;

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string): Buffer =>
  Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

/** As gguf-py writes a key's value. */
function valueOf(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)]);
  if (typeof value === 'number') return Buffer.concat([u32(4), u32(value)]);
  const [type, bytes] =
    value instanceof Float32Array
      ? [6, Buffer.from(value.buffer)]
      : value instanceof Int32Array
        ? [5, Buffer.from(value.buffer)]
        : value instanceof Uint8Array
          ? [0, Buffer.from(value)]
          : [8, Buffer.concat((value as readonly string[]).map(text))];
  return Buffer.concat([u32(9), u32(type), u64(value.length), bytes]);
}

async function fileWith(t: TestContext, keys: Readonly<Record<string, Value>>): Promise<string> {
  const entries = Object.entries(keys);
  const parts = entries.map(([key, value]) =>
    Buffer.concat([text(`tokenizer.ggml.${key}`), valueOf(value)]),
  );
  const folder = await mkdtemp(path.join(tmpdir(), 'gguf-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'model.gguf');
  await writeFile(
    file,
    Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(entries.length), ...parts]),
  );
  return file;
}

async function golden<T>(t: TestContext, name: string): Promise<T | null> {
  const file = new URL(`dit/${name}`, fullSet);
  if (!existsSync(file)) {
    t.skip('no reference tokenizers here');
    return null;
  }
  return JSON.parse(await readFile(file, 'utf8')) as T;
}

type Added = { id: number; content: string; special: boolean };
type Rows = { rows: Record<string, unknown>[] };

test("Qwen3's byte pairs, templates among them", async (t) => {
  const own = await golden<{
    model: { vocab: Record<string, number>; merges: (string | string[])[] };
    added_tokens: Added[];
  }>(t, 'tokenizers/qwen3/tokenizer.json');
  const wanted = await golden<Rows>(t, 'tokens.json');
  if (own === null || wanted === null) return;
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(own.model.vocab)) tokens[id] = token;
  for (const { id, content } of own.added_tokens) tokens[id] = content;
  const whole = new Map(own.added_tokens.map(({ id, special }) => [id, special ? 3 : 4]));
  const keys: Readonly<Record<string, Value>> = {
    model: 'gpt2',
    tokens,
    merges: own.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    padding_token_id: own.added_tokens[0]!.id,
  };
  const token_type = Int32Array.from(tokens, (_, id) => whole.get(id) ?? 1);
  // some converters leave out which tokens are marks
  const files: Readonly<Record<string, Value>>[] = [{ ...keys, token_type }, keys];
  for (const told of files) {
    const file: string = await fileWith(t, told);
    const tokenizer = await ggufTokenizer(file);
    assert.equal(tokenizer?.pad, own.added_tokens[0]!.id);
    const rows: Rows['rows'] = wanted.rows;
    for (const row of rows) {
      assert.deepEqual(tokenizer?.encode(row['template_z-image'] as string), row['qwen3_z-image']);
    }
  }
});

test("T5's unigrams with their end", async (t) => {
  const own = await golden<{
    model: { vocab: [string, number][] };
    normalizer: { precompiled_charsmap: string };
    added_tokens: Added[];
  }>(t, 'tokenizers/t5/tokenizer.json');
  const wanted = await golden<Rows>(t, 'tokens.json');
  if (own === null || wanted === null) return;
  const { vocab } = own.model;
  const whole = new Set(own.added_tokens.map(({ id }) => id));
  const file = await fileWith(t, {
    model: 't5',
    tokens: vocab.map(([token]) => token),
    scores: Float32Array.from(vocab, ([, score]) => score),
    token_type: Int32Array.from(vocab, (_, id) => (whole.has(id) ? 3 : 1)),
    precompiled_charsmap: Buffer.from(own.normalizer.precompiled_charsmap, 'base64'),
    eos_token_id: 1,
    unknown_token_id: 2,
    padding_token_id: 0,
  });
  const tokenizer = await ggufTokenizer(file);
  for (const row of wanted.rows) {
    assert.deepEqual(tokenizer?.encode(row['text'] as string), row['t5'], String(row['text']));
  }
});

test('a file without a vocabulary, or with one of another kind, has none', async (t) => {
  assert.equal(await ggufTokenizer(await fileWith(t, {})), null);
  assert.equal(await ggufTokenizer(await fileWith(t, { model: 'bert', tokens: ['a'] })), null);
});
