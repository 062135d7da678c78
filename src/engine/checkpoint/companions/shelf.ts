/** The folders where people keep VAEs and text encoders, and what was taken from them. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RunError } from '../../errors.ts';
import { say } from '../../sentences.ts';
import type { OpenedCheckpoint } from '../detect.ts';
import { openShards } from '../file/shards.ts';
import { openTensorFile } from '../file/tensor-file.ts';
import type { TensorSlice } from '../tensors.ts';

/** Sub-folders of the models folder, by the names that other programs give them. */
export const VAE_FOLDERS = ['vae', 'VAE'];
export const TEXT_FOLDERS = ['text_encoders', 'clip', 'text_encoder'];

export type Shelf = {
  model: OpenedCheckpoint;
  modelsDir: string | null;
  /** files that were taken from elsewhere */
  used: Map<string, { stamp: string; bytes: number }>;
};

/** Of a file, or of a folder as diffusers saves a VAE. @throws RunError for a folder without one */
export async function tensorsIn(
  path: string,
  onOpened: (file: { stamp: string; bytes: number }) => void,
): Promise<ReadonlyMap<string, TensorSlice>> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() !== true) {
    const file = await openTensorFile(path);
    onOpened(file);
    return file.tensors;
  }
  const shards = await openShards(path, await readdir(path), basename(path));
  if (shards === null) throw new RunError(say('file-has-no-vae', basename(path)));
  onOpened(shards);
  return shards.tensors;
}

/** .safetensors files and folders of them directly below, by name. */
export async function filesIn(
  modelsDir: string | null,
  folders: readonly string[],
): Promise<string[]> {
  if (modelsDir === null) return [];
  const found: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(join(modelsDir, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(modelsDir, folder, entry.name);
      if (/\.(?:safetensors|sft)$/i.test(entry.name)) found.push(path);
      else if (entry.isDirectory()) {
        const inside = await readdir(path).catch((): string[] => []);
        if (inside.some((name) => name.endsWith('.safetensors'))) found.push(path);
      }
    }
  }
  // A file system that knows no capitals shows one folder under both names.
  return [...new Map(found.map((path) => [path.toLowerCase(), path])).values()].toSorted();
}

/** Does something lie at this path? What cannot be looked at does not. */
export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/** Changes when a file comes into one of these folders or a folder there, changes, or goes: tokenizers and GGUFs, too. */
export async function shelfStamp(modelsDir: string): Promise<string> {
  const folders = [...VAE_FOLDERS, ...TEXT_FOLDERS, 'tokenizers'];
  const stamps = folders.map((folder) => stampsBelow(join(modelsDir, folder), 1));
  return (await Promise.all(stamps)).flat().join(' ');
}

async function stampsBelow(folder: string, deeper: number): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const stamps = names.toSorted().map(async (name): Promise<string[]> => {
    const path = join(folder, name);
    const info = await stat(path).catch(() => null);
    if (info?.isDirectory()) return deeper > 0 ? stampsBelow(path, deeper - 1) : [];
    return [`${path}=${info?.size}@${info?.mtimeMs}`];
  });
  return (await Promise.all(stamps)).flat();
}
