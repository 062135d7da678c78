/** Where the networks of a transformer are looked for when its own file does not bring them. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { openTensors, type OpenedTensors } from '../../../checkpoint/file/open-tensors.ts';
import { UserError } from '../../../errors.ts';
import { say } from '../../../sentences.ts';

export const FOLDERS = {
  texts: ['text_encoders', 'clip', 'text_encoder'],
  vae: ['vae', 'VAE'],
  tokenizers: ['tokenizers'],
} as const;

/** The weights in these sub-folders of the models folder, and in folders there that people sort them into. */
export async function shelved(
  modelsDir: string | null,
  folders: readonly string[],
): Promise<string[]> {
  if (modelsDir === null) return [];
  const found: string[] = [];
  for (const folder of folders) {
    const at = join(modelsDir, folder);
    const names = await namesIn(at);
    found.push(...weightsOf(at, names));
    for (const name of names) {
      if (!/\.\w+$/.test(name))
        found.push(...weightsOf(join(at, name), await namesIn(join(at, name))));
    }
  }
  return found;
}

/** Empty for what is no folder. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).toSorted();
}

function weightsOf(folder: string, names: readonly string[]): string[] {
  return names
    .filter((name) => /\.(?:safetensors|sft|gguf)$/i.test(name))
    .map((name) => join(folder, name));
}

/** What cannot be read on a shelf is left there. */
export async function openQuietly(path: string): Promise<OpenedTensors | null> {
  try {
    return await openTensors(path);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** @throws UserError when no file or shelved VAE has that name */
export async function namedVae(
  wanted: string,
  { model, modelsDir }: { model: string; modelsDir: string | null },
): Promise<string> {
  if (isAbsolute(wanted) || /[/\\]/.test(wanted)) {
    const path = isAbsolute(wanted) ? wanted : join(dirname(model), wanted);
    if (await isThere(path)) return path;
    throw new UserError(say('no-vae-file', wanted));
  }
  const all = await shelved(modelsDir, FOLDERS.vae);
  const bare = (path: string): string =>
    basename(path)
      .replace(/\.(?:safetensors|sft|gguf)$/i, '')
      .toLowerCase();
  const found = all.find((path) => bare(path) === bare(wanted));
  if (found !== undefined) return found;
  throw new UserError(
    all.length === 0
      ? say('no-vae-at-all', wanted, 'models/vae')
      : say('no-vae', wanted, all.slice(0, 20).map(bare).join(', ')),
  );
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/** Folders with a tokenizer.json: those named, the model's own, beside it, and on the shelf, in this order. */
export async function tokenizerFolders(
  model: string,
  modelsDir: string | null,
  named: readonly string[],
): Promise<string[]> {
  const near = [dirname(model), dirname(dirname(model))].flatMap((folder) =>
    ['tokenizer', 'tokenizer_2', 'tokenizer_3'].map((name) => join(folder, name)),
  );
  const onShelf: string[] = [];
  for (const folder of modelsDir === null ? [] : FOLDERS.tokenizers) {
    const at = join(modelsDir as string, folder);
    for (const name of await readdir(at).catch((): string[] => [])) onShelf.push(join(at, name));
  }
  const found: string[] = [];
  for (const folder of [...named, ...near, ...onShelf]) {
    const names = await readdir(folder).catch((): string[] => []);
    if (names.includes('tokenizer.json') || names.includes('merges.txt')) found.push(folder);
  }
  return found;
}
