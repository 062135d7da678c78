/// <reference lib="esnext.float16" />
/** Reading .safetensors: a little-endian header length, a JSON header, then the tensors' bytes. */

export type Tensor = { shape: readonly number[]; data: Float32Array };

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/** Trainers write what they saw into the header: some hundred kilobytes of words. Longer ones belong to whole models. */
const MAX_HEADER = 1 << 24;
const WIDTHS: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/**
 * Every floating point tensor that is `wanted`, by name, as float32: of a file that may turn out to be a whole
 * checkpoint nothing else is copied. Source: github.com/huggingface/safetensors, README, "Format".
 * @throws Error saying what is wrong with the file
 */
export function readSafetensors(
  bytes: Uint8Array,
  wanted: (name: string) => boolean = () => true,
): Map<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? 0 : Number(view.getBigUint64(0, true));
  if (length < 2 || length > Math.min(MAX_HEADER, bytes.length - 8)) {
    throw new Error('it has no header of a safetensors file');
  }
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    Entry
  >;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__' || !wanted(name)) continue;
    const { dtype, shape, data_offsets: offsets } = entry;
    const width = WIDTHS[dtype];
    if (width === undefined) continue;
    const [start, end] = offsets.map((offset) => 8 + length + offset) as [number, number];
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (end > bytes.length || end - start !== count * width) {
      throw new Error(`its tensor ${name} is cut off`);
    }
    // A copy starts where typed arrays of any width may start; slicing a Buffer would not copy.
    const own = new Uint8Array(bytes.subarray(start, end)).buffer;
    tensors.set(name, { shape, data: toFloat32(own, dtype) });
  }
  return tensors;
}

function toFloat32(buffer: ArrayBuffer, dtype: string): Float32Array {
  switch (dtype) {
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return Float32Array.from(new Float16Array(buffer));
    case 'BF16':
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer,
      );
    default:
      return new Float32Array(buffer);
  }
}
