/**
 * Quantised blocks of GGUF as numbers (github.com/ggml-org/ggml, src/ggml-quants.c, dequantize_row_*): rows of blocks in,
 * float32 out.
 */

type Blocks = { bytes: Uint8Array; view: DataView };

type Decode = (at: Blocks, from: number, out: Float32Array, to: number) => void;

/** float16 at a byte */
function half({ view }: Blocks, at: number): number {
  return view.getFloat16(at, true);
}

const f = Math.fround;

/** d q, eight bits a number */
const q8_0: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  for (let i = 0; i < 32; i++) out[to + i] = d * blocks.view.getInt8(from + 2 + i);
};

/** d (q - 8); number i and number i + 16 share a byte */
const q4_0: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  for (let i = 0; i < 16; i++) {
    const byte = blocks.bytes[from + 2 + i]!;
    out[to + i] = d * ((byte & 15) - 8);
    out[to + i + 16] = d * ((byte >> 4) - 8);
  }
};

/** d q + m */
const q4_1: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  const m = half(blocks, from + 2);
  for (let i = 0; i < 16; i++) {
    const byte = blocks.bytes[from + 4 + i]!;
    out[to + i] = f(d * (byte & 15)) + m;
    out[to + i + 16] = f(d * (byte >> 4)) + m;
  }
};

/** The fifth bits of 32 numbers are a word of their own. */
function fives(blocks: Blocks, from: number, low: number, i: number): [number, number] {
  const high = blocks.view.getUint32(from, true);
  const byte = blocks.bytes[low + i]!;
  return [(byte & 15) | (((high >>> i) & 1) << 4), (byte >> 4) | (((high >>> (i + 16)) & 1) << 4)];
}

const q5_0: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  for (let i = 0; i < 16; i++) {
    const [a, b] = fives(blocks, from + 2, from + 6, i);
    out[to + i] = d * (a - 16);
    out[to + i + 16] = d * (b - 16);
  }
};

const q5_1: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  const m = half(blocks, from + 2);
  for (let i = 0; i < 16; i++) {
    const [a, b] = fives(blocks, from + 4, from + 8, i);
    out[to + i] = f(d * a) + m;
    out[to + i + 16] = f(d * b) + m;
  }
};

/** Six-bit scale and minimum of the eighth `j` of a block, out of twelve bytes. */
function scaleAndMin({ bytes }: Blocks, at: number, j: number): [number, number] {
  if (j < 4) return [bytes[at + j]! & 63, bytes[at + j + 4]! & 63];
  return [
    (bytes[at + j + 4]! & 15) | ((bytes[at + j - 4]! >> 6) << 4),
    (bytes[at + j + 4]! >> 4) | ((bytes[at + j]! >> 6) << 4),
  ];
}

/** d s q - dmin m; 64 numbers share 32 bytes, the low halves first */
const q4K: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  const least = half(blocks, from + 2);
  for (let pair = 0; pair < 4; pair++) {
    for (const side of [0, 1]) {
      const [scale, min] = scaleAndMin(blocks, from + 4, 2 * pair + side);
      const [step, floor] = [f(d * scale), f(least * min)];
      for (let i = 0; i < 32; i++) {
        const byte = blocks.bytes[from + 16 + 32 * pair + i]!;
        out[to + 64 * pair + 32 * side + i] = f(step * (side ? byte >> 4 : byte & 15)) - floor;
      }
    }
  }
};

/** The same with a fifth bit: bit 2 pair + side of 32 bytes of their own. */
const q5K: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  const least = half(blocks, from + 2);
  for (let pair = 0; pair < 4; pair++) {
    for (const side of [0, 1]) {
      const [scale, min] = scaleAndMin(blocks, from + 4, 2 * pair + side);
      const [step, floor] = [f(d * scale), f(least * min)];
      for (let i = 0; i < 32; i++) {
        const byte = blocks.bytes[from + 48 + 32 * pair + i]!;
        const fifth = (blocks.bytes[from + 16 + i]! >> (2 * pair + side)) & 1;
        const q = (side ? byte >> 4 : byte & 15) + 16 * fifth;
        out[to + 64 * pair + 32 * side + i] = f(step * q) - floor;
      }
    }
  }
};

