/** How each kind of GGUF's blocks lies in bytes (github.com/ggml-org/ggml, src/ggml-quants.c, dequantize_row_*). */

/** Bytes of a tensor, twice: as they are, and as numbers of more bytes. */
type Blocks = { bytes: Uint8Array; view: DataView };

/** One block, taken apart: number = scale · q - floor, with a scale and a floor for every `width` numbers. */
export type Parts = { q: Int16Array; scales: Float32Array; floors: Float32Array };

export type Kind = {
  /** numbers of a block */
  block: number;
  /** numbers that share a factor */
  width: 16 | 32;
  /** of q, and of what it is kept in */
  bits: 4 | 8;
  /** what q is counted from there: q - lowest is no number below nothing */
  lowest: number;
  hasFloors: boolean;
  read(at: Blocks, from: number, into: Parts): void;
};

/** float16 at a byte */
function half({ view }: Blocks, at: number): number {
  return view.getFloat16(at, true);
}

/** Numbers i and i + 16 of a block share a byte from `at` on. */
function nibbles({ bytes }: Blocks, at: number, q: Int16Array, to = 0): void {
  for (let i = 0; i < 16; i++) {
    q[to + i] = bytes[at + i]! & 15;
    q[to + i + 16] = bytes[at + i]! >> 4;
  }
}

/** The fifth bits of 32 numbers are a word of their own. */
function fifths({ view }: Blocks, at: number, q: Int16Array): void {
  const bits = view.getUint32(at, true);
  for (let i = 0; i < 32; i++) q[i]! |= ((bits >>> i) & 1) << 4;
}

function lowered(q: Int16Array, by: number): void {
  for (let i = 0; i < q.length; i++) q[i]! -= by;
}

/** Six-bit scale and minimum of the eighth `j` of a block, out of twelve bytes. */
function scaleAndMin({ bytes }: Blocks, at: number, j: number): [number, number] {
  if (j < 4) return [bytes[at + j]! & 63, bytes[at + j + 4]! & 63];
  return [
    (bytes[at + j + 4]! & 15) | ((bytes[at + j - 4]! >> 6) << 4),
    (bytes[at + j + 4]! >> 4) | ((bytes[at + j]! >> 6) << 4),
  ];
}

/** Factors and floors of Q4_K and Q5_K; 64 numbers share 32 bytes, the low halves first. */
function eighths(at: Blocks, from: number, low: number, { q, scales, floors }: Parts): void {
  const [d, least] = [half(at, from), half(at, from + 2)];
  for (let j = 0; j < 8; j++) {
    const [scale, min] = scaleAndMin(at, from + 4, j);
    scales[j] = d * scale;
    floors[j] = least * min;
    for (let i = 0; i < 32; i++) {
      const byte = at.bytes[low + 32 * (j >> 1) + i]!;
      q[32 * j + i] = j & 1 ? byte >> 4 : byte & 15;
    }
  }
}

/** Sixteen numbers that are closer together around nothing (ggml, kvalues_iq4nl). */
const UNEVEN = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

function uneven(q: Int16Array, from: number, to: number): void {
  for (let i = from; i < to; i++) q[i] = UNEVEN[q[i]!]!;
}

const SMALL = { block: 32, width: 32 } as const;
const LARGE = { block: 256, width: 32 } as const;

