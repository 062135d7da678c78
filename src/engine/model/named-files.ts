/** Files that prompts call by their name: textual inversions and LoRAs. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

/** Beside the models, or inside a model's folder for that model alone. */
export const LORAS_FOLDER = 'loras';
export const EMBEDDINGS_FOLDER = 'embeddings';

/** `name`: the file's, without its kind; `stamp` changes with its content. */
export type NamedFile = { name: string; file: string; stamp: string };

/** Those in the folder and below of these kinds (`.png`), the first kind's first, then by path; none without a folder. */
export async function namedFiles(folder: string, kinds: readonly string[]): Promise<NamedFile[]> {
  // Most models have none: a look without a way to another thread and back.
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true }).catch((): string[] => []);
  const files: NamedFile[] = [];
  for (const entry of entries) {
    if (!kinds.includes(extname(entry).toLowerCase())) continue;
    const file = join(folder, entry);
    const info = await stat(file).catch(() => null);
    if (!info?.isFile()) continue;
    const stamp = `${info.size}@${info.mtimeMs}`;
    files.push({ name: basename(entry, extname(entry)), file, stamp });
  }
  const rank = ({ file }: NamedFile): number => kinds.indexOf(extname(file).toLowerCase());
  return files.toSorted((a, b) => rank(a) - rank(b) || (a.file < b.file ? -1 : 1));
}
