/** The upscaling networks of a folder, and which of them a name means. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fold } from '../request/fields/labels.ts';

/** Where two files differ in their endings alone, the first of these counts. */
const ENDINGS = ['.onnx', '.safetensors'] as const;
const FILE = /^(.+)\.(?:onnx|safetensors)$/i;

/** By the names of their files, in alphabetical order; in folders one below as `folder/name`. None where there is none. */
export async function upscalersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const inside = folders.map(async ({ name }) => {
    const files = await readdir(path.join(folder, name)).catch(() => []);
    return networksOf(files).map((file) => `${name}/${file}`);
  });
  const own = networksOf(entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name));
  return [...own, ...(await Promise.all(inside)).flat()].toSorted();
}

/** The file of such a name; where there is none any more, the one that would be it. */
export function upscalerFile(folder: string, name: string): string {
  const files = ENDINGS.map((ending) => path.join(folder, `${name}${ending}`));
  return files.find((file) => existsSync(file)) ?? files[0]!;
}

function networksOf(files: readonly string[]): string[] {
  const names = files.flatMap((file) => (file.startsWith('.') ? [] : (FILE.exec(file)?.[1] ?? [])));
  return [...new Set(names)];
}

/** The one that is called so, with or without its folder and ending, however it is written; null where none is. */
export function upscalerCalled(wanted: string, names: readonly string[]): string | null {
  const plain = fold(wanted.replace(/\.(?:onnx|pth|pt|safetensors)$/i, ''));
  const base = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
  return (
    names.find((name) => name === wanted) ??
    names.find((name) => fold(name) === plain) ??
    names.find((name) => fold(base(name)) === plain) ??
    null
  );
}
