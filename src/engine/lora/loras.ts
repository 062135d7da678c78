/** The folder of LoRA files, and what of them a model is opened with. Files are read only when a prompt asks. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RunError, UserError } from '../errors.ts';
import { somethingElse } from '../checkpoint/wrong-place.ts';
import { openTensorFile } from '../checkpoint/file/tensor-file.ts';
import type { Tensor } from '../checkpoint/safetensors.ts';
import type { PartTensors, TensorSlice } from '../checkpoint/tensors.ts';
import { BranchError, type LowRankBranch } from '../graphs/builder.ts';
import { biasDelta, changedWeights } from './delta.ts';
import type { ChosenLora, OpenedLora } from './opened.ts';
import { type LayerTensors, type LoraPart, type LowRank, readLayers } from './file.ts';
import { addLowRank } from './low-rank.ts';
import { tensorIn } from './numbers.ts';
import { type LayerShapes, type PlacedLora, placeLora } from './placed.ts';
import { namesByLayer, sliceOf, weightNumbers } from './own-weights.ts';
import type { LoraUse } from './tags.ts';
import type { NamedFile } from '../model/named-files.ts';
import { lorasFor } from './files.ts';
import { loraAliases } from './hashes.ts';
import { openWeights } from '../onnx/stored-weights.ts';
import type { OnnxFile } from '../onnx/graph.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { bundledEmbedding, type Embedding } from '../text/embeddings.ts';

/** What a model was opened with. */
export type AppliedLora = {
  name: string;
  /** first 12 hex digits of the SHA-256 over the weights, as A1111 shows it */
  hash: string;
  /** what of it is left out in this model; null: nothing */
  note?: Said | null;
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

/** Throws RunError for files that hold something else. */
export async function openLoras(chosen: readonly ChosenLora[]): Promise<OpenedLora[]> {
  const opened: OpenedLora[] = [];
  for (const lora of chosen) {
    try {
      const { tensors, metadata } = await openTensorFile(lora.file);
      // Of a whole model that lies here by mistake nothing more than its header is read.
      readLayers(tensors, () => null);
      const bytes = await readFile(lora.file);
      const numbers = (tensor: TensorSlice): Tensor => tensorIn(bytes, tensor);
      const numberIn = (tensor: TensorSlice): number | null => numbers(tensor).data[0] ?? null;
      const layers = readLayers(tensors, numberIn, metadata);
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

/** Each with the layers that a model has for it. Throws RunError for one of another kind of model. */
export function placeLoras(
  loras: readonly OpenedLora[],
  shapes: ReadonlyMap<LoraPart, LayerShapes>,
  model: string,
): PlacedLora[] {
  return loras.map((lora) => placeLora(lora, shapes, model, (part) => strengthFor(lora, part)));
}

/** Without the header, so that a changed description is the same LoRA (modules/hashes.py, addnet_hash_safetensors). */
function hashOf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = bytes.length < 8 ? 0 : Number(view.getBigUint64(0, true));
  const weights = bytes.subarray(Math.min(bytes.length, 8 + header));
  return createHash('sha256').update(weights).digest('hex').slice(0, 12);
}

/** Textual inversions that files bring along: they can be called while the LoRA is on. Throws RunError for damaged ones. */
export function bundledEmbeddings(loras: readonly OpenedLora[]): Embedding[] {
  return loras.flatMap((lora) =>
    [...lora.layers.embeddings].map(([name, tensors]) => {
      const own = new Map([...tensors].map(([key, tensor]) => [key, lora.numbers(tensor)]));
      try {
        return bundledEmbedding(name, lora.hash, own);
      } catch (error) {
        const cause = `its embedding ${name}: ${error instanceof Error ? error.message : String(error)}`;
        throw new RunError(say('lora-unreadable', lora.name, basename(lora.file), cause));
      }
    }),
  );
}

/** The edit of one of a model's graphs; null when no LoRA changes it. `path`: of the graph's file. */
export function loraEdit(
  loras: readonly PlacedLora[],
  part: LoraPart,
  path: string,
): ((graph: OnnxFile) => void) | null {
  const wanting = loras.filter(({ placed }) => {
    const { pairs, merged } = placed.get(part) ?? {};
    return (pairs?.size ?? 0) + (merged?.size ?? 0) > 0;
  });
  if (wanting.length === 0) return null;
  return (graph) => {
    // Merged weights first: a branch beside a layer keeps its weights from being found again.
    const merges = wanting.some(({ placed }) => (placed.get(part)?.merged.size ?? 0) > 0);
    const opened = merges ? openWeights(graph, path) : null;
    for (const lora of wanting) {
      const strength = strengthFor(lora, part);
      for (const [layer, change] of mergedChanges(lora, part)) {
        const bias = biasDelta(change)?.map((value) => value * strength) ?? null;
        inWords(lora, () =>
          opened?.change(
            layer,
            (data, shape) => changedWeights(change, { shape, data }, strength),
            bias,
          ),
        );
      }
    }
    for (const [number, lora] of wanting.entries()) {
      const strength = strengthFor(lora, part);
      const wanted = [...(lora.placed.get(part)?.pairs ?? [])].map(([layer, pair]) => ({
        layer,
        pair: inNumbers(lora, pair),
        strength,
      }));
      inWords(lora, () => addLowRank(graph, wanted, `lora_${number}`));
    }
  };
}

function inWords(lora: PlacedLora, work: () => void): void {
  try {
    work();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(say('lora-unreadable', lora.name, basename(lora.file), cause));
  }
}

function inNumbers(lora: OpenedLora, { down, up, mid, alpha }: LowRank<TensorSlice>): LowRank {
  return { down: lora.numbers(down), up: lora.numbers(up), mid: mid && lora.numbers(mid), alpha };
}

/** The layers whose weights are calculated anew, with what is said of them as numbers. */
function* mergedChanges(lora: PlacedLora, part: LoraPart): Generator<[string, LayerTensors]> {
  for (const layer of lora.placed.get(part)?.merged ?? []) {
    const pair = lora.layers.pairs.get(part)?.get(layer);
    const other = lora.layers.others.get(part)?.get(layer) ?? {};
    const entries = Object.entries(other).map(([role, tensor]) => [role, lora.numbers(tensor)]);
    const own = Object.fromEntries(entries) as LayerTensors;
    if (pair === undefined) yield [layer, own];
    else {
      const { down, up, mid, alpha } = inNumbers(lora, pair);
      const rank = alpha === null ? {} : { alpha: { shape: [], data: Float32Array.of(alpha) } };
      yield [layer, { ...own, down, up, ...(mid && { mid }), ...rank }];
    }
  }
}

export type LoraBranches = ReadonlyMap<string, readonly LowRankBranch[]>;

/** What LoRAs add to a graph that is written, by layer; they read their pairs where they lie. */
export function loraBranches(loras: readonly PlacedLora[], part: LoraPart): LoraBranches {
  const branches = new Map<string, LowRankBranch[]>();
  for (const [number, lora] of loras.entries()) {
    const strength = strengthFor(lora, part);
    for (const [layer, { down, up, mid, alpha }] of lora.placed.get(part)?.pairs ?? []) {
      const rank = down.shape[0] ?? 1;
      const scale = (strength * (alpha ?? rank)) / rank;
      const branch = { down, up, mid, scale, label: `lora_${number}` };
      branches.set(layer, [...(branches.get(layer) ?? []), branch]);
    }
  }
  return branches;
}

/**
 * A network's tensors, with those that LoRAs calculate anew as bytes in place of what lies in the file; the others stay
 * where they are.
 */
export async function mergedTensors(
  tensors: PartTensors,
  loras: readonly PlacedLora[],
  part: LoraPart,
): Promise<PartTensors> {
  if (!loras.some(({ placed }) => (placed.get(part)?.merged.size ?? 0) > 0)) return tensors;
  const named = namesByLayer(tensors);
  const merged = new Map(tensors);
  for (const lora of loras) {
    const strength = strengthFor(lora, part);
    for (const [layer, change] of mergedChanges(lora, part)) {
      const name = named.get(layer);
      const weight = name === undefined ? undefined : merged.get(name);
      if (name === undefined || weight === undefined) continue;
      if (weight.packed !== undefined) {
        const cause = 'it changes whole weights, and those of this model are packed in few bits';
        throw new RunError(say('lora-unreadable', lora.name, basename(lora.file), cause));
      }
      const data = await weightNumbers(merged, name);
      inWords(lora, () => {
        const changed = changedWeights(change, { shape: weight.shape, data }, strength);
        merged.set(name, sliceOf(weight, changed));
      });
      const bias = biasDelta(change);
      const biasName = name.replace(/weight$/, 'bias');
      const before = merged.get(biasName);
      if (bias !== null && before !== undefined) {
        const own = await weightNumbers(merged, biasName);
        merged.set(
          biasName,
          sliceOf(
            before,
            own.map((value, i) => value + strength * (bias[i] ?? 0)),
          ),
        );
      }
    }
  }
  return merged;
}

/** Writes a graph with branches. Throws RunError naming the LoRA that does not fit it. */
export function withLoras<T>(
  loras: readonly PlacedLora[],
  part: LoraPart,
  model: string,
  write: (branches: LoraBranches) => T,
): T {
  try {
    return write(loraBranches(loras, part));
  } catch (error) {
    if (!(error instanceof BranchError)) throw error;
    const lora = loras[Number(error.label.replace('lora_', ''))];
    throw new RunError(say('lora-misfit', lora?.name ?? '', model, error.message));
  }
}

function strengthFor({ denoiser, text }: LoraUse, part: LoraPart): number {
  return part === 'denoiser' ? denoiser : text;
}
