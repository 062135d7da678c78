/**
 * GGUF, llama.cpp's file of tensors (github.com/ggml-org/ggml, docs/gguf.md): little-endian; counts, keys and values,
 * then names, shapes and types, then the numbers from an aligned place on.
 */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { GgufReader, LIST } from './gguf-reader.ts';

/** How a type is stored: `block` numbers in `bytes` bytes. */
export type GgufType = { name: string; block: number; bytes: number };

/** ggml.h, enum ggml_type */
const TYPES: Readonly<Record<number, GgufType>> = {
  0: { name: 'F32', block: 1, bytes: 4 },
  1: { name: 'F16', block: 1, bytes: 2 },
  2: { name: 'Q4_0', block: 32, bytes: 18 },
  3: { name: 'Q4_1', block: 32, bytes: 20 },
  6: { name: 'Q5_0', block: 32, bytes: 22 },
  7: { name: 'Q5_1', block: 32, bytes: 24 },
  8: { name: 'Q8_0', block: 32, bytes: 34 },
  10: { name: 'Q2_K', block: 256, bytes: 84 },
  11: { name: 'Q3_K', block: 256, bytes: 110 },
  12: { name: 'Q4_K', block: 256, bytes: 144 },
  13: { name: 'Q5_K', block: 256, bytes: 176 },
  14: { name: 'Q6_K', block: 256, bytes: 210 },
  16: { name: 'IQ2_XXS', block: 256, bytes: 66 },
  17: { name: 'IQ2_XS', block: 256, bytes: 74 },
  18: { name: 'IQ3_XXS', block: 256, bytes: 98 },
  19: { name: 'IQ1_S', block: 256, bytes: 50 },
  20: { name: 'IQ4_NL', block: 32, bytes: 18 },
  21: { name: 'IQ3_S', block: 256, bytes: 110 },
  22: { name: 'IQ2_S', block: 256, bytes: 82 },
  23: { name: 'IQ4_XS', block: 256, bytes: 136 },
  24: { name: 'I8', block: 1, bytes: 1 },
  26: { name: 'I32', block: 1, bytes: 4 },
  29: { name: 'IQ1_M', block: 256, bytes: 56 },
  30: { name: 'BF16', block: 1, bytes: 2 },
};

export type GgufTensor = {
  name: string;
  type: GgufType;
  /** as torch has it: rows first */
  shape: readonly number[];
  /** bytes from the file's start */
  offset: number;
  length: number;
};

export type GgufFile = {
  tensors: readonly GgufTensor[];
  /** of the keys only what is short: text and numbers */
  keys: ReadonlyMap<string, string | number>;
  /** those that were asked for */
  lists: ReadonlyMap<string, readonly (string | number)[]>;
  path: string;
  bytes: number;
  stamp: string;
};

/** A vocabulary of a quarter of a million words is some megabytes. */
const MOST_HEADER = 64 * 1024 * 1024;
const MOST_TENSORS = 20_000;
const MOST_KEYS = 10_000;

/** @throws RunError for a file that is no GGUF, breaks off, or holds a type that nobody knows */
export async function openGguf(
  given: string,
  wanted: ReadonlySet<string> = new Set(),
): Promise<GgufFile> {
  const path = await realpath(given);
  const name = basename(given);
  const handle = await open(path, 'r');
  try {
    const { size, mtimeMs } = await handle.stat();
    const header = await readHeader(handle, size);
    const parsed = parse(header, { name, size }, wanted);
    return { ...parsed, path, bytes: size, stamp: `${size}@${mtimeMs}` };
  } finally {
    await handle.close();
  }
}

async function readHeader(handle: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(size, MOST_HEADER));
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

function parse(
  bytes: Buffer,
  { name, size }: { name: string; size: number },
  wanted: ReadonlySet<string>,
): Pick<GgufFile, 'tensors' | 'keys' | 'lists'> {
  const damaged = (): RunError => new RunError(say('gguf-damaged', name));
  if (bytes.length < 24 || bytes.toString('latin1', 0, 4) !== 'GGUF') throw damaged();
  const reader = new GgufReader(bytes, 4);
  try {
    const version = reader.u32();
    if (version < 2 || version > 3) throw damaged();
    const tensorCount = reader.count(MOST_TENSORS);
    const keyCount = reader.count(MOST_KEYS);
    const keys = new Map<string, string | number>();
    const lists = new Map<string, readonly (string | number)[]>();
    for (let i = 0; i < keyCount; i++) {
      const key = reader.text();
      const type = reader.u32();
      if (type === LIST && wanted.has(key)) lists.set(key, reader.list());
      else {
        const value = reader.value(type);
        if (value !== null) keys.set(key, value);
      }
    }
    const found = Array.from({ length: tensorCount }, () => tensorAt(reader, name));
    const align = Number(keys.get('general.alignment') ?? 32);
    if (!(align >= 1)) throw damaged();
    const begin = Math.ceil(reader.at / align) * align;
    const tensors = found.map((tensor) => ({ ...tensor, offset: begin + tensor.offset }));
    for (const { offset, length } of tensors) if (offset + length > size) throw damaged();
    return { tensors, keys, lists };
  } catch (error) {
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
}

function tensorAt(reader: GgufReader, file: string): GgufTensor {
  const name = reader.text();
  const dimensions = reader.u32();
  if (dimensions > 8) throw new RangeError('too many dimensions');
  const sides = Array.from({ length: dimensions }, () => reader.u64());
  const number = reader.u32();
  const offset = reader.u64();
  const type = TYPES[number];
  if (type === undefined) throw new RunError(say('gguf-type', file, number));
  const count = sides.reduce((product, side) => product * side, 1);
  if ((sides[0] ?? 1) % type.block !== 0) throw new RangeError('rows do not divide');
  const length = (count / type.block) * type.bytes;
  return { name, type, shape: sides.toReversed(), offset, length };
}
