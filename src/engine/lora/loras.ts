/** The folder of LoRA files, and what of them a model is opened with. Files are read only when a prompt asks. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RunError, UserError } from '../errors.ts';
import { isFloating, toFloat32 } from '../checkpoint/file/numbers.ts';
import { somethingElse } from '../checkpoint/wrong-place.ts';
import { openTensorFile } from '../checkpoint/file/tensor-file.ts';
import type { TensorSlice } from '../checkpoint/tensors.ts';
import { BranchError, type LowRankBranch } from '../graphs/builder.ts';
import { type LoraLayers, type LoraPart, pairUp, readLora } from './file.ts';
import type { LoraUse } from './tags.ts';
import type { NamedFile } from '../model/named-files.ts';
import { lorasFor } from './files.ts';
import { loraAliases } from './hashes.ts';
import { addLowRank } from '../onnx/low-rank.ts';
import type { OnnxFile } from '../onnx/graph.ts';
import { say } from '../sentences.ts';

/** A file that a prompt asks for; `stamp` changes with its content. */
export type ChosenLora = LoraUse & { file: string; stamp: string };

/** What a model was opened with. */
export type AppliedLora = {
  name: string;
  /** first 12 hex digits of the SHA-256 over the weights, as A1111 shows it */
  hash: string;
};

/** The names that prompts for a model may use, in order; `beside`: see ModelLayout. */
export async function loraNames(
  beside: readonly string[],
  onCircle?: (path: string) => void,
): Promise<string[]> {
  return (await lorasFor(beside, onCircle)).map(({ name }) => name).toSorted();
}

/** Names of files, and files' names by what their makers called them. */
export type KnownLoras = {
  loras?: readonly string[];
  loraAliases?: Readonly<Record<string, string>>;
};

/** Throws UserError for a name without a file. */
export async function chooseLoras(
  uses: readonly LoraUse[],
  beside: readonly string[],
): Promise<readonly ChosenLora[]> {
  if (uses.length === 0) return [];
  const files = await lorasFor(beside);
  const known = {
    loras: files.map(({ name }) => name),
    loraAliases: await loraAliases(beside),
  };
  return uses.map((use) => {
    const found = findLora(use.name, known);
    const file = files.find(({ name }) => name === found) as NamedFile;
    return { ...use, ...file };
  });
}

/** The name as the file has it; capitals do not matter. Null when there is none. */
export function knownLora(
  wanted: string,
  { loras = [], loraAliases: aliases = {} }: KnownLoras,
): string | null {
  const small = wanted.toLowerCase();
  const own = loras.find((name) => name.toLowerCase() === small);
  return own ?? (Object.hasOwn(aliases, small) ? (aliases[small] ?? null) : null);
}

/** The same. Throws UserError when there is none. */
export function findLora(wanted: string, known: KnownLoras): string {
  const found = knownLora(wanted, known);
  if (found !== null) return found;
  const { loras: names = [] } = known;
  throw new UserError(
    names.length === 0
      ? say('no-lora-at-all', wanted.slice(0, 60))
      : say('no-lora', wanted.slice(0, 60), likelyOnes(wanted, names)),
  );
}

const LISTED = 12;

/** Names that begin like the wanted one come first: people type from memory. */
function likelyOnes(wanted: string, names: readonly string[]): string {
  const start = wanted.slice(0, 3).toLowerCase();
  const rank = (name: string): number => (name.toLowerCase().includes(start) ? 0 : 1);
  const more = names.length - LISTED;
  const shown = names.toSorted((a, b) => rank(a) - rank(b)).slice(0, LISTED);
  return shown.join(', ') + (more > 0 ? ` … (+${more})` : '');
}

export type OpenedLora = ChosenLora & {
  hash: string;
  /** where its pairs lie in its file */
  layers: LoraLayers<TensorSlice>;
  /** its pairs as numbers, read anew each time */
  numbers(): LoraLayers;
};

