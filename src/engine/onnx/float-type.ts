import { initializers, type OnnxFile, type OnnxNode, values } from './graph.ts';
import { TYPE } from './tensors.ts';

const FLOAT_TYPES: ReadonlySet<number> = new Set([
  TYPE.float32,
  TYPE.float16,
  TYPE.float64,
  TYPE.bfloat16,
]);

/**
 * TensorProto.DataType of a tensor: as the graph declares it, or as the nodes below make it.
 * @throws Error when neither tells
 */
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
    const cast = maker.opType === 'Cast' ? castTarget(maker) : null;
    if (cast !== null) return FLOAT_TYPES.has(cast) ? cast : null;
    return maker.inputs.reduce<number | null>((found, input) => found ?? search(input), null);
  };
  const found = search(tensor);
  if (found === null) throw new Error(`the type of ${tensor} was not found`);
  return found;
}

function castTarget({ attributes }: OnnxNode): number | null {
  return attributes.find(({ name }) => name === 'to')?.ints[0] ?? null;
}
