/** A network's matrices in fewer bits than its file has them, for machines whose memory does not hold them otherwise. */
import type { PartTensors, TensorSlice } from '../tensors.ts';
import { weightNumbers } from './factors.ts';
import { isFloating } from './numbers.ts';
import { packNumbers, PLAIN_PACKINGS } from './packing.ts';
import { bytesOf, piecesOf, staysPacked } from './unpacked.ts';
import { type MadeTensors, madeTensors, type Making } from './weights-cache.ts';

/** Smaller matrices save nothing. */
const LEAST_NUMBERS = 2 ** 14;

/** `of`: changes with the files that the tensors lie in. Tensors that are packed already, and tables, stay as they are. */
export function quantised(tensors: PartTensors, bits: 4 | 8, of: string): MadeTensors {
  const makings: Making[] = [];
  for (const [name, tensor] of tensors) {
    if (!shrinks(name, tensor)) continue;
    const { file, offset, length } = tensor;
    makings.push({
      pieces: piecesOf(name, tensor.shape, PLAIN_PACKINGS[bits], { file, offset, length }),
      make: async () => bytesOf(packNumbers(await weightNumbers(tensors, name), bits)),
    });
  }
  const { tensors: made, prepare } = madeTensors(`q${bits} ${of}`, makings);
  return { tensors: new Map([...tensors, ...made]), prepare };
}

/** Bytes that the network will take. */
export function quantisedBytes(tensors: PartTensors, bits: 4 | 8): number {
  let sum = 0;
  for (const [name, tensor] of tensors) {
    const count = tensor.shape.reduce((product, side) => product * side, 1);
    sum += shrinks(name, tensor) ? (count * bits) / 8 + count / 8 : tensor.length;
  }
  return sum;
}

function shrinks(name: string, { shape, type, packed }: TensorSlice): boolean {
  const [rows = 0, columns = 0] = shape;
  return (
    staysPacked({ name, shape }) &&
    packed === undefined &&
    isFloating(type) &&
    columns % 32 === 0 &&
    rows * columns >= LEAST_NUMBERS
  );
}