/** Throws RunError for files that hold something else. */
export async function openLoras(chosen: readonly ChosenLora[]): Promise<OpenedLora[]> {
  const opened: OpenedLora[] = [];
  for (const lora of chosen) {
    try {
      const { tensors } = await openTensorFile(lora.file);
      // Of a whole model that lies here by mistake nothing more than its header is read.
      pairUp(tensors, () => null);
      const bytes = await readFile(lora.file);
      const layers = pairUp(tensors, (alpha) => numberIn(bytes, alpha));
      const numbers = (): LoraLayers => readLora(bytes, basename(lora.file));
      opened.push({ ...lora, hash: hashOf(bytes), layers, numbers });
    } catch (error) {
      if (error instanceof UserError) throw error;
      const other = await somethingElse(lora.file, 'file-is-lora');
      if (other !== null) throw new RunError(other);
      const cause = error instanceof Error ? error.message : String(error);
      throw new RunError(say('lora-unreadable', lora.name, basename(lora.file), cause));
    }
  }
  return opened;
}

/** The number of a tensor that holds one: alpha beside a pair. */
function numberIn(bytes: Uint8Array, { offset, length, type }: TensorSlice): number | null {
  if (!isFloating(type)) return null;
  const own = new Uint8Array(bytes.subarray(offset, offset + length));
  return toFloat32(own.buffer, type)[0] ?? null;
}

/** Without the header, so that a changed description is the same LoRA (modules/hashes.py, addnet_hash_safetensors). */
function hashOf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = bytes.length < 8 ? 0 : Number(view.getBigUint64(0, true));
  const weights = bytes.subarray(Math.min(bytes.length, 8 + header));
  return createHash('sha256').update(weights).digest('hex').slice(0, 12);
}

function changing(loras: readonly OpenedLora[], part: LoraPart): readonly OpenedLora[] {
  return loras.filter(
    (lora) => strengthFor(lora, part) !== 0 && (lora.layers.get(part)?.size ?? 0) > 0,
  );
}

/** The edit of one of a model's graphs; null when no LoRA changes it. Throws RunError for one of another kind of model. */
export function loraEdit(
  loras: readonly OpenedLora[],
  part: LoraPart,
  model: string,
): ((graph: OnnxFile) => void) | null {
  const wanting = changing(loras, part);
  if (wanting.length === 0) return null;
  return (graph) => {
    for (const [number, lora] of wanting.entries()) {
      const strength = strengthFor(lora, part);
      const wanted = [...(lora.numbers().get(part) ?? [])];
      try {
        addLowRank(
          graph,
          wanted.map(([layer, pair]) => ({ layer, pair, strength })),
          `lora_${number}`,
        );
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        throw new RunError(say('lora-misfit', lora.name, model, cause));
      }
    }
  };
}

export type LoraBranches = ReadonlyMap<string, readonly LowRankBranch[]>;

/** What LoRAs add to a graph that is written, by layer; they read their pairs where they lie. */
export function loraBranches(loras: readonly OpenedLora[], part: LoraPart): LoraBranches {
  const branches = new Map<string, LowRankBranch[]>();
  for (const [number, lora] of changing(loras, part).entries()) {
    const strength = strengthFor(lora, part);
    for (const [layer, { down, up, mid, alpha }] of lora.layers.get(part) ?? []) {
      const rank = down.shape[0] ?? 1;
      const scale = (strength * (alpha ?? rank)) / rank;
      const branch = { down, up, mid, scale, label: `lora_${number}` };
      branches.set(layer, [...(branches.get(layer) ?? []), branch]);
    }
  }
  return branches;
}

/** Writes a graph with branches. Throws RunError naming the LoRA that does not fit it. */
export function withLoras<T>(
  loras: readonly OpenedLora[],
  part: LoraPart,
  model: string,
  write: (branches: LoraBranches) => T,
): T {
  try {
    return write(loraBranches(loras, part));
  } catch (error) {
    if (!(error instanceof BranchError)) throw error;
    const lora = changing(loras, part)[Number(error.label.replace('lora_', ''))];
    throw new RunError(say('lora-misfit', lora?.name ?? '', model, error.message));
  }
}

/** Throws RunError when a file changes text encoders that the model lacks. */
export function checkParts(
  loras: readonly OpenedLora[],
  parts: ReadonlySet<LoraPart>,
  model: string,
): void {
  for (const lora of loras) {
    const absent = [...lora.layers.keys()].find((part) => !parts.has(part));
    if (absent !== undefined && strengthFor(lora, absent) !== 0) {
      throw new RunError(say('lora-misfit', lora.name, model, `it changes a ${absent}`));
    }
  }
}

function strengthFor({ denoiser, text }: LoraUse, part: LoraPart): number {
  return part === 'denoiser' ? denoiser : text;
}
