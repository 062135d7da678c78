/** A network's tensors in one folder: one file, or several with an index that says which tensor lies in which. */
import { join } from 'node:path';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import type { TensorSlice } from '../tensors.ts';
import { shown } from './header.ts';
import { openTensorFile, type TensorFile } from './tensor-file.ts';
import { readTextFile } from '../../text/text-file.ts';

export type ShardedTensors = {
  tensors: ReadonlyMap<string, TensorSlice>;
  /** real paths */
  files: readonly string[];
  /** by real path: changes when the file does */
  stamps: ReadonlyMap<string, string>;
  bytes: number;
  stamp: string;
  /** types of the same weights in files that were not taken, by their names: fp16 */
  others: readonly string[];
};

/**
 * `names`: what lies in the folder; `model`: for sentences. Of two variants of the same weights the plain one is taken
 * before `.fp16.`, `.non_ema.` and the like, as diffusers does. Null: the folder has no weights.
 * @throws RunError for a part that is missing, or weights that are pickles
 */
export async function openShards(
  folder: string,
  names: readonly string[],
  model: string,
): Promise<ShardedTensors | null> {
  const [variant, ...others] = variantsOf(names);
  if (variant === undefined) {
    const pickle = names.find((name) => /\.(?:bin|pt|pth|ckpt)$/i.test(name));
    if (pickle !== undefined) throw new RunError(say('folder-has-pickles', model, pickle));
    return null;
  }
  const types = others.flatMap(({ name }) => /\.(fp16|bf16|fp32|fp8)$/.exec(name)?.[1] ?? []);
  if (variant.index !== null) {
    return together(await indexedFiles(folder, names, variant.index, model), types);
  }
  const files: TensorFile[] = [];
  for (const name of variant.files) files.push(await openTensorFile(join(folder, name)));
  checkCount(files);
  return together(files, types);
}

type Variant = { name: string; files: string[]; index: string | null };

const SHARD = /^(.*?)-(\d{5})-of-(\d{5})(\.safetensors)$/;

/** What the parts of one network are called together, and which part this is; null: it is no part. */
export function partOf(file: string): { name: string; part: number } | null {
  const found = SHARD.exec(file);
  return found && { name: found[1] ?? '', part: Number(found[2]) };
}

/** Files of one network differ in their variant alone: `model.fp16.safetensors`, `model.fp16-00001-of-00002.safetensors`. */
function variantsOf(names: readonly string[]): Variant[] {
  const variants = new Map<string, Variant>();
  const of = (name: string): Variant => {
    const known = variants.get(name) ?? { name, files: [], index: null };
    variants.set(name, known);
    return known;
  };
  for (const name of names.toSorted()) {
    const index = /^(.+)\.safetensors\.index(\.[\w-]+)?\.json$/.exec(name);
    if (index) of(`${index[1]}${index[2] ?? ''}`).index = name;
    else if (name.endsWith('.safetensors')) {
      const shard = SHARD.exec(name);
      of(shard ? (shard[1] ?? '') : name.replace(/\.safetensors$/, '')).files.push(name);
    }
  }
  const rank = ({ name, files }: Variant): number =>
    (files.length > 0 ? 0 : 10_000) +
    100 * (name.split('.').length - 1) +
    (OTHER.test(name) ? 50 : 0);
  return [...variants.values()].toSorted((a, b) => rank(a) - rank(b));
}

/** Weights for other uses than painting, or beside those that diffusers reads. */
const OTHER = /non_ema|ema|flax|openvino|onnx|lora/i;

async function indexedFiles(
  folder: string,
  names: readonly string[],
  index: string,
  model: string,
): Promise<TensorFile[]> {
  const map = await readIndex(join(folder, index), model, index);
  const files = new Map<string, TensorFile>();
  for (const file of new Set(map.values())) {
    if (!names.includes(file)) throw new RunError(say('shard-absent', model, shown(file), index));
    files.set(file, await openTensorFile(join(folder, file)));
  }
  for (const [tensor, file] of map) {
    if (files.get(file)?.tensors.has(tensor) !== true) {
      throw new RunError(say('shard-lacks', model, shown(tensor), file));
    }
  }
  return [...files.values()];
}

/** tensor -> file; names of files only, so that an index leads nowhere else */
async function readIndex(path: string, model: string, index: string): Promise<Map<string, string>> {
  try {
    const json = JSON.parse(await readTextFile(path)) as { weight_map?: unknown } | null;
    const map = Object.entries((json?.weight_map ?? {}) as Record<string, unknown>);
    const isName = (value: unknown): value is string =>
      typeof value === 'string' && /^[^/\\]+\.safetensors$/.test(value);
    if (map.length > 0 && map.every(([, file]) => isName(file))) {
      return new Map(map as [string, string][]);
    }
  } catch {
    // told below
  }
  throw new RunError(say('shard-index', model, index));
}

/** Without an index the names tell how many there should be. */
function checkCount(files: readonly TensorFile[]): void {
  for (const { name } of files) {
    const expected = Number(SHARD.exec(name)?.[3] ?? files.length);
    if (files.length !== expected) {
      throw new RunError(say('shards-absent', name, files.length, expected));
    }
  }
}

function together(files: readonly TensorFile[], others: readonly string[]): ShardedTensors {
  const tensors = new Map<string, TensorSlice>();
  for (const file of files) {
    for (const [name, tensor] of file.tensors) {
      if (tensors.has(name)) throw new RunError(say('tensor-twice', file.name, shown(name)));
      tensors.set(name, tensor);
    }
  }
  return {
    tensors,
    files: files.map(({ path }) => path),
    stamps: new Map(files.map(({ path, stamp }) => [path, stamp])),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    stamp: files.map(({ path, stamp }) => `${path}=${stamp}`).join(' '),
    others,
  };
}