/** d s (q - 32): four low bits, two high bits apart, a signed scale for every sixteen */
const q6K: Decode = (blocks, from, out, to) => {
  const { bytes, view } = blocks;
  const d = half(blocks, from + 208);
  for (let part = 0; part < 2; part++) {
    const [low, high, scales] = [from + 64 * part, from + 128 + 32 * part, from + 192 + 8 * part];
    for (let i = 0; i < 32; i++) {
      const group = i >> 4;
      const bits = bytes[high + i]!;
      const quarters = [
        (bytes[low + i]! & 15) | ((bits & 3) << 4),
        (bytes[low + i + 32]! & 15) | (((bits >> 2) & 3) << 4),
        (bytes[low + i]! >> 4) | (((bits >> 4) & 3) << 4),
        (bytes[low + i + 32]! >> 4) | (((bits >> 6) & 3) << 4),
      ];
      for (const [k, q] of quarters.entries()) {
        const scale = view.getInt8(scales + group + 2 * k);
        out[to + 128 * part + 32 * k + i] = f(d * scale) * (q - 32);
      }
    }
  }
};

/** d s q - dmin m of two bits; a byte for every sixteen has scale and minimum */
const q2K: Decode = (blocks, from, out, to) => {
  const { bytes } = blocks;
  const d = half(blocks, from + 80);
  const least = half(blocks, from + 82);
  for (let i = 0; i < 256; i++) {
    const both = bytes[from + (i >> 4)]!;
    const shift = 2 * ((i >> 5) & 3);
    const q = (bytes[from + 16 + 32 * (i >> 7) + (i & 31)]! >> shift) & 3;
    out[to + i] = f(f(d * (both & 15)) * q) - f(least * (both >> 4));
  }
};

/** d (s - 32) (q - 4 without its third bit): low bits, third bits and six-bit scales lie apart */
const q3K: Decode = (blocks, from, out, to) => {
  const { bytes } = blocks;
  const d = half(blocks, from + 108);
  for (let i = 0; i < 256; i++) {
    const group = i >> 4;
    const low = bytes[from + 96 + (group & 7)]!;
    const high = bytes[from + 104 + (group & 3)]! >> (2 * (group >> 2));
    const scale = ((group < 8 ? low & 15 : low >> 4) | ((high & 3) << 4)) - 32;
    const two = (bytes[from + 32 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
    const third = (bytes[from + (i & 31)]! >> (i >> 5)) & 1;
    out[to + i] = f(d * scale) * (two - (third === 1 ? 0 : 4));
  }
};

/** Sixteen numbers that are closer together around nothing (ggml, kvalues_iq4nl). */
const UNEVEN = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

const iq4Nl: Decode = (blocks, from, out, to) => {
  const d = half(blocks, from);
  for (let i = 0; i < 16; i++) {
    const byte = blocks.bytes[from + 2 + i]!;
    out[to + i] = d * UNEVEN[byte & 15]!;
    out[to + i + 16] = d * UNEVEN[byte >> 4]!;
  }
};

/** The same in eighths of a block, each with a six-bit scale in two places. */
const iq4Xs: Decode = (blocks, from, out, to) => {
  const { bytes, view } = blocks;
  const d = half(blocks, from);
  const high = view.getUint16(from + 2, true);
  for (let part = 0; part < 8; part++) {
    const low = bytes[from + 4 + (part >> 1)]! >> (4 * (part & 1));
    const step = f(d * (((low & 15) | (((high >> (2 * part)) & 3) << 4)) - 32));
    for (let i = 0; i < 16; i++) {
      const byte = bytes[from + 8 + 16 * part + i]!;
      out[to + 32 * part + i] = step * UNEVEN[byte & 15]!;
      out[to + 32 * part + i + 16] = step * UNEVEN[byte >> 4]!;
    }
  }
};

const DECODERS: Readonly<Record<string, Decode>> = {
  Q8_0: q8_0,
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q2_K: q2K,
  Q3_K: q3K,
  Q4_K: q4K,
  Q5_K: q5K,
  Q6_K: q6K,
  IQ4_NL: iq4Nl,
  IQ4_XS: iq4Xs,
};

export function canDecode(type: string): boolean {
  return type in DECODERS;
}

/** Whole blocks of a type as numbers. */
export function decodeBlocks(
  { name, block, bytes: size }: { name: string; block: number; bytes: number },
  bytes: Uint8Array,
): Float32Array {
  const decode = DECODERS[name] as Decode;
  const blocks = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
  const count = bytes.length / size;
  const out = new Float32Array(count * block);
  for (let i = 0; i < count; i++) decode(blocks, i * size, out, i * block);
  return out;
}
