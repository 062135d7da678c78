/**
 * The rounds of Philox 4x32-10 as a WebAssembly function written out here: its 64-bit product is one instruction,
 * where JavaScript puts the high half together from four.
 */

type Code = readonly number[];

/** LEB128; a signed number ends where its sign bit says the rest */
function leb(value: bigint, signed: boolean): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = signed ? rest === (low < 0x40 ? 0n : -1n) : rest === 0n;
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

const get = (local: number): Code => [0x20, local];
const set = (local: number, value: Code): Code => [...value, 0x21, local];
const i32 = (value: number): Code => [0x41, ...leb(BigInt(value), true)];
const i64 = (value: number): Code => [0x42, ...leb(BigInt(value), true)];
const op = (code: number, ...operands: Code[]): Code => [...operands.flat(), code];
const add = (a: Code, b: Code): Code => op(0x6a, a, b);
const xor = (a: Code, b: Code): Code => op(0x73, a, b);
const product = (local: number, factor: number): Code =>
  op(0x7e, op(0xad, get(local)), i64(factor));
const low = (local: number): Code => op(0xa7, get(local));
const high = (local: number): Code => op(0xa7, op(0x88, get(local), i64(32)));
const store = (offset: number, value: Code): Code => [...get(0), ...value, 0x36, 2, offset];

/** locals: the parameters behind the address, the counter's four words, the round's keys and its two products */
const COUNT = 1;
const INDEX = 2;
const DRAW = 3;
const KEY0 = 4;
const KEY1 = 5;
const C0 = 6;
const C1 = 7;
const C2 = 8;
const C3 = 9;
const R0 = 10;
const R1 = 11;
const P0 = 12;
const P1 = 13;

export type PhiloxConstants = { factors: [number, number]; steps: [number, number] };

function round({ factors, steps }: PhiloxConstants): Code {
  return [
    ...set(P0, product(C0, factors[0])),
    ...set(P1, product(C2, factors[1])),
    ...set(C0, xor(xor(high(P1), get(C1)), get(R0))),
    ...set(C1, low(P1)),
    ...set(C2, xor(xor(high(P0), get(C3)), get(R1))),
    ...set(C3, low(P0)),
    ...set(R0, add(get(R0), i32(steps[0] | 0))),
    ...set(R1, add(get(R1), i32(steps[1] | 0))),
  ];
}

const MAGIC: Code = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** block { loop { if none are left, leave; …; again } } */
const HEAD: Code = [0x02, 0x40, 0x03, 0x40];
const LEAVE: Code = [0x0d, 1];
const AGAIN: Code = [0x0c, 0, 0x0b, 0x0b];

function loopBody(constants: PhiloxConstants): Code {
  const rounds = Array.from({ length: 10 }, () => round(constants)).flat();
  return [
    ...HEAD,
    ...op(0x45, get(COUNT)),
    ...LEAVE,
    ...set(C0, get(DRAW)),
    ...set(C1, i32(0)),
    ...set(C2, get(INDEX)),
    ...set(C3, i32(0)),
    ...set(R0, get(KEY0)),
    ...set(R1, get(KEY1)),
    ...rounds,
    ...store(0, get(C0)),
    ...store(4, get(C1)),
    ...set(0, add(get(0), i32(8))),
    ...set(INDEX, add(get(INDEX), i32(1))),
    ...set(COUNT, add(get(COUNT), i32(-1))),
    ...AGAIN,
  ];
}

type WasmExports = {
  m: { buffer: ArrayBuffer };
  f: (at: number, count: number, first: number, draw: number, key0: number, key1: number) => void;
};

/** the part of the WebAssembly interface used here; the compiler's library has it for browsers only */
type WasmScope = {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { exports: WasmExports };
  };
};

/** counters whose words 0 and 1 fit a page of memory */
export const BLOCK = 8192;

export type PhiloxBlock = (
  count: number,
  first: number,
  draw: number,
  key0: number,
  key1: number,
) => Uint32Array;

/** Words 0 and 1 of `count` <= BLOCK counters from `first` on, in turn; the view is overwritten by the next call. */
export function compilePhilox(constants: PhiloxConstants): PhiloxBlock {
  const section = (id: number, body: Code): number[] => [
    id,
    ...leb(BigInt(body.length), false),
    ...body,
  ];
  const I32 = 0x7f;
  const I64 = 0x7e;
  const body: Code = [2, 6, I32, 2, I64, ...loopBody(constants), 0x0b];
  const bytes = new Uint8Array([
    ...MAGIC,
    ...section(1, [1, 0x60, 6, I32, I32, I32, I32, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(BigInt(body.length), false), ...body]),
  ]);
  const wasm = globalThis as unknown as WasmScope;
  const { exports } = new wasm.WebAssembly.Instance(new wasm.WebAssembly.Module(bytes));
  const words = new Uint32Array(exports.m.buffer);
  return (count, first, draw, key0, key1) => {
    exports.f(0, count, first, draw, key0, key1);
    return words;
  };
}
