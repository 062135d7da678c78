/** Reads reference arrays: a manifest.json whose arrays are {"$":[byteOffset, shape, dtype]} into arrays.bin. */
import { existsSync, readFileSync } from 'node:fs';

import { fullSet } from './golden-set.ts';

export type ArrayRef = { $: [number, number[], 'f32' | 'f64' | 'i32' | 'u32' | 'u8'] };
// oxlint-disable-next-line no-explicit-any -- a manifest is free-form test data
export type Manifest = Record<string, any>;
export type Golden = { manifest: Manifest; array: (ref: ArrayRef) => Float32Array };

const types = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
} as const;

function read(folder: URL): Golden | null {
  const manifestUrl = new URL('manifest.json', folder);
  if (!existsSync(manifestUrl)) return null;
  const manifest = JSON.parse(readFileSync(manifestUrl, 'utf8')) as Manifest;
  const bytes = new Uint8Array(readFileSync(new URL('arrays.bin', folder)));
  const array = (ref: ArrayRef): Float32Array => {
    const [offset, shape, dtype] = ref.$;
    const size = shape.reduce((product, n) => product * n, 1);
    // Doubles keep their precision: the caller compares numbers, whatever their width.
    return new types[dtype](bytes.buffer, offset, size) as unknown as Float32Array;
  };
  return { manifest, array };
}

/** the small copy that always runs */
export function fixture(name: string): Golden {
  const golden = read(new URL(`../../fixtures/golden/${name}/`, import.meta.url));
  if (golden === null) throw new Error(`test/fixtures/golden/${name} is missing`);
  return golden;
}

/** of the full set beside the checkout or in GOLDEN_DIR, else of the compact one; null where that has none of the name */
export function fullGolden(name: string): Golden | null {
  return read(new URL(`${name}/`, fullSet));
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }
  return worst;
}

export function unequal(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let count = 0;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) count++;
  return count;
}
