/// <reference lib="esnext.float16" />
/**
 * Writes an ONNX graph node by node. A value of the graph is its name. Weights stay where they are: every one is
 * external data that points by offset into the file that holds it, so a graph of gigabytes is some hundred kilobytes
 * and nothing is copied or converted. Networks are written with layers.ts and attention.ts on top of this.
 */
import { factorKind, factorName } from '../checkpoint/file/factors.ts';
import type { PartTensors, StoredType, TensorSlice } from '../checkpoint/tensors.ts';
import type { Field } from '../onnx/wire.ts';
import {
  type Attributes,
  type Dims,
  ELEMENT,
  type ElementType,
  modelBytes,
  nodeField,
  STORED_ELEMENT,
  valueField,
} from './proto.ts';
import { Initializers } from './initializers.ts';
import { BranchError, type Branches, type LowRankBranch } from './low-rank/branches.ts';
import { ToldShapes } from './shapes/told-shapes.ts';

/** The name of a value in the graph. */
export type Value = string;

/** Operators beyond ONNX's own. */
export const MICROSOFT = 'com.microsoft';

const OPSETS: readonly (readonly [domain: string, version: number])[] = [
  ['', 20],
  [MICROSOFT, 1],
];

/** What a graph is written for. */
export type GraphStyle = {
  /** what it calculates in, whatever its weights are stored in */
  compute: 'float32' | 'float16';
  /** one node for attention, or its parts written out where a provider has no right kernel */
  attention: 'fused' | 'plain';
  /** convolutions in the runtime's own layout, so many channels a block (blocked-conv.ts); absent: as ONNX has them */
  block?: number;
};

/** A graph as bytes, and the folder below which the files with its weights lie. */
export type BuiltGraph = { bytes: Uint8Array; weightsIn: string };

/** See checkpoint/file/packing.ts; `floors` [rows, columns / block]. */
export type PackedMatrix = {
  blocks: Value;
  scales: Value;
  floors: Value | null;
  bits: number;
  block: number;
};

type OpOptions = { domain?: string; name?: string; outputs?: readonly Value[] };

export class GraphBuilder {
  readonly style: GraphStyle;
  /** TensorProto's number of what the graph calculates in */
  readonly type: ElementType;
  readonly #tensors: PartTensors;
  readonly #branches: Branches;
  readonly #branched = new Set<string>();
  readonly #nodes: Field[] = [];
  /** ONNX Runtime runs what comes late in the file first, so that casts behind the layers would all be alive at once */
  readonly #casts: Field[] = [];
  readonly #inputs: Field[] = [];
  readonly #outputs: Field[] = [];
  readonly #shapes = new ToldShapes();
  readonly #initializers = new Initializers(this.#shapes);
  readonly #made = new Map<string, Value>();
  readonly #domains = new Set<string>();
  #count = 0;

  /** `branches`: of LoRAs */
  constructor(tensors: PartTensors, style: GraphStyle, branches: Branches = new Map()) {
    this.style = style;
    this.type = ELEMENT[style.compute];
    this.#tensors = tensors;
    this.#branches = branches;
  }

  /** Adds a node; answers its first output, which is named for it where no names are given. */
  op(
    type: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
    options: OpOptions = {},
  ): Value {
    const outputs = options.outputs ?? [`${type}_${this.#count++}`];
    const [first = ''] = outputs;
    const { domain = '', name = first } = options;
    this.#domains.add(domain);
    this.#nodes.push(nodeField({ type, domain, name, inputs, outputs, attributes }));
    this.#shapes.made(type, inputs, attributes, outputs);
    return first;
  }

  /** A node with several outputs. */
  opOf(
    count: number,
    type: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const at = this.#count++;
    const outputs = Array.from({ length: count }, (_, i) => `${type}_${at}_${i}`);
    this.op(type, inputs, attributes, { outputs });
    return outputs;
  }

