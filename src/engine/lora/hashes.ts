/** LoRA files by what their makers called them, and by the hashes that recipes carry. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { RunError } from '../errors.ts';
import { openTensorFile } from '../checkpoint/file/tensor-file.ts';
import type { NamedFile } from '../model/named-files.ts';
import { lorasFor } from './files.ts';

type Kept<T> = { stamp: string; value: T };

const names = new Map<string, Kept<string | null>>();
const hashes = new Map<string, Kept<readonly string[]>>();

async function kept<T>(
  cache: Map<string, Kept<T>>,
  { file, stamp }: NamedFile,
  read: () => Promise<T>,
): Promise<T> {
  const before = cache.get(file);
  if (before?.stamp === stamp) return before.value;
  const value = await read();
  cache.set(file, { stamp, value });
  return value;
}

/**
 * File names by the name that training gave them (`ss_output_name`), in small letters; A1111 finds them by it, too
 * (extensions-builtin/Lora/network.py). A file's own name and the first file of a name count.
 */
export async function loraAliases(
  beside: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const files = await lorasFor(beside);
  const own = new Set(files.map(({ name }) => name.toLowerCase()));
  const aliases: Record<string, string> = {};
  for (const file of files) {
    const alias = (await kept(names, file, () => nameInside(file)))?.toLowerCase();
    if (alias !== undefined && !own.has(alias)) aliases[alias] ??= file.name;
  }
  return aliases;
}

async function nameInside({ file }: NamedFile): Promise<string | null> {
  try {
    const alias = (await openTensorFile(file)).metadata.get('ss_output_name')?.trim() ?? '';
    return alias === '' || alias.toLowerCase() === 'none' ? null : alias.slice(0, 100);
  } catch (error) {
    // A damaged file is told when somebody asks for it.
    if (error instanceof RunError) return null;
    throw error;
  }
}

/** The name of a file with this hash, as A1111 (12 digits, without the header) or Civitai (10, all of it) count it. */
export async function loraByHash(hash: string, beside: readonly string[]): Promise<string | null> {
  const wanted = hash.toLowerCase();
  if (!/^[0-9a-f]{8,64}$/.test(wanted)) return null;
  for (const file of await lorasFor(beside)) {
    const own = await kept(hashes, file, () => hashesOf(file));
    if (own.some((each) => each.startsWith(wanted))) return file.name;
  }
  return null;
}

const marks = new Map<string, Kept<string>>();

/** Files up to this size count whole; of larger ones the header and samples of the weights do. */
const WHOLE_BYTES = 4 * 1024 ** 2;
const SAMPLES = 64;
const SAMPLE_BYTES = 16 * 1024;

/**
 * What tells a file from another one of its name, 12 hex digits by file name: cheap enough for every file of a folder,
 * which A1111's hash of all its bytes is not. Weights that were trained differ everywhere.
 */
export async function loraMarks(
  beside: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const file of await lorasFor(beside)) {
    found[file.name] = await kept(marks, file, () => markOf(file));
  }
  return found;
}

async function markOf({ file, stamp }: NamedFile): Promise<string> {
  const hash = createHash('sha256');
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      hash.update(`${size}\n`);
      const take = async (from: number, length: number): Promise<void> => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from);
        hash.update(buffer.subarray(0, bytesRead));
      };
      if (size <= WHOLE_BYTES) await take(0, size);
      else {
        const last = size - SAMPLE_BYTES;
        for (let n = 0; n <= SAMPLES; n++)
          await take(Math.floor((last * n) / SAMPLES), SAMPLE_BYTES);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    // What cannot be read now is nowhere the same.
    hash.update(`${file} ${stamp} ${(error as NodeJS.ErrnoException).code ?? ''}`);
  }
  return hash.digest('hex').slice(0, 12);
}

async function hashesOf({ file }: NamedFile): Promise<string[]> {
  try {
    const said = (await openTensorFile(file)).metadata.get('sshs_model_hash')?.toLowerCase();
    const whole = createHash('sha256');
    const weights = createHash('sha256');
    let before = 0;
    let head = -1;
    for await (const part of createReadStream(file, { highWaterMark: 1 << 20 })) {
      const bytes = part as Buffer;
      if (head < 0) head = bytes.length < 8 ? 0 : 8 + Number(bytes.readBigUInt64LE(0));
      whole.update(bytes);
      weights.update(bytes.subarray(Math.min(Math.max(head - before, 0), bytes.length)));
      before += bytes.length;
    }
    return [...(said === undefined ? [] : [said]), weights.digest('hex'), whole.digest('hex')];
  } catch (error) {
    if (error instanceof RunError || (error as NodeJS.ErrnoException).code !== undefined) return [];
    throw error;
  }
}
