import {
  graphInputs,
  graphOutputs,
  initializers,
  makersOf,
  nodes,
  type OnnxFile,
  type OnnxNode,
} from './graph.ts';
import { addOutput, mapValues, replaceReads, rewire } from './graph-edits.ts';
import type { Dimension } from './values.ts';

/**
 * Gives named dimensions fixed sizes (`{ batch_size: 2, height: 64 }`), so that ONNX Runtime can plan memory and
 * fold shape arithmetic. Names that the graph does not use are ignored.
 * @returns the names that were found
 * @throws Error when a size is not a positive whole number
 */
export function pinDimensions(file: OnnxFile, sizes: Readonly<Record<string, number>>): string[] {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) throw new Error(`dimension ${name} cannot be ${size}`);
  }
  const pinned = new Set<string>();
  const pin = (dim: Dimension): Dimension => {
    if (typeof dim !== 'string' || !Object.hasOwn(sizes, dim)) return dim;
    pinned.add(dim);
    return sizes[dim] ?? dim;
  };
  mapValues(file, (value) => {
    const dims = value.dims.map(pin);
    return dims.every((dim, i) => dim === value.dims[i]) ? value : { ...value, dims };
  });
  return [...pinned];
}

/**
 * Makes the residual stream of a CLIP text encoder visible as outputs `hidden_states.0` (embeddings) to
 * `hidden_states.N` (last layer, before the final layer norm), as transformers names them. Found by structure:
 * every layer adds two branches onto the stream, and the stream is the operand that the branch was made from.
 * @returns the names of all hidden states, the ones that the export already had included
 * @throws Error when the graph has no such stream
 */
export function exposeHiddenStates(file: OnnxFile): string[] {
  const outputs = graphOutputs(file);
  const present = outputs
    .map(({ name }) => name)
    .filter((name) => /^hidden_states\.\d+$/.test(name));
  if (present.length > 0) return present;
  const last = outputs.find(({ name }) => name === 'last_hidden_state');
  if (last === undefined) throw new Error('no output last_hidden_state: this is no text encoder');
  const stream = residualStream(file, finalNorm(file, last.name).input);
  const states = stream.filter((_, i) => i % 2 === 0);
  const rename = new Map(states.map((tensor, i) => [tensor, `hidden_states.${i}`]));
  aliasOutputs(file, rename, { elementType: last.elementType, dims: last.dims });
  return [...rename.values()];
}

/** The final layer norm's parameters by tensor name; epsilon is left to the config. */
export type FinalNorm = { input: string; weight: string; bias: string };

/**
 * Finds the layer norm that makes `output`, as one LayerNormalization node or written out (Sub, Pow, Sqrt, Div, Mul, Add).
 * @throws Error where it is not found
 */
export function finalNorm(file: OnnxFile, output = 'last_hidden_state'): FinalNorm {
  const makers = makersOf(file);
  const weights = new Set(initializers(file).map(({ name }) => name));
  const isParameter = (name: string) => weights.has(throughCasts(makers, name));
  let node = makers.get(throughCasts(makers, output));
  if (node?.opType === 'LayerNormalization') {
    const [input = '', weight = '', bias = ''] = node.inputs;
    return { input, weight: throughCasts(makers, weight), bias: throughCasts(makers, bias) };
  }
  const parameters: string[] = [];
  while (node && (node.opType === 'Add' || node.opType === 'Mul') && parameters.length < 2) {
    const parameter = node.inputs.find(isParameter);
    const next = node.inputs.find((name) => name !== parameter);
    if (parameter === undefined || next === undefined) break;
    parameters.push(throughCasts(makers, parameter));
    node = makers.get(throughCasts(makers, next));
  }
  const centred =
    node?.opType === 'Div' ? makers.get(throughCasts(makers, node.inputs[0] ?? '')) : undefined;
  const [bias, weight] = parameters;
  const input = centred?.opType === 'Sub' ? centred.inputs[0] : undefined;
  if (input === undefined || weight === undefined || bias === undefined) {
    throw new Error(`${output} is not made by a layer norm: the final layer norm was not found`);
  }
  return { input, weight, bias };
}

/**
 * Turns a scalar timestep into one per sample ([B]), so that jobs at different steps can share a batch. Exports
 * broadcast the scalar with Expand to the batch; that node's readers get the input itself instead.
 * @returns false when the input had a dimension already and nothing needed to change
 * @throws Error when the graph has no timestep, or uses it in a way that is not the usual broadcast
 */
