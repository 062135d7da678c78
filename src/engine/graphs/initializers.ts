import { relative, sep } from 'node:path';
import type { TensorSlice } from '../checkpoint/tensors.ts';
import { commonFolder } from '../onnx/external-files.ts';
import type { Field } from '../onnx/wire.ts';
import { type ElementType, STORED_ELEMENT, tensorField } from './proto.ts';
import type { ToldShapes } from './shapes/told-shapes.ts';

/** The weights and constants of a graph that is being written, each once whoever asks for it. */
export class Initializers {
  readonly #shapes: ToldShapes;
  readonly #slices = new Map<string, { tensor: TensorSlice; dims: readonly number[] }>();
  readonly #constants = new Map<string, Field>();

  /** `shapes`: is told of each */
  constructor(shapes: ToldShapes) {
    this.#shapes = shapes;
  }

  /** A weight where it lies; `dims` has as many numbers as its own shape. */
  addSlice(name: string, tensor: TensorSlice, dims: readonly number[]): void {
    this.#slices.set(name, { tensor, dims });
    this.#shapes.given(name, STORED_ELEMENT[tensor.type], dims);
  }

  /** `bytes`: as the graph keeps them; `numbers`: what they say */
  addConstant(
    name: string,
    type: ElementType,
    dims: readonly number[],
    bytes: Uint8Array,
    numbers: readonly number[],
  ): void {
    if (this.#constants.has(name)) return;
    this.#constants.set(name, tensorField({ name, type, dims }, bytes));
    this.#shapes.given(name, type, dims, numbers);
  }

  /**
   * The fields of the graph, and the folder that their places in files are told from.
   * @throws Error when the weights lie on several drives
   */
  finish(): { fields: readonly Field[]; weightsIn: string } {
    const slices = [...this.#slices];
    const inFiles = slices.filter(([, { tensor }]) => tensor.bytes === undefined);
    const weightsIn = commonFolder(inFiles.map(([, { tensor }]) => tensor.file));
    const weights = slices.map(([name, { tensor, dims }]) => {
      const { file, offset, length, type, bytes } = tensor;
      const told = { name, type: STORED_ELEMENT[type], dims };
      if (bytes !== undefined) return tensorField(told, bytes);
      const location = relative(weightsIn, file).split(sep).join('/');
      return tensorField(told, { location, offset, length });
    });
    return { fields: [...weights, ...this.#constants.values()], weightsIn };
  }
}
