import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { openTensorFile } from '../checkpoint/file/tensor-file.ts';
import type { Tensor } from '../checkpoint/safetensors.ts';
import type { TensorSlice } from '../checkpoint/tensors.ts';
import { somethingElse } from '../checkpoint/wrong-place.ts';
import { RunError, UserError } from '../errors.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { bundledEmbedding, type Embedding } from '../text/embeddings.ts';
import { type LoraFile, type LowRank, readLayers } from './file.ts';
import { type LoraPart } from './places.ts';
import { tensorIn } from './weights/numbers.ts';
import type { LoraUse } from './tags.ts';

/** A file that a prompt asks for; `stamp` changes with its content. */
export type ChosenLora = LoraUse & { file: string; stamp: string };

export type OpenedLora = ChosenLora & {
  hash: string;
  /** where its tensors lie in its file */
  layers: LoraFile<TensorSlice>;
  /** one of its tensors as numbers */
  numbers(tensor: TensorSlice): Tensor;
  bytesOf(tensor: TensorSlice): Uint8Array;
};

/** What a model was opened with. */
export type AppliedLora = {
  name: string;
  /** first 12 hex digits of the SHA-256 over the weights, as A1111 shows it */
  hash: string;
  /** what of it is left out in this model; null: nothing */
  note?: Said | null;
};

/** @throws RunError for a file that holds something else */
export async function openLora(lora: ChosenLora): Promise<OpenedLora> {
  try {
    const { tensors, metadata } = await openTensorFile(lora.file);
    // Of a whole model that lies here by mistake nothing more than its header is read.
    readLayers(tensors, () => null);
    const bytes = await readFile(lora.file);
    const numbers = (tensor: TensorSlice): Tensor => tensorIn(tensor.bytes ?? bytes, tensor);
    const bytesOf = ({ offset, length }: TensorSlice): Uint8Array =>
      bytes.subarray(offset, offset + length);
    const numberIn = (tensor: TensorSlice): number | null => numbers(tensor).data[0] ?? null;
    const layers = readLayers(tensors, numberIn, metadata);
    return { ...lora, hash: hashOf(bytes), layers, numbers, bytesOf };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const other = await somethingElse(lora.file, 'file-is-lora');
    if (other !== null) throw new RunError(other);
    const cause = error instanceof Error ? error.message : String(error);
    throw new RunError(say('lora-unreadable', lora.name, basename(lora.file), cause));
  }
}

/** Without the header, so that a changed description is the same LoRA (modules/hashes.py, addnet_hash_safetensors). */
function hashOf(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = bytes.length < 8 ? 0 : Number(view.getBigUint64(0, true));
  const weights = bytes.subarray(Math.min(bytes.length, 8 + header));
  return createHash('sha256').update(weights).digest('hex').slice(0, 12);
}

/**
 * Textual inversions that the file brings along: they can be called while the LoRA is on.
 * @throws RunError for a damaged one
 */
export function bundledEmbeddings(lora: OpenedLora): Embedding[] {
  return [...lora.layers.embeddings].map(([name, tensors]) => {
    const own = new Map([...tensors].map(([key, tensor]) => [key, lora.numbers(tensor)]));
    try {
      return bundledEmbedding(name, lora.hash, own);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw unreadable(lora, `its embedding ${name}: ${cause}`);
    }
  });
}

/** Makes the error of a LoRA whose file turns out to be unreadable while it is used. */
export function unreadable({ name, file }: ChosenLora, cause: string): RunError {
  return new RunError(say('lora-unreadable', name, basename(file), cause));
}

/** The strength that a part of a model is changed with. */
export function strengthFor({ denoiser, text }: LoraUse, part: LoraPart): number {
  return part === 'denoiser' ? denoiser : text;
}

/** A thin pair, read. */
export function inNumbers(
  lora: OpenedLora,
  { down, up, mid, alpha }: LowRank<TensorSlice>,
): LowRank {
  return { down: lora.numbers(down), up: lora.numbers(up), mid: mid && lora.numbers(mid), alpha };
}
