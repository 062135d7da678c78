/** From the names that a network's makers gave its tensors to those of diffusers, with packed layers cut apart. */
import { type PartTensors, rowsOf, type TensorSlice } from '../../checkpoint/tensors.ts';

/** A layer's path, as long as it is matched whole, and what it becomes; $1 … are the pattern's groups. */
export type NameRule = readonly [pattern: RegExp, path: string] | readonly [pattern: RegExp, Split];

/**
 * A packed layer: its rows belong to several. `rest` takes what is left behind as many times the layer's width as there
 * are other paths.
 */
export type Split = { paths: readonly string[]; rest?: string };

export type NameRules = {
  /** a name that only the makers' files have */
  mark: RegExp;
  rules: readonly NameRule[];
};

/** What stands behind a layer's path: its numbers, and the factors of fp8. */
const ENDING = /\.(weight\.(?:scales|floors)|weight|bias|scale|scale_weight|weight_scale)$/;

/** Roots that programs put before a transformer's names. */
const ROOTS = ['model.diffusion_model.', 'diffusion_model.', 'transformer.', 'model.'];

/** Marks and factors of fp8 that say nothing of the weights, and places that make people's files larger. */
const PASSED_OVER =
  /(?:^|\.)(?:scaled_fp8|comfy_quant|input_scale|scale_input|num_batches_tracked|__index_timestep_zero__)$/;

/** The names without a root that all of `marks` share. */
export function withoutRoot(tensors: ReadonlyMap<string, TensorSlice>, mark: RegExp): PartTensors {
  const names = [...tensors.keys()];
  const root = ROOTS.find((each) =>
    names.some((name) => name.startsWith(each) && mark.test(name.slice(each.length))),
  );
  if (root === undefined) return tensors;
  return new Map(
    [...tensors].flatMap(([name, tensor]) =>
      name.startsWith(root) ? [[name.slice(root.length), tensor] as const] : [],
    ),
  );
}

/** diffusers' names for either kind of file; `original`: it was one of the makers'. */
export function diffusersNames(
  tensors: PartTensors,
  names: NameRules | null,
): { tensors: PartTensors; original: boolean } {
  const given = withEndings(tensors);
  if (names === null || ![...given.keys()].some((name) => names.mark.test(name))) {
    return { tensors: given, original: false };
  }
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of given) {
    for (const [own, slice] of renamedOf(name, tensor, names.rules, given)) renamed.set(own, slice);
  }
  return { tensors: renamed, original: true };
}

/** Factors of fp8 under the name that graphs read, and nothing that is passed over. */
function withEndings(tensors: PartTensors): PartTensors {
  const known = new Map<string, TensorSlice>();
  for (const [name, tensor] of tensors) {
    if (PASSED_OVER.test(name)) continue;
    known.set(name.replace(/\.weight_scale$/, '.scale_weight'), tensor);
  }
  return known;
}

function renamedOf(
  name: string,
  tensor: TensorSlice,
  rules: readonly NameRule[],
  all: PartTensors,
): (readonly [string, TensorSlice])[] {
  const ending = ENDING.exec(name)?.[0] ?? '';
  const path = name.slice(0, name.length - ending.length);
  for (const [pattern, wanted] of rules) {
    const match = pattern.exec(path);
    if (match === null || match[0].length !== path.length) continue;
    const fill = (text: string): string =>
      text.replaceAll(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '');
    if (typeof wanted === 'string') {
      // the norms of queries and keys call their weight a scale
      return [[fill(wanted) + (ending === '.scale' ? '.weight' : ending), tensor]];
    }
    return splitOf(path, ending, tensor, wanted, all).map(([own, slice]) => [fill(own), slice]);
  }
  return [[name, tensor]];
}

function splitOf(
  path: string,
  ending: string,
  tensor: TensorSlice,
  { paths, rest }: Split,
  all: PartTensors,
): [string, TensorSlice][] {
  const every = [...paths, ...(rest === undefined ? [] : [rest])];
  // one factor for the whole layer; those of rows go where the rows go
  if (ending === '.scale_weight' && tensor.shape.every((side) => side === 1))
    return every.map((own) => [own + ending, tensor]);
  const [rows = 0] = tensor.shape;
  const [, width = 0] = all.get(`${path}.weight`)?.shape ?? [];
  const each = rest === undefined ? rows / paths.length : width;
  const slices = paths.map((own, i): [string, TensorSlice] => [
    own + ending,
    rowsOf(tensor, i * each, (i + 1) * each),
  ]);
  if (rest === undefined) return slices;
  return [...slices, [rest + ending, rowsOf(tensor, paths.length * each, rows)]];
}

/**
 * The same rules for paths with underscores for dots, as LoRA files have them: the flat paths that a maker's layer stands
 * for; null: it is none.
 */
export function flatOriginals(
  names: NameRules | null,
): (layer: string) => readonly string[] | null {
  const rules = (names?.rules ?? []).map(([pattern, wanted]) => {
    const paths =
      typeof wanted === 'string' ? [wanted] : [...wanted.paths, wanted.rest ?? []].flat();
    const flat = new RegExp(`^(?:${pattern.source.replaceAll('\\.', '_')})$`);
    return { flat, paths: paths.map((path) => path.replaceAll('.', '_')) };
  });
  return (layer) => {
    for (const { flat, paths } of rules) {
      if (flat.test(layer)) return paths.map((path) => layer.replace(flat, path));
    }
    return null;
  };
}
