/** What a graph tells of the shapes of its values, beside its nodes. */
import type { Field } from '../../onnx/wire.ts';
import { type Attributes, type Dims, type ElementType, valueField } from '../proto.ts';
import type { Known } from './known.ts';
import { knownAfter } from './shapes.ts';
import { nameOf, size } from './sizes.ts';

/**
 * ONNX Runtime keeps a buffer from the first to the last of the values that take turns in it, in use or not: with one
 * name in the whole graph the large values of a UNet's first level lay there until its last one (half a gigabyte in
 * SD 1.5). So a name holds for so many nodes. The fewer they are, the more buffers there are to choose from for each
 * value, and the longer a session takes to open (figures in bench/LOG.md).
 */
const STRETCH = 60;

/** As many as the axes of a shape, and some: tables are no sizes. */
const MOST_SIZES = 16;

export class ToldShapes {
  readonly #known = new Map<string, Known>();
  readonly #told = new Map<string, Field>();
  #nodes = 0;

  /** What is there before the first node: an input, a weight, a constant with its numbers. */
  given(name: string, type: ElementType, dims: Dims, numbers: readonly number[] = []): void {
    const isSizes = numbers.length > 0 && numbers.length <= MOST_SIZES;
    const values = isSizes ? { values: numbers.map(size) } : {};
    this.#known.set(name, { type, shape: dims.map(size), ...values });
  }

  /** What a node makes, as far as it can be told for every run. */
  made(
    operator: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: readonly string[],
  ): void {
    const stretch = Math.floor(++this.#nodes / STRETCH);
    const known = inputs.map((each) => this.#known.get(each));
    for (const [i, each] of knownAfter(operator, known, attributes, outputs.length).entries()) {
      const name = outputs[i];
      if (each === undefined || name === undefined) continue;
      this.#known.set(name, each);
      const dims = each.shape.map(nameOf).map((dim) => inStretch(dim, stretch));
      this.#told.set(name, valueField('value', name, each.type, dims));
    }
  }

  /** Of a value whose shape the graph says elsewhere: an output. */
  leaveOut(name: string): void {
    this.#told.delete(name);
  }

  fields(): readonly Field[] {
    return [...this.#told.values()];
  }
}

function inStretch(dim: number | string, stretch: number): number | string {
  return typeof dim === 'number' ? dim : `${dim}@${stretch}`;
}
