/// <reference lib="esnext.float16" />
/** Tensors' numbers as float32, of any floating type that files have. */
import { type FileHandle, open } from 'node:fs/promises';
import type { StoredType, TensorSlice } from '../tensors.ts';

const FLOATING: ReadonlySet<StoredType> = new Set([
  'F64',
  'F32',
  'F16',
  'BF16',
  'F8_E4M3',
  'F8_E5M2',
] as const);

/** Types whose numbers a network calculates with. */
export function isFloating(type: StoredType): boolean {
  return FLOATING.has(type);
}

/** Reads one tensor. @throws Error when the file has become shorter than its header said */
export async function readNumbers(tensor: TensorSlice): Promise<Float32Array> {
  const [bytes] = await readBytes([tensor]);
  return toFloat32((bytes as Uint8Array<ArrayBuffer>).buffer, tensor.type);
}

/**
 * The bytes of several tensors, or of as many of each as are asked for; every file is opened once.
 * @throws Error when a file became shorter
 */
export async function readBytes(
  tensors: readonly TensorSlice[],
  most = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const handles = new Map<string, FileHandle>();
  try {
    const read: Uint8Array<ArrayBuffer>[] = [];
    for (const { file, offset, length, bytes: own } of tensors) {
      if (own !== undefined) {
        read.push(own.slice(0, Math.min(length, most)));
        continue;
      }
      const handle = handles.get(file) ?? (await open(file, 'r'));
      handles.set(file, handle);
      const bytes = new Uint8Array(Math.min(length, most));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
      if (bytesRead < bytes.length) throw new Error(`${file} became shorter`);
      read.push(bytes);
    }
    return read;
  } finally {
    for (const handle of handles.values()) await handle.close();
  }
}

/** Numbers of a type of safetensors as float32. @throws Error for a type that is not read */
export function toFloat32(buffer: ArrayBuffer, type: StoredType): Float32Array {
  switch (type) {
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F32':
      return new Float32Array(buffer);
    case 'F16':
      return Float32Array.from(new Float16Array(buffer));
    case 'BF16':
      return fromBf16(new Uint16Array(buffer));
    case 'F8_E5M2':
      return fromBytes(new Uint8Array(buffer), E5M2);
    case 'F8_E4M3':
      return fromBytes(new Uint8Array(buffer), E4M3);
    default:
      throw new Error(`numbers of type ${type} are not read`);
  }
}

/** The upper halves of float32. A loop: `from` with a function takes thirty times as long for the millions of a layer. */
function fromBf16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

function fromBytes(bytes: Uint8Array, numbers: Float32Array): Float32Array {
  const floats = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) floats[i] = numbers[bytes[i]!]!;
  return floats;
}

/** One sign, four bits of exponent (bias 7), three of mantissa; no infinities, NaN where all bits are set (OCP OFP8). */
function fromE4m3(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const [exponent, mantissa] = [(bits >> 3) & 15, bits & 7];
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  const size = exponent === 0 ? mantissa / 8 / 64 : (1 + mantissa / 8) * 2 ** (exponent - 7);
  return sign * size;
}

const BYTES = Array.from({ length: 256 }, (_, bits) => bits);
/** What each byte means. */
const E4M3 = Float32Array.from(BYTES, fromE4m3);
/** The upper half of a float16. */
const E5M2 = new Float32Array(
  new Float16Array(Uint16Array.from(BYTES, (bits) => bits << 8).buffer),
);
