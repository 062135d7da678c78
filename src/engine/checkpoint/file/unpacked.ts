/**
 * What a GGUF keeps in blocks, in a file that ONNX Runtime can be pointed at: matrices of eight or four bits as
 * MatMulNBits has them, everything else as float32. The file is written once for each GGUF and used as long as that
 * stays as it is.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
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

/** Where the tensors will lie, which the header alone tells: nothing is written until a model is opened. */
export type Unpacked = {
  tensors: ReadonlyMap<string, TensorSlice>;
  /** writes the file when it is not there yet */
  prepare(): Promise<void>;
};

export function unpacked(file: GgufFile, quantised: readonly GgufTensor[]): Unpacked {
  const key = createHash('sha256').update(`${VERSION} ${file.path} ${file.stamp}`).digest('hex');
  const at = join(folder, `${key.slice(0, 32)}.weights`);
  const tensors = new Map<string, TensorSlice>();
  let size = 0;
  for (const tensor of quantised) {
    for (const { name, bytes, ...rest } of piecesOf(tensor)) {
      const { offset, length } = tensor;
      const source = { file: file.path, offset, length };
      tensors.set(name, { ...rest, file: at, offset: size, length: bytes, source });
      size = placeAfter(size, bytes);
    }
  }
  return { tensors, prepare: () => prepareOnce(at, () => write(file, quantised, { at, size })) };
}

/** ONNX Runtime maps what lies at such places. */
function placeAfter(offset: number, bytes: number): number {
  return offset + Math.ceil(bytes / 64) * 64;
}

/** Several models may begin to open the same file at once. */
const preparing = new Map<string, Promise<void>>();

function prepareOnce(at: string, work: () => Promise<void>): Promise<void> {
  let running = preparing.get(at);
  if (running === undefined) {
    running = work().finally(() => preparing.delete(at));
    preparing.set(at, running);
  }
  return running;
}

/** Whole under another name first: a program that dies leaves nothing that looks finished. */
async function write(
  file: GgufFile,
  quantised: readonly GgufTensor[],
  { at, size }: { at: string; size: number },
): Promise<void> {
  if ((await stat(at).catch(() => null))?.size === size) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${at}.${process.pid}.part`;
  const source = await open(file.path, 'r');
  const target = await open(draft, 'w', 0o600);
  try {
    let offset = 0;
    for (const tensor of quantised) {
      const bytes = Buffer.alloc(tensor.length);
      await source.read(bytes, 0, tensor.length, tensor.offset);
      for (const data of numbersOf(tensor, bytes)) {
        await target.write(data, 0, data.byteLength, offset);
        offset = placeAfter(offset, data.byteLength);
      }
    }
    await target.truncate(size);
    await target.sync();
    await rename(draft, at);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await source.close();
    await target.close();
  }
  await prune(at);
}

type Piece = Pick<TensorSlice, 'type' | 'shape' | 'packed'> & { name: string; bytes: number };

/** Eight or four bits a number where the matrix can stay so; 0: it cannot. */
function bitsOf({ name, type, shape }: GgufTensor): 0 | 4 | 8 {
  const isMatrix =
    shape.length === 2 && name.endsWith('.weight') && !/embd|embed|shared/.test(name);
  if (!isMatrix) return 0;
  return type.name === 'Q8_0' ? 8 : type.name === 'Q4_0' ? 4 : 0;
}

function piecesOf(tensor: GgufTensor): Piece[] {
  const { name, shape } = tensor;
  const bits = bitsOf(tensor);
  const count = shape.reduce((product, side) => product * side, 1);
  if (bits === 0) return [{ name, type: 'F32', shape, bytes: 4 * count }];
  const [rows = 0, columns = 0] = shape;
  return [
    { name, type: 'U8', shape, packed: { bits, block: 32 }, bytes: (count * bits) / 8 },
    { name: `${name}.scales`, type: 'F32', shape: [rows, columns / 32], bytes: count / 8 },
  ];
}

/** In the order and of the sizes of the pieces. */
function numbersOf(tensor: GgufTensor, bytes: Uint8Array): Uint8Array[] {
  const bits = bitsOf(tensor);
  if (bits === 0) return [asBytes(decodeBlocks(tensor.type, bytes))];
  const { blocks, scales } = bits === 8 ? eightBits(bytes) : fourBits(bytes);
  return [blocks, asBytes(scales)];
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
    total -= size;
  }
}
