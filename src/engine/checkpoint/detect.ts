/** A path is looked at: a single file or a diffusers folder. What model is it, and where are its networks' tensors? */
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { RunError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { checkFinite } from './check-part.ts';
import type { CheckpointReading, Facts } from './checkpoint.ts';
import { hasNetworks, readFolder } from './diffusers-folder.ts';
import { shown } from './file/header.ts';
import { openShards, partOf } from './file/shards.ts';
import { openTensorFile } from './file/tensor-file.ts';
import { IN, patternsOf, otherKind } from './kinds.ts';
import { hasUnet, splitFile } from './names/split.ts';
import { familyNotYet } from './names/not-yet.ts';
import { readWords } from './sidecar.ts';
import { readUnetCheckpoint } from './unet/unet-checkpoint.ts';

export type OpenedCheckpoint = CheckpointReading & {
  /** as it was given */
  path: string;
  /** the files that its tensors lie in, real paths */
  files: readonly string[];
  /** of each of them, as it was when its header was read */
  stamps: ReadonlyMap<string, string>;
  /** their sizes together */
  bytes: number;
  /** changes when one of the files does, or what lies beside them */
  stamp: string;
};

/** What people call it: the file without its ending, or the folder. */
export function checkpointName(path: string): string {
  return partOf(basename(path))?.name ?? basename(path).replace(/\.(?:safetensors|sft)$/i, '');
}

/**
 * Headers are read and checked, of the weights only a few numbers.
 * @throws RunError saying what the file is instead, or what is wrong with it
 */
export async function openCheckpoint(path: string): Promise<OpenedCheckpoint> {
  const info = await stat(path).catch(() => null);
  const isFolder = info?.isDirectory() === true && (await hasNetworks(path));
  const opened = isFolder ? await openFolder(path) : await openFile(path, info);
  await checkFinite(opened.info.name, opened.parts);
  return opened;
}

async function openFile(path: string, info: Stats | null): Promise<OpenedCheckpoint> {
  if (info?.isDirectory() !== true) refuseByEnding(path);
  const file = await openWhole(path);
  const words = await readWords(path);
  const patterns = patternsOf(file.tensors);
  const { tensors, metadata } = file;
  const name = checkpointName(path);
  const facts: Facts = { name, layout: 'ldm', tensors, patterns, metadata, words, folder: null };
  return {
    ...(await readFamily(facts, file.name)),
    path,
    files: file.files,
    stamps: file.stamps,
    bytes: file.bytes,
    stamp: `${file.stamp} ${words.stamp}`,
  };
}

type Whole = Pick<OpenedCheckpoint, 'files' | 'stamps' | 'bytes' | 'stamp'> &
  Pick<Facts, 'tensors' | 'metadata'> & { name: string };

/** One file, or all the parts of the network that it is a part of, or a folder of parts. */
async function openWhole(path: string): Promise<Whole> {
  const isFolder = !/\.(?:safetensors|sft)$/i.test(path);
  const part = partOf(basename(path));
  if (!isFolder && part === null) {
    const file = await openTensorFile(path);
    const stamps = new Map([[file.path, file.stamp]]);
    return { ...file, files: [file.path], stamps, stamp: `${file.path}=${file.stamp}` };
  }
  const folder = isFolder ? path : dirname(path);
  const names = await readdir(folder);
  const own = part === null ? names : names.filter((name) => name.startsWith(part.name));
  const parts = await openShards(folder, own, checkpointName(path));
  if (parts === null) throw new UserError(say('not-a-model-file', basename(path)));
  return { ...parts, name: basename(path), metadata: new Map() };
}

async function openFolder(path: string): Promise<OpenedCheckpoint> {
  const name = checkpointName(path);
  const words = await readWords(path);
  const { folder, tensors, files, stamps, bytes, stamp } = await readFolder(path, name);
  const facts: Facts = {
    name,
    layout: 'diffusers',
    tensors,
    patterns: patternsOf(tensors),
    metadata: new Map(),
    words,
    folder,
  };
  return {
    ...(await readFamily(facts, name)),
    path,
    files,
    stamps,
    bytes,
    stamp: `${stamp} ${words.stamp}`,
  };
}

async function readFamily(facts: Facts, file: string): Promise<CheckpointReading> {
  const { tensors, patterns } = facts;
  const beside = otherKind(patterns, tensors, file);
  // A merge may carry leftovers of other kinds: what can be painted with comes first.
  // LoRAs and ControlNets of families that are not painted with have those families' names in them.
  const notYet = familyNotYet(patterns);
  if (notYet === null && hasUnet(tensors)) return readUnetCheckpoint(facts);
  if (beside !== null) throw new RunError(beside);
  if (notYet !== null) throw new RunError(say('family-not-yet', facts.name, notYet));
  const { vae, texts } = splitFile(tensors);
  if (vae !== null) throw new RunError(say('file-is-vae', file, IN.vae));
  if (texts.length > 0 || isBigTextEncoder(patterns)) {
    throw new RunError(say('file-is-text-encoder', file, IN.texts));
  }
  const [example = ''] = tensors.keys();
  throw new RunError(say('file-is-unknown', file, shown(example)));
}

/** T5 and language models, which newer families read prompts with. */
function isBigTextEncoder(patterns: ReadonlySet<string>): boolean {
  return (
    patterns.has('encoder.block.0.layer.0.SelfAttention.q.weight') ||
    patterns.has('model.layers.0.self_attn.q_proj.weight')
  );
}

/** Files that can be told by their ending alone. */
function refuseByEnding(path: string): void {
  const file = basename(path);
  if (/\.(?:ckpt|pt|pth|bin)$/i.test(file)) throw new RunError(say('file-is-pickle', file));
  if (/\.(?:part|partial|crdownload|download|aria2|tmp|incomplete)$/i.test(file)) {
    throw new RunError(say('file-is-coming', file));
  }
  if (/\.onnx$/i.test(file)) throw new RunError(say('file-is-onnx', file));
  if (/\.gguf$/i.test(file)) throw new RunError(say('gguf-not-yet', file));
  if (!/\.(?:safetensors|sft)$/i.test(file)) throw new UserError(say('not-a-model-file', file));
}
