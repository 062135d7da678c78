import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/engine/errors.ts';
import { loadTokenizer } from '../../../src/engine/text/tokenizer.ts';
import { goldenFolder } from '../../support/golden/golden-set.ts';

const DEMO = fileURLToPath(new URL('../../../models/demo/tokenizer', import.meta.url));

test('tokens equal those of transformers, whatever the script', async () => {
  const tokenizer = await loadTokenizer(path.join(goldenFolder, 'clip_tokenizer'));
  const { clip_tokens: cases } = JSON.parse(
    readFileSync(path.join(goldenFolder, 'prompts/manifest.json'), 'utf8'),
  ) as { clip_tokens: { text: string; ids: number[] }[] };
  assert.equal(cases.length, 219);
  for (const { text, ids } of cases) {
    const got = [tokenizer.bos, ...tokenizer.encode(text), tokenizer.eos];
    assert.deepEqual(got, ids, JSON.stringify(text));
  }
  assert.equal(tokenizer.comma, 267);
  assert.equal(tokenizer.maxLength, 77);
});

test('space and small letters are what they are in the reference, not in JavaScript', async () => {
  const { encode } = await loadTokenizer(DEMO);
  // transformers 5.18, CLIPTokenizer.from_pretrained('models/demo/tokenizer')
  assert.deepEqual(encode('a\ufeffb'), [320, 171, 119, 379, 321]);
  assert.deepEqual(encode('\ufeff…'), [171, 119, 123, 158, 222, 355]);
  assert.deepEqual(encode('red\u0085cat'), [599, 771]);
  assert.deepEqual(encode('ΟΔΟΣ cat'), [138, 123, 138, 112, 138, 123, 139, 481, 771]);
});

test('a "!" is the padding token of SD2 to transformers, a mark to A1111', async () => {
  const sd2 = await loadTokenizer(path.join(goldenFolder, 'models/sd21-v/tokenizer'));
  // transformers 5.18, without start and end
  assert.deepEqual(sd2.encodePadSpecial('x!y <|endoftext|> !'), [343, 0, 344, 49407, 0]);
  assert.deepEqual(sd2.encodePadSpecial('x <|STARTofText|> <|EndOfText|>'), [343, 49406, 49407]);
  assert.deepEqual(sd2.encodePadSpecial('DOG!!! 1'), [1929, 0, 0, 0, 272]);
  assert.deepEqual(sd2.encode('DOG!!! 1'), [1929, 995, 272]);
  const sd1 = await loadTokenizer(path.join(goldenFolder, 'models/sd15/tokenizer'));
  assert.deepEqual(sd1.encodePadSpecial('x!y <|endoftext|> !'), [343, 256, 344, 49407, 256]);
});

test('SD1 pads with the end token, SD2 with token 0', async () => {
  const sd1 = await loadTokenizer(path.join(goldenFolder, 'models/sd15/tokenizer'));
  const sd2 = await loadTokenizer(path.join(goldenFolder, 'models/sd21-v/tokenizer'));
  assert.equal(sd1.pad, 49407);
  assert.equal(sd2.pad, 0);
  assert.equal(sd2.eos, 49407);
});

test('folders of one vocabulary are read alike unless their configs ask for other words', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
  try {
    const plain = await loadTokenizer(path.join(goldenFolder, 'models/sd15/tokenizer'));
    await cp(path.join(goldenFolder, 'models/sd15/tokenizer'), folder, { recursive: true });
    const config = path.join(folder, 'tokenizer_config.json');
    const asked = { pad_token: '!', do_lowercase_and_remove_accent: true };
    await writeFile(config, JSON.stringify({ pad_token: '!' }));
    const padded = await loadTokenizer(folder);
    await writeFile(config, JSON.stringify(asked));
    const bare = await loadTokenizer(folder);
    assert.deepEqual([plain.pad, padded.pad, bare.pad], [49407, 0, 0]);
    const apart = 'Cre\u0300me';
    assert.deepEqual(padded.encode(apart), plain.encode(apart));
    assert.deepEqual(bare.encode(apart), plain.encode('creme'));
    assert.notDeepEqual(plain.encode(apart), plain.encode('creme'));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('tokenizer.json and vocab.json with merges.txt give the same ids', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
  try {
    await cp(DEMO, folder, { recursive: true });
    await rm(path.join(folder, 'tokenizer.json'));
    const [whole, parts] = await Promise.all([loadTokenizer(DEMO), loadTokenizer(folder)]);
    for (const text of [
      'a red cat on a blue background',
      "Don't SHOUT, 1234!",
      'naïve 日本語 🐱\u200b x',
      'a <|endoftext|> b',
      '  \n\t ',
    ]) {
      assert.deepEqual(parts.encode(text), whole.encode(text), text);
    }
    assert.notDeepEqual(whole.encode('a red cat'), whole.encode('a blue cat'));
    const numbers = ({ bos, eos, pad, maxLength, comma }: typeof whole): unknown => [
      bos,
      eos,
      pad,
      maxLength,
      comma,
    ];
    assert.deepEqual(numbers(parts), numbers(whole));
    // the same files are not opened twice, others of the same name are
    const vocabulary = path.join(folder, 'vocab.json');
    const ids = JSON.parse(readFileSync(vocabulary, 'utf8')) as Record<string, number>;
    const [red] = whole.encode('red');
    await writeFile(vocabulary, JSON.stringify({ ...ids, 'red</w>': 7 }));
    assert.deepEqual((await loadTokenizer(folder)).encode('red'), [7]);
    assert.deepEqual([parts.encode('red'), whole.encode('red')], [[red], [red]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a folder without tokenizer, or with a broken one, is refused with words', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
  try {
    await assert.rejects(loadTokenizer(folder), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /expected tokenizer\.json, or vocab\.json with merges\.txt/);
      return true;
    });
    await writeFile(path.join(folder, 'tokenizer.json'), '{"model":');
    await assert.rejects(loadTokenizer(folder), /tokenizer\.json is not valid JSON/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
