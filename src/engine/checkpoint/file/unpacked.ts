/**
 * What a GGUF keeps in blocks, in a file that ONNX Runtime can be pointed at: matrices of eight or four bits as
 * MatMulNBits has them, everything else as float32. The file is written once for each GGUF and used as long as that
 * stays as it is.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TensorSlice } from '../tensors.ts';
import type { GgufFile, GgufTensor } from './gguf.ts';
import { decodeBlocks } from './gguf-blocks.ts';

/** Raised when what is written here changes. */
const VERSION = 1;

/** Older files go when all of them are more than this. */
const MOST_BYTES = 64 * 2 ** 30;

let folder = join(tmpdir(), `darkroom-weights-${process.getuid?.() ?? 0}`);

/** Where the files are kept from now on. */
export function keepUnpackedIn(path: string): void {
  folder = path;
}

/** The tensors by name: those in blocks point into the file, which is written when it is not there yet. */
export async function unpacked(
  file: GgufFile,
  quantised: readonly GgufTensor[],
): Promise<Map<string, TensorSlice>> {
  const key = createHash('sha256').update(`${VERSION} ${file.path} ${file.stamp}`).digest('hex');
  const at = join(folder, `${key.slice(0, 32)}.weights`);
  const known = await readIndex(at);
  if (known !== null) return known;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written = await write(file, quantised, at);
  await prune(at);
  return written;
}

type Index = Record<string, Omit<TensorSlice, 'file'>>;

async function readIndex(at: string): Promise<Map<string, TensorSlice> | null> {
  try {
    const { size, tensors } = JSON.parse(await readFile(`${at}.json`, 'utf8')) as {
      size: number;
      tensors: Index;
    };
    if ((await stat(at)).size !== size) return null;
    return new Map(Object.entries(tensors).map(([name, slice]) => [name, { ...slice, file: at }]));
  } catch {
    return null;
  }
}

/** Whole under another name first: a program that dies leaves nothing that looks finished. */
async function write(
  file: GgufFile,
  quantised: readonly GgufTensor[],
  at: string,
): Promise<Map<string, TensorSlice>> {
  const draft = `${at}.${process.pid}.part`;
  const source = await open(file.path, 'r');
  const target = await open(draft, 'w', 0o600);
  const tensors: Index = {};
  let size = 0;
  try {
    for (const tensor of quantised) {
      const bytes = Buffer.alloc(tensor.length);
      await source.read(bytes, 0, tensor.length, tensor.offset);
      for (const [name, piece] of piecesOf(tensor, bytes)) {
        const { data, ...rest } = piece;
        await target.write(data, 0, data.byteLength, size);
        tensors[name] = { ...rest, offset: size, length: data.byteLength };
        // ONNX Runtime maps what lies at such places
        size += Math.ceil(data.byteLength / 64) * 64;
      }
    }
    await target.truncate(size);
    await target.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await source.close();
    await target.close();
  }
  await rename(draft, at);
  await writeFile(`${at}.json`, JSON.stringify({ size, tensors }), { mode: 0o600 });
  return new Map(Object.entries(tensors).map(([name, slice]) => [name, { ...slice, file: at }]));
}

type Piece = Omit<TensorSlice, 'file' | 'offset' | 'length'> & { data: Uint8Array };

function piecesOf(tensor: GgufTensor, bytes: Uint8Array): [string, Piece][] {
  const { name, type, shape } = tensor;
  const isMatrix =
    shape.length === 2 && name.endsWith('.weight') && !/embd|embed|shared/.test(name);
  if (isMatrix && (type.name === 'Q8_0' || type.name === 'Q4_0')) {
    const bits = type.name === 'Q8_0' ? 8 : 4;
    const { blocks, scales } = bits === 8 ? eightBits(bytes) : fourBits(bytes);
    const [rows = 0, columns = 0] = shape;
    return [
      [name, { type: 'U8', shape, packed: { bits, block: 32 }, data: blocks }],
      [`${name}.scales`, { type: 'F32', shape: [rows, columns / 32], data: asBytes(scales) }],
    ];
  }
  return [[name, { type: 'F32', shape, data: asBytes(decodeBlocks(type, bytes)) }]];
}

function asBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Signed numbers become those from 0 on, with 128 for nothing. */
function eightBits(bytes: Uint8Array): { blocks: Uint8Array; scales: Float32Array } {
  const count = bytes.length / 34;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = new Uint8Array(count * 32);
  const scales = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    scales[i] = view.getFloat16(34 * i, true);
    for (let j = 0; j < 32; j++) blocks[32 * i + j] = bytes[34 * i + 2 + j]! ^ 128;
  }
  return { blocks, scales };
}

/** Number j and j + 16 share a byte there, neighbours do here. */
function fourBits(bytes: Uint8Array): { blocks: Uint8Array; scales: Float32Array } {
  const count = bytes.length / 18;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = new Uint8Array(count * 16);
  const scales = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    scales[i] = view.getFloat16(18 * i, true);
    const number = (j: number): number => {
      const byte = bytes[18 * i + 2 + (j % 16)]!;
      return j < 16 ? byte & 15 : byte >> 4;
    };
    for (let j = 0; j < 16; j++) blocks[16 * i + j] = number(2 * j) | (number(2 * j + 1) << 4);
  }
  return { blocks, scales };
}

/** The oldest go, but never the one that was just made. */
async function prune(own: string): Promise<void> {
  const files: { path: string; size: number; at: number }[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info !== null && name.endsWith('.weights')) {
      files.push({ path, size: info.size, at: info.mtimeMs });
    }
  }
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.toSorted((a, b) => a.at - b.at)) {
    if (total <= MOST_BYTES) return;
    if (path === own) continue;
    await rm(path, { force: true });
    await rm(`${path}.json`, { force: true });
    total -= size;
  }
}
