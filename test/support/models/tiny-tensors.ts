/** Files of tensors taken apart, changed and written anew: tiny relatives of the reference models. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** As it lies in a .safetensors file. */
export type RawTensor = { dtype: string; shape: readonly number[]; bytes: Uint8Array };

/** All tensors of a .safetensors file, or of those of a folder. */
export async function readRaw(at: string): Promise<Map<string, RawTensor>> {
  const files = at.endsWith('.safetensors')
    ? [at]
    : (await readdir(at))
        .filter((name) => name.endsWith('.safetensors'))
        .map((name) => path.join(at, name));
  const all = new Map<string, RawTensor>();
  for (const file of files) {
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    for (const [name, { dtype, shape, data_offsets: [from, to] = [0, 0] }] of Object.entries(
      header,
    )) {
      if (name === '__metadata__') continue;
      all.set(name, { dtype, shape, bytes: bytes.subarray(8 + length + from, 8 + length + to) });
    }
  }
  return all;
}

export async function writeRaw(
  file: string,
  tensors: ReadonlyMap<string, RawTensor>,
): Promise<void> {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, (at += bytes.length)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await mkdir(path.dirname(file), { recursive: true });
  const bytes = [...tensors.values()].map((tensor) => tensor.bytes);
  await writeFile(file, Buffer.concat([length, json, ...bytes]));
}

/** The weights of a folder as one file in their place. */
export async function replaceWeights(
  folder: string,
  file: string,
  tensors: ReadonlyMap<string, RawTensor>,
): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/\.safetensors(?:\.index\.json)?$/.test(name)) await rm(path.join(folder, name));
  }
  await writeRaw(path.join(folder, file), tensors);
}

/**
 * Numbers that follow from name and shape alone, exact in sixteen bits of either kind: k / 2^n with |k| < 128, about as
 * large as a layer of that width begins with; norms are near 1.
 */
export function tinyTensor(name: string, shape: readonly number[]): RawTensor {
  const count = shape.reduce((product, side) => product * side, 1);
  const width = shape.length < 2 ? 256 : count / shape[0]!;
  const isNorm =
    shape.length < 2 && /norm\w*\.(?:\w+\.)?(?:weight|scale)$|ln_q\.weight$/.test(name);
  const step = isNorm ? 2 ** -8 : 2 ** -Math.round(7 + Math.log2(Math.sqrt(width / 3)));
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  const bits = new Uint32Array(
    Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (isNorm ? 1 : 0) + ((state >>> 24) - 128 || 1) * step;
    }).buffer,
  );
  return {
    dtype: 'BF16',
    shape,
    bytes: new Uint8Array(Uint16Array.from(bits, (b) => b >>> 16).buffer),
  };
}

/** One key, and the types of the tensors as they are. */
export async function writeGguf(
  file: string,
  tensors: ReadonlyMap<string, RawTensor>,
  architecture: string,
): Promise<void> {
  const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const text = (value: string): Buffer =>
    Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.size), u64(1)];
  head.push(text('general.architecture'), u32(8), text(architecture));
  const data: Buffer[] = [];
  let at = 0;
  for (const [name, tensor] of tensors) {
    const [type, bytes] = ggufBytes(tensor);
    head.push(text(name), u32(tensor.shape.length));
    for (const side of tensor.shape.toReversed()) head.push(u64(side));
    head.push(u32(type), u64(at));
    const padded = Math.ceil(bytes.length / 32) * 32;
    data.push(bytes, Buffer.alloc(padded - bytes.length));
    at += padded;
  }
  const size = head.reduce((sum, { length }) => sum + length, 0);
  head.push(Buffer.alloc((32 - (size % 32)) % 32));
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, Buffer.concat([...head, ...data]));
}

const GGUF_TYPES: Readonly<Record<string, number>> = { F32: 0, F16: 1, BF16: 30 };

/** One-dimensional tensors are float32 in every GGUF. */
function ggufBytes({ dtype, shape, bytes }: RawTensor): [type: number, bytes: Buffer] {
  const type = GGUF_TYPES[dtype];
  if (type === undefined) throw new Error(`no GGUF of ${dtype}`);
  if (shape.length > 1 || dtype !== 'BF16') return [type, Buffer.from(bytes)];
  const wide = new Uint32Array(bytes.length / 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let i = 0; i < wide.length; i++) wide[i] = view.getUint16(2 * i, true) << 16;
  return [0, Buffer.from(wide.buffer)];
}
