/**
 * Where the reference numbers are: the full set in GOLDEN_DIR or beside the checkout, else the compact one that comes with
 * the repository (test/fixtures/golden-set), unpacked once into node_modules/.cache.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { madeOnce } from './made-once.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const archive = path.join(root, 'test/fixtures/golden-set/golden-set.tar.zst');
const beside = path.join(root, '../shared/golden');
/** CLIP's vocabulary is the engine's own, and not packed a second time. */
const VOCABULARY = path.join(root, 'src/engine/checkpoint/clip-tokenizer');
const TOKENIZERS = ['clip_tokenizer', 'models/sd15/tokenizer', 'models/sd21-v/tokenizer'];

/** Answers the folder of the compact set. */
export async function compactSet(): Promise<string> {
  const packed = await readFile(archive);
  const mark = createHash('sha256').update(packed).digest('hex').slice(0, 12);
  return madeOnce(`golden-${mark}`, async (empty) => {
    for (const { header, data } of await unpackTar(zstdDecompressSync(packed))) {
      const file = path.join(empty, header.name);
      if (header.type !== 'file') continue;
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, data ?? new Uint8Array());
    }
    for (const tokenizer of TOKENIZERS) {
      for (const name of ['vocab.json', 'merges.txt']) {
        await copyFile(path.join(VOCABULARY, name), path.join(empty, tokenizer, name));
      }
    }
    return empty;
  });
}

const given = process.env['GOLDEN_DIR'];
export const goldenFolder = given ?? (existsSync(beside) ? beside : await compactSet());
export const fullSet = pathToFileURL(`${goldenFolder}/`);
