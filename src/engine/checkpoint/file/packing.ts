/**
 * Matrices of four or eight bits a number, as MatMulNBits takes them: number = factor · (b - half) - floor, where b is no
 * number below nothing and half is 8 or 128. Floors are absent where all are nothing.
 */
import { eachBlock, packingOf } from './gguf-blocks.ts';

export type Packing = { bits: 4 | 8; block: 16 | 32; hasFloors: boolean };

export type Packed = { blocks: Uint8Array; scales: Float32Array; floors: Float32Array | null };

/** GGUF's blocks keep their own numbers: only the factors and floors are calculated, in float32. */
export function packBlocks(
  type: { name: string; block: number; bytes: number },
  bytes: Uint8Array,
): Packed {
  const { width, bits, lowest, hasFloors } = packingOf(type.name);
  const count = (bytes.length / type.bytes) * type.block;
  const groups = type.block / width;
  const packed = emptyPacked({ bits, block: width, hasFloors }, count);
  // q - lowest is what is kept, so that half of the range lies under lowest + half
  const middle = lowest + 2 ** (bits - 1);
  eachBlock(type, bytes, ({ q, scales, floors }, number) => {
    put(packed.blocks, bits, number * type.block, q, lowest);
    packed.scales.set(scales, number * groups);
    if (packed.floors === null) return;
    for (let g = 0; g < groups; g++) {
      packed.floors[number * groups + g] = floors[g]! - scales[g]! * middle;
    }
  });
  return packed;
}

/** Makes room for `count` packed numbers; `count` is a multiple of the packing's block. */
export function emptyPacked({ bits, block, hasFloors }: Packing, count: number): Packed {
  return {
    blocks: new Uint8Array((count * bits) / 8),
    scales: new Float32Array(count / block),
    floors: hasFloors ? new Float32Array(count / block) : null,
  };
}

function put(blocks: Uint8Array, bits: 4 | 8, at: number, q: Int16Array, lowest: number): void {
  for (let i = 0; i < q.length; i++) {
    const kept = q[i]! - lowest;
    if (bits === 8) blocks[at + i] = kept;
    else blocks[(at + i) >> 1]! |= kept << (4 * (i & 1));
  }
}

/** What plain numbers are packed in; error at most half a step: 1/254 or 1/16 of the largest of 32 numbers. */
export const PLAIN_PACKINGS: Readonly<Record<4 | 8, Packing>> = {
  4: { bits: 4, block: 32, hasFloors: false },
  8: { bits: 8, block: 32, hasFloors: false },
};

/** The nearest of the steps, as llama.cpp's Q8_0 and Q4_0 round them, with a factor in float32. */
export function packNumbers(numbers: Float32Array, bits: 4 | 8): Packed {
  const packed = emptyPacked(PLAIN_PACKINGS[bits], numbers.length);
  const q = new Int16Array(32);
  for (let from = 0; from < numbers.length; from += 32) {
    let furthest = 0;
    for (let i = 0; i < 32; i++) {
      const value = numbers[from + i]!;
      if (Math.abs(value) > Math.abs(furthest)) furthest = value;
    }
    // four bits reach further below nothing than above: the furthest number is made the lowest
    const step = Math.fround(bits === 8 ? Math.abs(furthest) / 127 : furthest / -8);
    const inverse = step === 0 ? 0 : 1 / step;
    const most = 2 ** (bits - 1) - 1;
    for (let i = 0; i < 32; i++) q[i] = Math.min(most, Math.round(numbers[from + i]! * inverse));
    put(packed.blocks, bits, from, q, -(2 ** (bits - 1)));
    packed.scales[from / 32] = step;
  }
  return packed;
}
