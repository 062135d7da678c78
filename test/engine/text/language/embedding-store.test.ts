import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import {
  embeddingKey,
  keepEmbeddingsIn,
  storedEmbedding,
  storeEmbedding,
} from '../../../../src/engine/text/language/embedding-store.ts';

const EMBEDDING = {
  context: Float32Array.of(1, 2, 3, 4, 5, 6),
  tokens: 2,
  dim: 3,
  pooled: Float32Array.of(7, 8),
};

test('what was read is known again, by a hash that tells no words', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'texts-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  t.after(() => keepEmbeddingsIn(null));
  keepEmbeddingsIn(path.join(folder, 'embeddings'));
  const key = embeddingKey(['encoder', 'a secret fox']);
  assert.equal(await storedEmbedding(key), null);
  await storeEmbedding(key, EMBEDDING);
  assert.deepEqual(await storedEmbedding(key), EMBEDDING);
  const other = embeddingKey(['encoder', 'a fox']);
  await storeEmbedding(other, { ...EMBEDDING, pooled: null });
  assert.deepEqual(await storedEmbedding(other), { ...EMBEDDING, pooled: null });
  const long = embeddingKey(['encoder', 'a fox and more']);
  const cut = { reader: 'T5', most: 256, found: 300 } as const;
  await storeEmbedding(long, { ...EMBEDDING, cut });
  assert.deepEqual(await storedEmbedding(long), { ...EMBEDDING, cut });
  const names = await readdir(path.join(folder, 'embeddings'));
  assert.equal(names.length, 3);
  assert.ok(names.every((name) => !name.includes('fox')));
  await writeFile(path.join(folder, 'embeddings', `${key}.text`), 'broken');
  assert.equal(await storedEmbedding(key), null);
});

test('without a folder nothing is kept', async () => {
  keepEmbeddingsIn(null);
  const key = embeddingKey('x');
  await storeEmbedding(key, EMBEDDING);
  assert.equal(await storedEmbedding(key), null);
});
