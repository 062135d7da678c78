/// <reference lib="esnext.float16" />
/** Tensors' numbers as float32, of any floating type that files have. */
import { open } from 'node:fs/promises';
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
  const handle = await open(tensor.file, 'r');
  try {
    const bytes = new Uint8Array(tensor.length);
    const { bytesRead } = await handle.read(bytes, 0, tensor.length, tensor.offset);
    if (bytesRead < tensor.length) throw new Error(`${tensor.file} became shorter`);
    return toFloat32(bytes.buffer, tensor.type);
  } finally {
    await handle.close();
  }
}

export function toFloat32(buffer: ArrayBuffer, type: StoredType): Float32Array {
  switch (type) {
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F32':
      return new Float32Array(buffer);
    case 'F16':
      return Float32Array.from(new Float16Array(buffer));
    case 'BF16':
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer,
      );
    case 'F8_E5M2':
      return Float32Array.from(
        new Float16Array(Uint16Array.from(new Uint8Array(buffer), (bits) => bits << 8).buffer),
      );
    case 'F8_E4M3':
      return Float32Array.from(new Uint8Array(buffer), fromE4m3);
    default:
      throw new Error(`numbers of type ${type} are not read`);
  }
}

/** One sign, four bits of exponent (bias 7), three of mantissa; no infinities, NaN where all bits are set (OCP OFP8). */
function fromE4m3(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const [exponent, mantissa] = [(bits >> 3) & 15, bits & 7];
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  const size = exponent === 0 ? mantissa / 8 / 64 : (1 + mantissa / 8) * 2 ** (exponent - 7);
  return sign * size;
}
