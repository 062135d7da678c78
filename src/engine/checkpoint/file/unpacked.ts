/**
 * What a GGUF keeps in blocks, as ONNX Runtime can be pointed at it: matrices stay packed, in four or eight bits as
 * MatMulNBits has them and with the same numbers; everything else becomes float32.
 */
import { open } from 'node:fs/promises';
import type { GgufFile, GgufTensor } from './gguf.ts';
import { decodeBlocks, packingOf } from './gguf-blocks.ts';
import { packBlocks, type Packed, type Packing } from './packing.ts';
import { type MadeTensors, madeTensors, type Making, type Piece } from './weights-cache.ts';

/**
 * Offers a GGUF file's quantised tensors in forms that ONNX Runtime reads. Each is made when it is first asked for.
 */
export function unpacked(file: GgufFile, quantised: readonly GgufTensor[]): MadeTensors {
  return madeTensors(
    `${file.path} ${file.stamp}`,
    quantised.map((tensor) => makingOf(file, tensor)),
  );
}

function makingOf(file: GgufFile, tensor: GgufTensor): Making {
  const { name, shape, offset, length, type } = tensor;
  const source = { file: file.path, offset, length };
  const read = async (): Promise<Uint8Array> => {
    const handle = await open(file.path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      await handle.read(bytes, 0, length, offset);
      return bytes;
    } finally {
      await handle.close();
    }
  };
  if (!staysPacked(tensor)) {
    const count = shape.reduce((product, side) => product * side, 1);
    return {
      pieces: [{ name, type: 'F32', shape, bytes: 4 * count, source }],
      make: async () => [asBytes(decodeBlocks(type, await read()))],
    };
  }
  const { bits, width, hasFloors } = packingOf(type.name);
  return {
    pieces: piecesOf(name, shape, { bits, block: width, hasFloors }, source),
    make: async () => bytesOf(packBlocks(type, await read())),
  };
}

/** Tables that rows are fetched from cannot be packed. */
export function staysPacked({ name, shape }: { name: string; shape: readonly number[] }): boolean {
  const isTable =
    /token_embd|embed_tokens|token_embedding|position_embedding|shared\.|rel_b|relative_attention/;
  return shape.length === 2 && name.endsWith('.weight') && !isTable.test(name);
}

/**
 * Lists the tensors that a quantised matrix [rows, columns] becomes: its packed numbers, a scale and perhaps a floor
 * for each block. `source` is where the bytes come from unless they are made.
 */
export function piecesOf(
  name: string,
  shape: readonly number[],
  { bits, block, hasFloors }: Packing,
  source?: Piece['source'],
): Piece[] {
  const [rows = 0, columns = 0] = shape;
  const count = rows * columns;
  const groups = {
    type: 'F32',
    shape: [rows, columns / block],
    bytes: (4 * count) / block,
    ...(source && { source }),
  } as const;
  return [
    {
      name,
      type: 'U8',
      shape,
      packed: { bits, block, hasFloors },
      bytes: (count * bits) / 8,
      ...(source && { source }),
    },
    { name: `${name}.scales`, ...groups },
    ...(hasFloors ? [{ name: `${name}.floors`, ...groups }] : []),
  ];
}

/** In the order and of the sizes of the pieces. */
export function bytesOf({ blocks, scales, floors }: Packed): Uint8Array[] {
  return [blocks, asBytes(scales), ...(floors === null ? [] : [asBytes(floors)])];
}

function asBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
