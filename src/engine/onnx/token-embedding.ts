import { exposeHiddenStates, makersOf, replaceReads } from './edit.ts';
import {
  addInput,
  graphInputs,
  graphOutputs,
  initializers,
  insertNode,
  type OnnxFile,
  type OnnxNode,
  values,
} from './graph.ts';
import { asInt, asText, find, readFields } from './wire.ts';

/** The inputs that insertTokenVectors adds: [B,S,1] bool, and [B,S,width] in the graph's own type. */
export const VECTOR_INPUTS = { places: 'vector_places', vectors: 'vectors' } as const;

const BOOL = 9;
const FLOAT_TYPES: ReadonlySet<number> = new Set([1, 10, 11, 16]);

/**
 * Lets a CLIP text encoder take vectors in place of the embeddings of chosen tokens: where `vector_places` is true,
 * the row of `vectors` stands for that of the token; positions are added afterwards as before.
 * @throws Error when the graph does not add token and position embeddings the usual way
 */
export function insertTokenVectors(file: OnnxFile): void {
  const [ids] = graphInputs(file);
  const [bottom] = exposeHiddenStates(file);
  if (ids === undefined || bottom === undefined) throw new Error('this is no text encoder');
  const makers = makersOf(file);
  const sum = passThrough(makers, bottom);
  const operands = sum?.opType === 'Add' ? sum.inputs : [];
  const [embedding, ...others] = operands.filter((name) => readsIds(makers, name, ids.name));
  const maker = makers.get(embedding ?? '');
  if (embedding === undefined || others.length > 0 || maker === undefined) {
    throw new Error('the sum of token and position embeddings was not found');
  }
  const elementType = floatTypeOf(file, makers, embedding);
  const dims = graphOutputs(file).find(({ name }) => name === bottom)?.dims ?? [null, null, null];
  addInput(file, { name: VECTOR_INPUTS.places, elementType: BOOL, dims: [...dims.slice(0, 2), 1] });
  addInput(file, { name: VECTOR_INPUTS.vectors, elementType, dims });
  const chosen = `${embedding}_or_vector`;
  replaceReads(file, embedding, chosen);
  const inputs = [VECTOR_INPUTS.places, VECTOR_INPUTS.vectors, embedding];
  insertNode(file, maker, { opType: 'Where', name: chosen, inputs, outputs: [chosen] });
}

/** The node behind casts and copies. */
function passThrough(makers: ReadonlyMap<string, OnnxNode>, tensor: string): OnnxNode | undefined {
  let maker = makers.get(tensor);
  while (maker?.opType === 'Cast' || maker?.opType === 'Identity') {
    maker = makers.get(maker.inputs[0] ?? '');
  }
  return maker;
}

/** Whether values of `ids` flow into the tensor; their shape alone does not count. */
function readsIds(makers: ReadonlyMap<string, OnnxNode>, tensor: string, ids: string): boolean {
  const seen = new Set<string>();
  const stack = [tensor];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (name === ids) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    const maker = makers.get(name);
    if (maker !== undefined && maker.opType !== 'Shape') stack.push(...maker.inputs);
  }
  return false;
}

/** TensorProto.DataType of a tensor: as the graph declares it, or as the nodes below make it. */
export function floatTypeOf(
  file: OnnxFile,
  makers: ReadonlyMap<string, OnnxNode>,
  tensor: string,
): number {
  const declared = new Map(
    [...initializers(file), ...values(file)].map(({ name, elementType }) => [name, elementType]),
  );
  const seen = new Set<string>();
  const search = (name: string): number | null => {
    const type = declared.get(name);
    if (type !== undefined) return FLOAT_TYPES.has(type) ? type : null;
    const maker = makers.get(name);
    if (maker === undefined || seen.has(name)) return null;
    seen.add(name);
    const cast = maker.opType === 'Cast' ? castTarget(file, maker) : null;
    if (cast !== null) return FLOAT_TYPES.has(cast) ? cast : null;
    return maker.inputs.reduce<number | null>((found, input) => found ?? search(input), null);
  };
  const found = search(tensor);
  if (found === null) throw new Error(`the type of ${tensor} was not found`);
  return found;
}

/** AttributeProto { name = 1, i = 3 }, field 5 of the node. */
function castTarget(file: OnnxFile, node: OnnxNode): number | null {
  const bytes = file.graph[node.field]?.bytes ?? new Uint8Array();
  for (const attribute of readFields(bytes).filter(({ number }) => number === 5)) {
    const parts = readFields(attribute.bytes);
    const [name, integer] = [find(parts, 1), find(parts, 3)];
    if (name && integer && asText(name) === 'to') return Number(asInt(integer));
  }
  return null;
}
