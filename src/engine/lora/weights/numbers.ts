import type { Tensor } from '../../checkpoint/safetensors.ts';
import { isFloating, toFloat32 } from '../../checkpoint/file/numbers.ts';
import type { StoredType, TensorSlice } from '../../checkpoint/tensors.ts';

/** A tensor of any type of number: trainers have written alphas as integers, too. `bytes`: the whole file. */
export function tensorIn(bytes: Uint8Array, { offset, length, type, shape }: TensorSlice): Tensor {
  const own = new Uint8Array(bytes.subarray(offset, offset + length)).buffer;
  return { shape, data: isFloating(type) ? toFloat32(own, type) : fromIntegers(own, type) };
}

function fromIntegers(buffer: ArrayBuffer, type: StoredType): Float32Array {
  switch (type) {
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(buffer));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer));
    default:
      return Float32Array.from(new Uint8Array(buffer));
  }
}
