/** Small .safetensors files that are read whole: LoRAs and textual inversions. */
import { headerLength, parseHeader } from './file/header.ts';
import { isFloating, toFloat32 } from './file/numbers.ts';

export type Tensor = { shape: readonly number[]; data: Float32Array };

/**
 * Every floating point tensor that is `wanted`, by name, as float32: of a file that may turn out to be a whole
 * checkpoint nothing else is copied. `name`: of the file, for the sentence.
 * @throws RunError saying what is wrong with the file
 */
export function readSafetensors(
  bytes: Uint8Array,
  name: string,
  wanted: (tensor: string) => boolean = () => true,
): Map<string, Tensor> {
  const file = { path: name, name, size: bytes.length };
  const { tensors } = parseHeader(bytes.subarray(8, 8 + headerLength(bytes, file)), file);
  const found = new Map<string, Tensor>();
  for (const [tensor, { shape, type, offset, length }] of tensors) {
    if (!isFloating(type) || !wanted(tensor)) continue;
    // A copy starts where typed arrays of any width may start; slicing a Buffer would not copy.
    const own = new Uint8Array(bytes.subarray(offset, offset + length)).buffer;
    found.set(tensor, { shape, data: toFloat32(own, type) });
  }
  return found;
}