  /** The value that was made under this key before, or is made now: shapes and casts that many layers share. */
  once(key: string, make: () => Value): Value {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const value = make();
    this.#made.set(key, value);
    return value;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** The shape in the file. @throws Error when the file lacks the tensor */
  shapeOf(name: string): readonly number[] {
    return this.#tensor(name).shape;
  }

  /** What the tensor is stored in. @throws Error when the file lacks it */
  typeOf(name: string): ElementType {
    return STORED_ELEMENT[this.#tensor(name).type];
  }

  /** The same, by the name that files give it. */
  storedTypeOf(name: string): StoredType {
    return this.#tensor(name).type;
  }

  /** How many of `path.0`, `path.1`, … there are, told by the tensor `mark` that each has. */
  countOf(path: string, mark: string): number {
    let count = 0;
    while (this.has(`${path}.${count}.${mark}`)) count++;
    return count;
  }

  #tensor(name: string): TensorSlice {
    const found = this.#tensors.get(name);
    if (found === undefined) throw new Error(`the tensor ${name} is missing`);
    return found;
  }

  /** A weight in what the graph calculates in; `dims` views the same bytes in another shape. */
  weight(name: string, dims?: readonly number[]): Value {
    const value = this.stored(name, dims);
    const cast = this.early(`cast ${value}`, () => this.cast(value, this.typeOf(name)));
    return this.once(`scaled ${value}`, () => {
      const factor = this.factorOf(name, (dims ?? this.shapeOf(name)).length);
      return factor === null ? cast : this.op('Mul', [cast, factor.value]);
    });
  }

  /**
   * fp8 has three bits of mantissa and little range: such files keep a factor for each layer, or for each of its rows,
   * which comes with as many axes as are asked for. Null: there is none.
   */
  factorOf(name: string, axes: number): { value: Value; isOfRows: boolean } | null {
    const scale = factorName(name);
    if (!this.#tensor(name).type.startsWith('F8') || !this.has(scale)) return null;
    const isOfRows = factorKind(this.#tensor(scale), this.#tensor(name)) === 'row';
    const [rows = 1] = this.shapeOf(name);
    const dims = isOfRows ? [rows, ...Array<number>(axes - 1).fill(1)] : [];
    return { value: this.weight(scale, dims), isOfRows };
  }

  /** As `once`, by nodes that stand in front of all layers. */
  early(key: string, make: () => Value): Value {
    return this.once(key, () => {
      const before = this.#nodes.length;
      const value = make();
      this.#casts.push(...this.#nodes.splice(before));
      return value;
    });
  }

  /** A weight as it is in the file: rows of a table are fetched before they are cast. */
  stored(name: string, dims?: readonly number[]): Value {
    return this.external(name, this.#tensor(name), dims);
  }

  /** A matrix [rows, columns] of few bits a number, with its factors; null: it is stored as numbers. */
  packed(name: string): PackedMatrix | null {
    const tensor = this.#tensor(name);
    if (tensor.packed === undefined) return null;
    const { bits, block, hasFloors } = tensor.packed;
    const [rows = 0, columns = 0] = tensor.shape;
    const dims = [rows, columns / block, (block * bits) / 8];
    this.#initializers.addSlice(name, tensor, dims);
    const scales = this.#tensor(`${name}.scales`);
    const factors = this.external(`${name}.scales`, scales, [(rows * columns) / block]);
    const floors = hasFloors
      ? this.cast(this.external(`${name}.floors`, this.#tensor(`${name}.floors`)), ELEMENT.float32)
      : null;
    return { blocks: name, scales: this.cast(factors, ELEMENT.float32), floors, bits, block };
  }

  /** The bytes of a weight that has one for each number: what cannot fetch rows of fp8 can fetch those. */
  bitsOf(name: string): Value {
    return this.external(`${name} in bits`, { ...this.#tensor(name), type: 'U8' });
  }

  /** Any slice of any file as an initializer of the graph. */
  external(name: string, tensor: TensorSlice, dims: readonly number[] = tensor.shape): Value {
    const isSame = dims.join() === tensor.shape.join();
    const value = isSame ? name : `${name}[${dims.join()}]`;
    if (sizeOf(dims) !== sizeOf(tensor.shape)) {
      throw new Error(`${name} is [${tensor.shape.join(', ')}], wanted as [${dims.join(', ')}]`);
    }
    this.#initializers.addSlice(value, tensor, dims);
    return value;
  }

  /** From an element type to what the graph calculates in. */
  cast(value: Value, from: ElementType): Value {
    return from === this.type ? value : this.op('Cast', [value], { to: this.type });
  }

  /** Integers, one axis. */
  ints(...values: readonly number[]): Value {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    const name = `ints(${values.join()})`;
    this.#initializers.addConstant(name, ELEMENT.int64, [values.length], bytes, values);
    return name;
  }

  /** An integer without axes. */
  int(value: number): Value {
    const bytes = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
    const name = `int(${value})`;
    this.#initializers.addConstant(name, ELEMENT.int64, [], bytes, [value]);
    return name;
  }

  /** Constants in what the graph calculates in, or in float32 where a graph of less must not round them. */
  floats(
    name: string,
    values: readonly number[],
    dims: readonly number[] = [values.length],
    type: ElementType = this.type,
  ): Value {
    const data = type === ELEMENT.float16 ? Float16Array.from(values) : Float32Array.from(values);
    const value = `${name}(${type})`;
    this.#initializers.addConstant(value, type, dims, new Uint8Array(data.buffer), values);
    return value;
  }

  input(name: Value, dims: Dims, type: ElementType = this.type): Value {
    this.#inputs.push(valueField('input', name, type, dims));
    this.#shapes.given(name, type, dims);
    return name;
  }

  /** Shows a value under a name, which must not be one that the graph uses already. */
  output(value: Value, name: Value, dims: Dims, type: ElementType = this.type): void {
    this.op('Identity', [value], {}, { outputs: [name] });
    this.#shapes.leaveOut(name);
    this.#outputs.push(valueField('output', name, type, dims));
  }

  /** What LoRAs add to the layer. */
  branchesOf(path: string): readonly LowRankBranch[] {
    const key = path.replaceAll('.', '_');
    this.#branched.add(key);
    return this.#branches.get(key) ?? [];
  }

  /** @throws BranchError when a LoRA changes a layer that the network does not have, Error when weights lie on several drives */
  finish(name: string): BuiltGraph {
    for (const [path, [branch]] of this.#branches) {
      if (branch === undefined || this.#branched.has(path)) continue;
      throw new BranchError(branch.label, `it changes a layer ${path}, which is not there`);
    }
    const { fields, weightsIn } = this.#initializers.finish();
    const graph = [
      ...this.#casts,
      ...this.#nodes,
      ...fields,
      ...this.#inputs,
      ...this.#outputs,
      ...this.#shapes.fields(),
    ];
    const known = OPSETS.map(([domain]) => domain);
    const further = [...this.#domains].filter((domain) => !known.includes(domain));
    const opsets = [...OPSETS, ...further.map((domain) => [domain, 1] as const)];
    return { bytes: modelBytes(name, graph, opsets), weightsIn };
  }
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
