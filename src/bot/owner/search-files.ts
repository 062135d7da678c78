import { open, readdir } from 'node:fs/promises';
import path from 'node:path';

const CHUNK = 1024 * 1024;

/**
 * The files below a folder, by their path in it, that hold one of these texts, read in pieces whatever their size.
 * `skip` says which files and folders are passed over.
 */
export async function filesWith(
  folder: string,
  texts: readonly string[],
  skip: (name: string) => boolean,
): Promise<string[]> {
  const needles = texts.map((text) => Buffer.from(text)).filter(({ length }) => length > 0);
  const found: string[] = [];
  async function look(below: string): Promise<void> {
    const entries = await readdir(path.join(folder, below), { withFileTypes: true });
    for (const entry of entries) {
      const name = path.join(below, entry.name);
      if (skip(name)) continue;
      if (entry.isDirectory()) await look(name);
      else if (entry.isFile() && (await holds(path.join(folder, name), needles))) found.push(name);
    }
  }
  await look('');
  return found;
}

async function holds(file: string, needles: readonly Buffer[]): Promise<boolean> {
  const longest = Math.max(0, ...needles.map(({ length }) => length));
  const handle = await open(file, 'r').catch(() => null);
  // Gone since it was listed.
  if (handle === null) return false;
  try {
    const buffer = Buffer.alloc(CHUNK + longest);
    let kept = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, kept, CHUNK, null);
      if (bytesRead === 0) return false;
      const part = buffer.subarray(0, kept + bytesRead);
      if (needles.some((needle) => part.includes(needle))) return true;
      // A text may begin in one piece and end in the next.
      const next = Math.min(longest, part.length);
      part.copy(buffer, 0, part.length - next);
      kept = next;
    }
  } finally {
    await handle.close();
  }
}
