/** Files that prompts call by their name: textual inversions and LoRAs. */
import { existsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

/** Beside the models, or inside a model's folder for that model alone. */
export const LORAS_FOLDER = 'loras';
export const EMBEDDINGS_FOLDER = 'embeddings';

/** `name`: the file's, without its kind; `stamp` changes with its content. */
export type NamedFile = { name: string; file: string; stamp: string };

/** How deep people sort their files: loras/SDXL/style/… */
const DEEPEST = 8;

/**
 * Those in the folder and below of these kinds (`.png`), the first kind's first, then by path; none without a folder.
 * `onCircle` hears of links that lead back to a folder above them.
 */
export async function namedFiles(
  folder: string,
  kinds: readonly string[],
  onCircle: (path: string) => void = () => {},
): Promise<NamedFile[]> {
  // Most models have none: a look without a way to another thread and back.
  if (!existsSync(folder)) return [];
  const files: NamedFile[] = [];
  await walk(folder, { files, kinds, onCircle, walked: new Set() }, 0);
  const rank = ({ file }: NamedFile): number => kinds.indexOf(extname(file).toLowerCase());
  return files.toSorted((a, b) => rank(a) - rank(b) || (a.file < b.file ? -1 : 1));
}

type Walk = {
  files: NamedFile[];
  kinds: readonly string[];
  onCircle: (path: string) => void;
  /** real paths: Node's own recursive readdir follows two links to the folder above for ever */
  walked: Set<string>;
};

async function walk(folder: string, found: Walk, depth: number): Promise<void> {
  const real = await realpath(folder).catch(() => null);
  if (real === null || depth > DEEPEST) return;
  if (found.walked.has(real)) return found.onCircle(folder);
  found.walked.add(real);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const isWanted = found.kinds.includes(extname(entry.name).toLowerCase());
    if (entry.isFile() && !isWanted) continue;
    const info = await stat(path).catch(() => null);
    if (info?.isDirectory()) await walk(path, found, depth + 1);
    if (!info?.isFile() || !isWanted) continue;
    const stamp = `${info.size}@${info.mtimeMs}`;
    found.files.push({ name: basename(path, extname(path)), file: path, stamp });
  }
}
