/** Small .safetensors files for tests, written by the format's description. */
import { type StoredType, TYPE_BYTES } from '../../../../src/engine/checkpoint/tensors.ts';

export type Made = { type?: StoredType | string; shape: readonly number[]; bytes?: Uint8Array };

const sizeOf = ({ type = 'F32', shape, bytes }: Made): number =>
  bytes?.length ??
  shape.reduce((product, dim) => product * dim, TYPE_BYTES[type as StoredType] ?? 1);

/** Tensors without bytes are zeros. */
export function safetensorsOf(
  tensors: Readonly<Record<string, Made>>,
  metadata?: Readonly<Record<string, string>>,
): Buffer {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const data: Uint8Array[] = [];
  let at = 0;
  for (const [name, made] of Object.entries(tensors)) {
    const size = sizeOf(made);
    header[name] = {
      dtype: made.type ?? 'F32',
      shape: made.shape,
      data_offsets: [at, at + size],
    };
    data.push(made.bytes ?? new Uint8Array(size));
    at += size;
  }
  return withHeader(JSON.stringify(header), Buffer.concat(data));
}

/** Any text in place of the header. */
export function withHeader(json: string, data: Uint8Array = new Uint8Array()): Buffer {
  const text = Buffer.from(json);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
