/** The files that a transformer comes with, and a note of every file that was opened for it. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Json } from '../../../checkpoint/checkpoint.ts';
import { openTensors, type OpenedTensors } from '../../../checkpoint/file/open-tensors.ts';
import { openShards } from '../../../checkpoint/file/shards.ts';
import type { PartTensors, TensorSlice } from '../../../checkpoint/tensors.ts';
import { RunError } from '../../../errors.ts';
import { readJson } from '../../../model/folder-files.ts';
import { say } from '../../../sentences.ts';
import { PROCESSORS } from '../configs.ts';
import type { TransformerFamily } from '../../transformer-family.ts';

/** What was opened on the way, so that changes are noticed. */
export type Used = Map<
  string,
  { stamp: string; bytes: number; architecture?: string; prepare?: () => Promise<void> }
>;

/** One network's tensors under its makers' or diffusers' names, and its config where it has one. */
type Own = { tensors: ReadonlyMap<string, TensorSlice>; path: string; config: Json };

export type OwnFiles = {
  denoiser: Own;
  /** of a folder, by its sub-folders; of a file that holds several networks, the file under '' */
  parts: ReadonlyMap<string, Own>;
  scheduler: Json | null;
  index: Json;
  processor: Json;
};

/** A transformer that was found, and where the networks it works with may lie. */
export type FoundTransformer = {
  name: string;
  path: string;
  family: TransformerFamily;
  /** the transformer's, by diffusers' names */
  tensors: PartTensors;
  files: OwnFiles;
  modelsDir: string | null;
  used: Used;
};

/** Opens what lies at a path; null: it is no file with weights, or a folder without a transformer. */
export async function ownFiles(path: string, used: Used): Promise<OwnFiles | null> {
  const info = await stat(path).catch(() => null);
  return info?.isDirectory() ? filesOfFolder(path, used) : oneFile(path, used);
}

async function oneFile(path: string, used: Used): Promise<OwnFiles | null> {
  if (!/\.(?:safetensors|sft|gguf)$/i.test(path)) return null;
  const { tensors, path: real } = await openFile(path, used);
  const own = { tensors, path: real, config: {} };
  return { denoiser: own, parts: new Map([['', own]]), scheduler: null, index: {}, processor: {} };
}

async function filesOfFolder(path: string, used: Used): Promise<OwnFiles | null> {
  const parts = new Map<string, Own>();
  for (const part of ['transformer', 'vae', 'text_encoder', 'text_encoder_2', 'text_encoder_3']) {
    const folder = join(path, part);
    const names = await readdir(folder).catch((): string[] | null => null);
    if (names === null || names.includes('model.onnx')) continue;
    const opened = await openShards(folder, names, `${basename(path)}/${part}`);
    if (opened === null) continue;
    used.set(folder, { stamp: opened.stamp, bytes: opened.bytes });
    const config = await readJson(folder, `${basename(path)}/${part}`, 'config.json', {});
    parts.set(part, { tensors: opened.tensors, path: opened.files[0] ?? folder, config });
  }
  const denoiser = parts.get('transformer');
  if (denoiser === undefined) return null;
  const name = basename(path);
  const scheduler = await readJson(path, name, 'scheduler/scheduler_config.json', {});
  return {
    denoiser,
    parts,
    scheduler: Object.keys(scheduler).length === 0 ? null : scheduler,
    index: await readJson(path, name, 'model_index.json', {}),
    processor: {
      ...(await readJson(path, name, PROCESSORS[0] ?? '', {})),
      ...(await readJson(path, name, PROCESSORS[1] ?? '', {})),
    },
  };
}

/** Opens a file with weights and notes it in `used`. @throws RunError for one that is damaged */
export async function openFile(path: string, used: Used): Promise<OpenedTensors> {
  const opened = await openTensors(path);
  used.set(opened.path, opened);
  return opened;
}

/**
 * Opens a file, or a folder as diffusers saves one network; `part`: a sub-folder that may hold it.
 * @throws RunError for a folder without weights, or a damaged file
 */
export async function openNetwork(
  path: string,
  used: Used,
  part = '',
): Promise<{ tensors: ReadonlyMap<string, TensorSlice>; path: string }> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() !== true) return openFile(path, used);
  const inside = await readdir(join(path, part)).catch((): string[] | null => null);
  const folder = inside === null ? path : join(path, part);
  const opened = await openShards(folder, inside ?? (await readdir(path)), basename(path));
  if (opened === null) throw new RunError(say('file-has-no-network', basename(path)));
  used.set(folder, { stamp: opened.stamp, bytes: opened.bytes });
  return { tensors: opened.tensors, path: opened.files[0] ?? folder };
}

/** Reads the config beside somebody else's file; empty where there is none that can be read. */
export async function jsonBeside(file: string): Promise<Json> {
  return readJson(dirname(file), basename(dirname(file)), 'config.json', {}).catch(() => ({}));
}
