import { exposeHiddenStates } from './edit.ts';
import { floatTypeOf } from './float-type.ts';
import { graphInputs, graphOutputs, makersOf, type OnnxFile, type OnnxNode } from './graph.ts';
import { addInput, insertNode, replaceReads } from './graph-edits.ts';
import { TYPE } from './tensors.ts';

/** The inputs that insertTokenVectors adds: [B,S,1] bool, and [B,S,width] in the graph's own type. */
export const VECTOR_INPUTS = { places: 'vector_places', vectors: 'vectors' } as const;

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
  addInput(file, {
    name: VECTOR_INPUTS.places,
    elementType: TYPE.bool,
    dims: [...dims.slice(0, 2), 1],
  });
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
