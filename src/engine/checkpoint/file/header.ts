/**
 * The header of a .safetensors file: a little-endian length, JSON that names every tensor, then the tensors' bytes.
 * Everything it says is checked before anybody believes it, in time that grows with its length alone.
 * Source: github.com/huggingface/safetensors, README, "Format".
 */
import { isRecord } from '../../is-record.ts';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import { FIRST_BYTES, foreignKind } from './foreign-file.ts';
import { type StoredType, type TensorSlice, TYPE_BYTES } from '../tensors.ts';

export type SafetensorsHeader = {
  tensors: ReadonlyMap<string, TensorSlice>;
  /** what whoever wrote the file says of it; long values (thumbnails, tag counts) are left out */
  metadata: ReadonlyMap<string, string>;
};

/** The file that a header belongs to: its real path, the name that people know, and all its bytes. */
export type HeaderOf = { path: string; name: string; size: number };

/** The format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The largest networks have some thousands. */
const MAX_TENSORS = 100_000;

const MAX_METADATA_CHARACTERS = 4096;

/** Types that the format knows and no network here reads: their bits, so that the rest of the file can be checked. */
const OTHER_BITS: Readonly<Record<string, number>> = {
  U16: 16,
  U32: 32,
  U64: 64,
  C64: 64,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
};

type Entry = { name: string; type: string; shape: number[]; start: number; end: number };

/**
 * The header's length in bytes, from the file's first bytes.
 * @throws RunError when no header of that length can be there: saying what the file is instead where that is known
 */
export function headerLength(bytes: Uint8Array, file: HeaderOf): number {
  const first = Buffer.from(bytes.subarray(0, FIRST_BYTES));
  // A foreign file's first eight bytes may pass for a length; what follows a true one is an opening brace.
  const isHeader = /^\s*\{/.test(first.toString('latin1', 8));
  const foreign = isHeader ? null : foreignKind(first, file.name);
  if (foreign !== null) throw new RunError(foreign);
  const length = first.length < 8 ? 0n : first.readBigUInt64LE(0);
  if (length < 2n || length > BigInt(MAX_HEADER_BYTES)) {
    throw new RunError(say('not-safetensors', file.name));
  }
  if (Number(length) > file.size - 8) throw new RunError(say('header-breaks-off', file.name));
  return Number(length);
}

/**
 * What the header says, checked against the file's size.
 * @throws RunError naming the file, the tensor and what is wrong with it
 */
export function parseHeader(json: Uint8Array, file: HeaderOf): SafetensorsHeader {
  const names = countNames(json);
  if (names > MAX_TENSORS) {
    throw new RunError(say('too-many-tensors', file.name, names, MAX_TENSORS));
  }
  const header = readObject(json, file);
  const keys = Object.keys(header);
  if (keys.length !== names) throw twice(json, file);
  const entries = keys
    .filter((name) => name !== '__metadata__')
    .map((name) => readEntry(name, header[name], file));
  const from = 8 + json.length;
  checkLayout(entries, from, file);
  const tensors = new Map<string, TensorSlice>();
  for (const { name, type, shape, start, end } of entries) {
    tensors.set(name, {
      file: file.path,
      offset: from + start,
      length: end - start,
      // Types beyond StoredType stay what they are called: whoever needs the tensor refuses it by that name.
      type: type as StoredType,
      shape,
    });
  }
  return { tensors, metadata: readMetadata(header['__metadata__']) };
}

function readObject(json: Uint8Array, file: HeaderOf): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
    if (isRecord(value)) return value;
  } catch {
    // told below
  }
  throw new RunError(say('not-safetensors', file.name));
}

const [QUOTE, BACKSLASH, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [
  34, 92, 58, 123, 125, 91, 93,
];

/** How many names stand in the outermost object, without building anything of it. */
function countNames(json: Uint8Array): number {
  let [count, depth, inText] = [0, 0, false];
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN || byte === OPEN_LIST) depth++;
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--;
    else if (byte === COLON && depth === 1) count++;
  }
  return count;
}

/** JSON.parse keeps the last of two of one name, so the text is looked through again for the sentence. */
function twice(json: Uint8Array, file: HeaderOf): RunError {
  const seen = new Set<string>();
  let depth = 0;
  const text = new TextDecoder().decode(json);
  for (const [found, string, colon] of text.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|[{}[\]]/g)) {
    if (string === undefined) depth += found === '{' || found === '[' ? 1 : -1;
    else if (colon !== undefined && depth === 1) {
      const name = JSON.parse(string) as string;
      if (seen.has(name)) return new RunError(say('tensor-twice', file.name, shown(name)));
      seen.add(name);
    }
  }
  return new RunError(say('not-safetensors', file.name));
}

function readEntry(name: string, value: unknown, file: HeaderOf): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const isWhole = (each: unknown): boolean => Number.isSafeInteger(each) && Number(each) >= 0;
  if (
    typeof dtype !== 'string' ||
    !Array.isArray(shape) ||
    !shape.every(isWhole) ||
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every(isWhole)
  ) {
    throw new RunError(say('tensor-described-wrongly', file.name, shown(name)));
  }
  const bits = bitsOf(dtype);
  if (bits === null) throw new RunError(say('tensor-type', file.name, shown(name), shown(dtype)));
  const [start, end] = offsets as [number, number];
  const count = (shape as number[]).reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(count * bits) || (end - start) * 8 !== count * bits) {
    const dims = shown((shape as number[]).join(', '));
    throw new RunError(say('tensor-length', file.name, shown(name), dims, dtype, end - start));
  }
  return { name, type: dtype, shape: shape as number[], start, end };
}

function bitsOf(type: string): number | null {
  if (Object.hasOwn(TYPE_BYTES, type)) return 8 * TYPE_BYTES[type as StoredType];
  return Object.hasOwn(OTHER_BITS, type) ? (OTHER_BITS[type] ?? null) : null;
}

/** One after the other from the header to the end of the file: no overlap, no hole, nothing behind. */
function checkLayout(entries: readonly Entry[], from: number, file: HeaderOf): void {
  const inFile = entries.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const last = inFile.reduce((most, { end }) => Math.max(most, end), 0);
  if (from + last > file.size) {
    const sizes = [bytesInWords(file.size), bytesInWords(from + last)] as const;
    throw new RunError(say('file-breaks-off', file.name, ...sizes));
  }
  let at = 0;
  for (const { name, start, end } of inFile) {
    if (start < at) throw new RunError(say('tensor-overlaps', file.name, shown(name)));
    if (start > at) throw new RunError(say('tensor-hole', file.name, shown(name)));
    at = end;
  }
  if (from + at < file.size) {
    throw new RunError(say('file-goes-on', file.name, bytesInWords(file.size - from - at)));
  }
}

function readMetadata(value: unknown): Map<string, string> {
  const metadata = new Map<string, string>();
  if (typeof value !== 'object' || value === null) return metadata;
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === 'string' && text.length <= MAX_METADATA_CHARACTERS) metadata.set(key, text);
  }
  return metadata;
}

const SHOWN = 120;

/** Names come from strangers: one line of them, not too long. */
export function shown(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** As download pages show them, in powers of 1000. */
export function bytesInWords(bytes: number): string {
  let unit = 0;
  let size = bytes;
  for (; size >= 1000 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 2 : 1)} ${UNITS[unit]}`;
}
