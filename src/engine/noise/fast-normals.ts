/**
 * The Box-Muller of box-muller.ts on four pairs at a time: a WebAssembly function written out here instruction by
 * instruction, because only its relaxed SIMD reaches the processor's fused multiply-add. Brownian noise asks for
 * dozens of normals per latent and step; in plain JavaScript they would cost more than a small network.
 *
 * relaxed_madd may round twice on a processor without the fused instruction, so the caller compares before use.
 */

type Code = readonly number[];

const single = new Float32Array(1);
const singleBytes = new Uint8Array(single.buffer);
const word = new Int32Array(1);
const wordBytes = new Uint8Array(word.buffer);

/** unsigned LEB128 */
function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

const simd = (opcode: number, ...operands: Code[]): Code => [
  ...operands.flat(),
  0xfd,
  ...leb(opcode),
];
const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [...value, 0x21, local];

/** v128.const with one float32 in all four lanes */
function f32(value: number): Code {
  single[0] = value;
  return [0xfd, 0x0c, ...singleBytes, ...singleBytes, ...singleBytes, ...singleBytes];
}

/** v128.const with one int32 in all four lanes */
function i32(value: number): Code {
  word[0] = value;
  return [0xfd, 0x0c, ...wordBytes, ...wordBytes, ...wordBytes, ...wordBytes];
}

const load = (offset: number): Code => [...get(0), 0xfd, 0x00, 2, ...leb(offset)];
const store = (offset: number, value: Code): Code => [
  ...get(0),
  ...value,
  0xfd,
  0x0b,
  2,
  ...leb(offset),
];
const shift = (opcode: number, value: Code, by: number): Code => [
  ...value,
  0x41,
  by,
  0xfd,
  ...leb(opcode),
];

const add = (a: Code, b: Code): Code => simd(0xe4, a, b);
const sub = (a: Code, b: Code): Code => simd(0xe5, a, b);
const mul = (a: Code, b: Code): Code => simd(0xe6, a, b);
const neg = (a: Code): Code => simd(0xe1, a);
const sqrt = (a: Code): Code => simd(0xe3, a);
const less = (a: Code, b: Code): Code => simd(0x43, a, b);
const and = (a: Code, b: Code): Code => simd(0x4e, a, b);
const or = (a: Code, b: Code): Code => simd(0x50, a, b);
const xor = (a: Code, b: Code): Code => simd(0x51, a, b);
/** a and not b */
const without = (a: Code, b: Code): Code => simd(0x4f, a, b);
/** the bits of a where the mask is set, of b elsewhere */
const select = (a: Code, b: Code, mask: Code): Code => simd(0x52, a, b, mask);
const addInt = (a: Code, b: Code): Code => simd(0xae, a, b);
const subInt = (a: Code, b: Code): Code => simd(0xb1, a, b);
const equalInt = (a: Code, b: Code): Code => simd(0x37, a, b);
const toFloat = (a: Code): Code => simd(0xfa, a);
const truncate = (a: Code): Code => simd(0xf8, a);
/** a b + c */
const madd = (a: Code, b: Code, c: Code): Code => simd(0x105, a, b, c);

// Locals: 0 address, 1 blocks left; the rest hold four lanes each.
const [M, E, Z, Y, X, J, S, C, MASK] = [2, 3, 4, 5, 6, 7, 8, 9, 10] as const;

/** leaves sqrt(-2 ln(1 - u1)) in Y, for the four uniforms at `offset` */
function radius(offset: number, { sqrtHalf, log, q1, q2 }: Constants): Code {
  return [
    ...set(X, sub(f32(1), load(offset))),
    ...set(E, toFloat(subInt(shift(0xad, get(X), 23), i32(126)))),
    ...set(M, or(and(get(X), i32(0x7fffff)), i32(0x3f000000))),
    ...set(MASK, less(get(M), f32(sqrtHalf))),
    ...set(E, sub(get(E), and(get(MASK), f32(1)))),
    ...set(M, add(sub(get(M), f32(1)), and(get(MASK), get(M)))),
    ...set(Z, mul(get(M), get(M))),
    ...set(Y, f32(log[0]!)),
    ...log.slice(1).flatMap((p) => set(Y, madd(get(Y), get(M), f32(p)))),
    ...set(Y, mul(get(Y), get(M))),
    ...set(Y, madd(get(Y), get(Z), mul(get(E), f32(q1)))),
    ...set(Y, madd(get(Z), f32(-0.5), get(Y))),
    ...set(Y, madd(get(E), f32(q2), add(get(M), get(Y)))),
    ...set(Y, sqrt(mul(f32(-2), get(Y)))),
  ];
}

