/** A folder as diffusers saves models: a sub-folder a network, each with its config.json and .safetensors files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../errors.ts';
import { readJson } from '../model/folder-files.ts';
import { say } from '../sentences.ts';
import type { Facts, FolderPart } from './checkpoint.ts';
import { openShards } from './file/shards.ts';
import type { TensorSlice } from './tensors.ts';

export type ReadFolder = {
  folder: NonNullable<Facts['folder']>;
  /** of the denoiser */
  tensors: ReadonlyMap<string, TensorSlice>;
  files: readonly string[];
  stamps: ReadonlyMap<string, string>;
  bytes: number;
  stamp: string;
};

/** Sub-folders whose networks are read, the denoiser's two names first. */
const NETWORKS = ['unet', 'transformer', 'vae', 'text_encoder', 'text_encoder_2', 'safety_checker'];

/** Does a folder look like one of diffusers with .safetensors in it? The ONNX door has model.onnx there. */
export async function isDiffusersFolder(path: string): Promise<boolean> {
  for (const denoiser of ['unet', 'transformer']) {
    const names = await readdir(join(path, denoiser)).catch((): string[] => []);
    if (names.includes('model.onnx')) return false;
    if (names.some((name) => /\.(?:safetensors|bin)$/.test(name))) return true;
  }
  return false;
}

/** Sub-folders that networks lie in, or should: a folder without any is one network's own. */
export async function hasNetworks(path: string): Promise<boolean> {
  const names = await readdir(path).catch((): string[] => []);
  const lies = names.some((name) => /\.safetensors(?:\.index(?:\.[\w-]+)?\.json)?$/.test(name));
  return !lies || names.some((name) => NETWORKS.includes(name));
}

/** @throws RunError for what is missing or cannot be read */
export async function readFolder(path: string, name: string): Promise<ReadFolder> {
  const parts = new Map<string, FolderPart>();
  const stamps: string[] = [];
  const fileStamps = new Map<string, string>();
  const files: string[] = [];
  let bytes = 0;
  for (const id of NETWORKS) {
    const inside = await readdir(join(path, id)).catch((): string[] | null => null);
    if (inside === null) continue;
    const opened = await openShards(join(path, id), inside, `${name}/${id}`);
    if (opened === null) continue;
    parts.set(id, {
      config: await readJson(path, name, `${id}/config.json`, {}),
      tensors: opened.tensors,
      others: opened.others,
    });
    stamps.push(`${id}:${opened.stamp} ${await stampOf(join(path, id, 'config.json'))}`);
    files.push(...opened.files);
    for (const [file, stamp] of opened.stamps) fileStamps.set(file, stamp);
    bytes += opened.bytes;
  }
  const denoiser = parts.get('unet') ?? parts.get('transformer');
  if (denoiser === undefined) {
    throw new RunError(say('folder-lacks', name, 'unet/diffusion_pytorch_model.safetensors'));
  }
  const [scheduler, index] = ['scheduler/scheduler_config.json', 'model_index.json'] as const;
  for (const file of [scheduler, index]) stamps.push(await stampOf(join(path, file)));
  const config = await readJson(path, name, scheduler, {});
  return {
    folder: {
      parts,
      scheduler: Object.keys(config).length === 0 ? null : config,
      index: await readJson(path, name, index, {}),
      tokenizers: await tokenizersIn(path),
    },
    tensors: denoiser.tensors,
    files,
    bytes,
    stamps: fileStamps,
    stamp: stamps.join(' '),
  };
}

async function tokenizersIn(path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const id of ['tokenizer', 'tokenizer_2']) {
    const names = await readdir(join(path, id)).catch((): string[] => []);
    const isWhole = names.includes('vocab.json') && names.includes('merges.txt');
    if (isWhole || names.includes('tokenizer.json')) found.set(id, join(path, id));
  }
  return found;
}

async function stampOf(file: string): Promise<string> {
  const info = await stat(file).catch(() => null);
  return info === null ? '' : `${info.size}@${info.mtimeMs}`;
}