/** By GGUF's name of the type. */
export const KINDS: Readonly<Record<string, Kind>> = {
  Q8_0: {
    ...SMALL,
    bits: 8,
    lowest: -128,
    hasFloors: false,
    read(at, from, { q, scales }) {
      scales[0] = half(at, from);
      for (let i = 0; i < 32; i++) q[i] = at.view.getInt8(from + 2 + i);
    },
  },
  Q4_0: {
    ...SMALL,
    bits: 4,
    lowest: -8,
    hasFloors: false,
    read(at, from, { q, scales }) {
      scales[0] = half(at, from);
      nibbles(at, from + 2, q);
      lowered(q, 8);
    },
  },
  Q4_1: {
    ...SMALL,
    bits: 4,
    lowest: 0,
    hasFloors: true,
    read(at, from, { q, scales, floors }) {
      scales[0] = half(at, from);
      floors[0] = -half(at, from + 2);
      nibbles(at, from + 4, q);
    },
  },
  Q5_0: {
    ...SMALL,
    bits: 8,
    lowest: -128,
    hasFloors: false,
    read(at, from, { q, scales }) {
      scales[0] = half(at, from);
      nibbles(at, from + 6, q);
      fifths(at, from + 2, q);
      lowered(q, 16);
    },
  },
  Q5_1: {
    ...SMALL,
    bits: 8,
    lowest: 0,
    hasFloors: true,
    read(at, from, { q, scales, floors }) {
      scales[0] = half(at, from);
      floors[0] = -half(at, from + 2);
      nibbles(at, from + 8, q);
      fifths(at, from + 4, q);
    },
  },
  Q2_K: {
    block: 256,
    width: 16,
    bits: 4,
    lowest: 0,
    hasFloors: true,
    read(at, from, { q, scales, floors }) {
      const [d, least] = [half(at, from + 80), half(at, from + 82)];
      for (let j = 0; j < 16; j++) {
        scales[j] = d * (at.bytes[from + j]! & 15);
        floors[j] = least * (at.bytes[from + j]! >> 4);
      }
      for (let i = 0; i < 256; i++) q[i] = twoBits(at, from + 16, i);
    },
  },
  Q3_K: {
    block: 256,
    width: 16,
    bits: 4,
    lowest: -8,
    hasFloors: false,
    read(at, from, { q, scales }) {
      const d = half(at, from + 108);
      for (let j = 0; j < 16; j++) {
        const low = at.bytes[from + 96 + (j & 7)]!;
        const high = at.bytes[from + 104 + (j & 3)]! >> (2 * (j >> 2));
        scales[j] = d * (((j < 8 ? low & 15 : low >> 4) | ((high & 3) << 4)) - 32);
      }
      for (let i = 0; i < 256; i++) {
        const third = (at.bytes[from + (i & 31)]! >> (i >> 5)) & 1;
        q[i] = twoBits(at, from + 32, i) - (third === 1 ? 0 : 4);
      }
    },
  },
  Q4_K: {
    ...LARGE,
    bits: 4,
    lowest: 0,
    hasFloors: true,
    read: (at, from, into) => eighths(at, from, from + 16, into),
  },
  Q5_K: {
    ...LARGE,
    bits: 8,
    lowest: 0,
    hasFloors: true,
    read(at, from, into) {
      eighths(at, from, from + 48, into);
      for (let i = 0; i < 256; i++) {
        into.q[i]! |= ((at.bytes[from + 16 + (i & 31)]! >> (i >> 5)) & 1) << 4;
      }
    },
  },
  Q6_K: {
    block: 256,
    width: 16,
    bits: 8,
    lowest: -128,
    hasFloors: false,
    read(at, from, { q, scales }) {
      const d = half(at, from + 208);
      for (let j = 0; j < 16; j++) scales[j] = d * at.view.getInt8(from + 192 + j);
      for (let i = 0; i < 256; i++) {
        const [part, quarter, place] = [i >> 7, (i >> 5) & 3, i & 31];
        const byte = at.bytes[from + 64 * part + 32 * (quarter & 1) + place]!;
        const low = quarter < 2 ? byte & 15 : byte >> 4;
        const high = (at.bytes[from + 128 + 32 * part + place]! >> (2 * quarter)) & 3;
        q[i] = (low | (high << 4)) - 32;
      }
    },
  },
  IQ4_NL: {
    ...SMALL,
    bits: 8,
    lowest: -128,
    hasFloors: false,
    read(at, from, { q, scales }) {
      scales[0] = half(at, from);
      nibbles(at, from + 2, q);
      uneven(q, 0, 32);
    },
  },
  IQ4_XS: {
    ...LARGE,
    bits: 8,
    lowest: -128,
    hasFloors: false,
    read(at, from, { q, scales }) {
      const d = half(at, from);
      const high = at.view.getUint16(from + 2, true);
      for (let j = 0; j < 8; j++) {
        const low = at.bytes[from + 4 + (j >> 1)]! >> (4 * (j & 1));
        scales[j] = d * (((low & 15) | (((high >> (2 * j)) & 3) << 4)) - 32);
        nibbles(at, from + 8 + 16 * j, q, 32 * j);
      }
      uneven(q, 0, 256);
    },
  },
};

function twoBits({ bytes }: Blocks, at: number, i: number): number {
  return (bytes[at + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
}