/** leaves cos θ in C and sin θ in S, θ = 2π u2, for the four uniforms at `offset` */
function angle(offset: number, { twoPi, fourOverPi, reduce, cos, sin }: Constants): Code {
  return [
    ...set(X, mul(f32(twoPi), load(offset))),
    ...set(J, and(addInt(truncate(mul(get(X), f32(fourOverPi))), i32(1)), i32(~1))),
    ...set(E, toFloat(get(J))),
    ...reduce.flatMap((dp) => set(X, madd(get(E), f32(dp), get(X)))),
    ...set(Z, mul(get(X), get(X))),
    ...set(M, madd(madd(f32(cos[0]!), get(Z), f32(cos[1]!)), get(Z), f32(cos[2]!))),
    ...set(M, mul(get(M), get(Z))),
    ...set(M, add(madd(get(M), get(Z), neg(mul(get(Z), f32(0.5)))), f32(1))),
    ...set(E, madd(madd(f32(sin[0]!), get(Z), f32(sin[1]!)), get(Z), f32(sin[2]!))),
    ...set(E, mul(get(E), get(Z))),
    ...set(E, madd(get(E), get(X), get(X))),
    // In every other pair of octants sine and cosine change places.
    ...set(MASK, equalInt(and(get(J), i32(2)), i32(0))),
    ...set(S, xor(select(get(E), get(M), get(MASK)), shift(0xab, and(get(J), i32(4)), 29))),
    ...set(
      C,
      xor(
        select(get(M), get(E), get(MASK)),
        shift(0xab, without(i32(4), subInt(get(J), i32(2))), 29),
      ),
    ),
  ];
}

/** The polynomials of mt19937.ts, float32. */
export type Constants = {
  sqrtHalf: number;
  log: readonly number[];
  q1: number;
  q2: number;
  twoPi: number;
  fourOverPi: number;
  reduce: readonly number[];
  cos: readonly number[];
  sin: readonly number[];
};

/** blocks of sixteen: u1 in the first eight, u2 in the last eight */
function loopBody(constants: Constants): Code {
  const four = (at: number): Code => [
    ...radius(at, constants),
    ...angle(at + 32, constants),
    ...store(at, mul(get(Y), get(C))),
    ...store(at + 32, mul(get(Y), get(S))),
  ];
  // block loop: leave at 0 blocks; … address += 64; blocks -= 1; again
  return [
    0x02,
    0x40,
    0x03,
    0x40,
    ...get(1),
    0x45,
    0x0d,
    1,
    ...four(0),
    ...four(16),
    ...get(0),
    0x41,
    0xc0,
    0x00,
    0x6a,
    0x21,
    0,
    ...get(1),
    0x41,
    1,
    0x6b,
    0x21,
    1,
    0x0c,
    0,
    0x0b,
    0x0b,
  ];
}

const PAGE = 65536;

/** the function's module: a page of memory, and the loop over (address, blocks) */
type WasmExports = { m: { buffer: ArrayBuffer }; f: (address: number, blocks: number) => void };

/** the part of the WebAssembly interface used here; the compiler's library has it for browsers only */
type WasmScope = {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { exports: WasmExports };
  };
};

/** Fills normals over blocks of sixteen uniforms, or null where the machine has no relaxed SIMD. */
export function compileNormals(
  constants: Constants,
): ((data: Float32Array, at: number, blocks: number) => void) | null {
  const section = (id: number, body: Code): number[] => [id, ...leb(body.length), ...body];
  const body: Code = [1, 9, 0x7b, ...loopBody(constants), 0x0b];
  const bytes = new Uint8Array([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 2, 0x7f, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
  const wasm = globalThis as unknown as WasmScope;
  let exports: WasmExports;
  try {
    ({ exports } = new wasm.WebAssembly.Instance(new wasm.WebAssembly.Module(bytes)));
  } catch {
    return null;
  }
  const page = new Float32Array(exports.m.buffer);
  const run = exports.f;
  const most = PAGE / 64;
  return (data, at, blocks) => {
    for (let done = 0; done < blocks; done += most) {
      const count = Math.min(most, blocks - done);
      const from = at + 16 * done;
      const part = data.subarray(from, from + 16 * count);
      page.set(part);
      run(0, count);
      part.set(page.subarray(0, part.length));
    }
  };
}