export function batchTimestep(file: OnnxFile, input = 'timestep'): boolean {
  const timestep = graphInputs(file).find(({ name }) => name === input);
  if (timestep === undefined) throw new Error(`no input ${input}: this is no denoiser`);
  if (timestep.dims.length === 1 && typeof timestep.dims[0] !== 'number') return false;
  const path = broadcastPath(file, input);
  const batch = graphInputs(file).find(({ name }) => name === 'sample')?.dims[0] ?? 'batch_size';
  for (const { opType, inputs, outputs } of path) {
    if (opType !== 'Cast') replaceReads(file, outputs[0] ?? '', inputs[0] ?? '');
  }
  mapValues(file, (value) => (value.name === input ? { ...value, dims: [batch] } : value));
  return true;
}

const SHAPE_OPS = new Set(['Unsqueeze', 'Reshape', 'Identity', 'Squeeze']);

/** The nodes from the first Expand that the input reaches through casts and reshapes alone, back to the input. */
function broadcastPath(file: OnnxFile, input: string): OnnxNode[] {
  const all = nodes(file);
  const cameFrom = new Map<string, OnnxNode>();
  let frontier = [input];
  while (frontier.length > 0) {
    const readers = all.filter(({ inputs }) => frontier.includes(inputs[0] ?? ''));
    for (const reader of readers) cameFrom.set(reader.outputs[0] ?? '', reader);
    const expand = readers.find(({ opType }) => opType === 'Expand');
    if (expand) return walkBack(expand, cameFrom);
    frontier = readers
      .filter(({ opType }) => SHAPE_OPS.has(opType) || opType === 'Cast')
      .flatMap(({ outputs }) => outputs);
  }
  throw new Error(`${input} is not broadcast with Expand: it cannot be turned into one per sample`);
}

function walkBack(from: OnnxNode, cameFrom: ReadonlyMap<string, OnnxNode>): OnnxNode[] {
  const path = [from];
  for (
    let node = cameFrom.get(from.inputs[0] ?? '');
    node;
    node = cameFrom.get(node.inputs[0] ?? '')
  ) {
    path.push(node);
  }
  return path;
}

function throughCasts(makers: ReadonlyMap<string, OnnxNode>, tensor: string): string {
  for (let name = tensor; ;) {
    const maker = makers.get(name);
    if (maker?.opType !== 'Cast' && maker?.opType !== 'Identity') return name;
    name = maker.inputs[0] ?? '';
  }
}

/** From the top of the stream down to the embeddings; answered bottom first. */
function residualStream(file: OnnxFile, top: string): string[] {
  const makers = makersOf(file);
  const stream = [top];
  for (;;) {
    const maker = makers.get(throughCasts(makers, stream[0] ?? ''));
    if (maker?.opType !== 'Add') break;
    const [a = '', b = ''] = maker.inputs;
    const below = descendsFrom(makers, b, a) ? a : descendsFrom(makers, a, b) ? b : null;
    if (below === null) break;
    stream.unshift(below);
  }
  if (stream.length < 3 || stream.length % 2 === 0) {
    throw new Error('the residual stream of the text encoder was not found');
  }
  return stream;
}

function descendsFrom(
  makers: ReadonlyMap<string, OnnxNode>,
  tensor: string,
  ancestor: string,
): boolean {
  const seen = new Set<string>();
  const stack = [tensor];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (name === ancestor) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    stack.push(...(makers.get(name)?.inputs ?? []));
  }
  return false;
}

/** Inner tensors become outputs under new names: an output must carry its tensor's own name, so the tensor is renamed everywhere. */
function aliasOutputs(
  file: OnnxFile,
  rename: ReadonlyMap<string, string>,
  type: { elementType: number; dims: Dimension[] },
): void {
  for (const node of nodes(file)) {
    const renamed = (names: readonly string[]) => names.map((name) => rename.get(name) ?? name);
    if ([...node.inputs, ...node.outputs].some((name) => rename.has(name))) {
      rewire(file, node, renamed(node.inputs), renamed(node.outputs));
    }
  }
  mapValues(file, (value) => {
    const name = rename.get(value.name);
    return name === undefined ? value : { ...value, name };
  });
  for (const name of rename.values()) addOutput(file, { name, ...type });
}
