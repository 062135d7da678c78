/**
 * Quantised blocks of GGUF as whole numbers with a factor, and in some kinds a floor, for every sixteen or thirty-two:
 * number = factor · q - floor.
 */
import { type Kind, KINDS, type Parts } from './gguf-kinds.ts';

const f = Math.fround;

/** Is it a GGUF tensor type (`Q4_K` and the like) whose blocks this file decodes? */
export function canDecode(type: string): boolean {
  return type in KINDS;
}

/** How numbers of this kind are kept where they stay packed. */
export function packingOf(type: string): Pick<Kind, 'width' | 'bits' | 'hasFloors' | 'lowest'> {
  return KINDS[type] as Kind;
}

type BlockType = { name: string; block: number; bytes: number };

/** Whole blocks of a type, one after the other; `visit` is handed the same parts again and again. */
export function eachBlock(
  { name, bytes: size }: BlockType,
  bytes: Uint8Array,
  visit: (parts: Parts, number: number) => void,
): void {
  const kind = KINDS[name] as Kind;
  const at = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  const parts = {
    q: new Int16Array(kind.block),
    scales: new Float32Array(kind.block / kind.width),
    floors: new Float32Array(kind.block / kind.width),
  };
  for (let i = 0; i < bytes.length / size; i++) {
    kind.read(at, i * size, parts);
    visit(parts, i);
  }
}

/** Whole blocks of a type as numbers. */
export function decodeBlocks(type: BlockType, bytes: Uint8Array): Float32Array {
  const { width } = packingOf(type.name);
  const out = new Float32Array((bytes.length / type.bytes) * type.block);
  eachBlock(type, bytes, ({ q, scales, floors }, number) => {
    const to = number * type.block;
    for (let i = 0; i < type.block; i++) {
      const group = (i / width) | 0;
      out[to + i] = f(scales[group]! * q[i]!) - floors[group]!;
    }
  });
  return out;
}
