/**
 * What encoders made of prompts, on disk: a server repeats them, and a language model takes seconds to read one. A file is
 * named by the hash of the words and of what reads them, so that no words lie there; deleting the folder forgets them all.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../whole-file.ts';
import type { TextEmbedding } from '../text-embedding.ts';

/** Those that were not asked for the longest go when all of them are more than this. */
const MOST_BYTES = 512 * 2 ** 20;

/** Raised when what is written here changes, or what is read. */
const VERSION = 2;

let folder: string | null = null;

/** Where they are kept from now on; null: nowhere. */
export function keepEmbeddingsIn(path: string | null): void {
  folder = path;
}

/** `told`: everything that decides the numbers. */
export function embeddingKey(told: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([VERSION, told]))
    .digest('hex');
}

/** Null: it is not there, or not whole. */
export async function storedEmbedding(key: string): Promise<TextEmbedding | null> {
  if (folder === null) return null;
  const path = join(folder, `${key}.text`);
  const bytes = await readFile(path).catch(() => null);
  const known = bytes === null ? null : decode(bytes);
  // the time it was asked for last
  if (known !== null) await utimes(path, new Date(), new Date()).catch(() => {});
  return known;
}

/** A disk that is full or read-only costs a reading next time, nothing else. */
export async function storeEmbedding(key: string, embedding: TextEmbedding): Promise<void> {
  if (folder === null) return;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeWhole(join(folder, `${key}.text`), encode(embedding), {
      mode: 0o600,
      durable: false,
    });
    await prune(folder);
  } catch {
    // told above
  }
}

const READERS = ['T5', 'CLIP', 'Qwen2.5-VL'] as const;
/** of four bytes: tokens, width, length of the whole; of a text that was cut its reader, tokens read and found */
const HEADER = 6;

/** The header, then the numbers. */
function encode({ context, tokens, dim, pooled, cut }: TextEmbedding): Uint8Array {
  const cutAs = cut ? [1 + READERS.indexOf(cut.reader), cut.most, cut.found] : [0, 0, 0];
  const words = Uint32Array.of(tokens, dim, pooled?.length ?? 0, ...cutAs);
  const parts = [words, context, ...(pooled === null ? [] : [pooled])];
  return Buffer.concat(
    parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)),
  );
}

function decode(bytes: Uint8Array): TextEmbedding | null {
  if (bytes.length < 4 * HEADER) return null;
  const own = bytes.slice().buffer;
  const [tokens = 0, dim = 0, whole = 0, reader = 0, most = 0, found = 0] = new Uint32Array(
    own,
    0,
    HEADER,
  );
  if (tokens * dim === 0 || bytes.length !== 4 * (HEADER + tokens * dim + whole)) return null;
  const context = new Float32Array(own, 4 * HEADER, tokens * dim);
  const pooled = whole === 0 ? null : new Float32Array(own, 4 * HEADER + context.byteLength, whole);
  const by = READERS[reader - 1];
  return { context, tokens, dim, pooled, ...(by && { cut: { reader: by, most, found } }) };
}

async function prune(at: string): Promise<void> {
  const files: { path: string; size: number; at: number }[] = [];
  for (const name of await readdir(at)) {
    const path = join(at, name);
    const info = await stat(path).catch(() => null);
    if (info !== null) files.push({ path, size: info.size, at: info.mtimeMs });
  }
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.toSorted((a, b) => a.at - b.at)) {
    if (total <= MOST_BYTES) return;
    await rm(path, { force: true });
    total -= size;
  }
}
