import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../../node_modules/.cache/darkroom/', import.meta.url));

/**
 * Makes a folder once for all tests and later runs, and answers it; nobody may change anything there. `name`: below
 * node_modules/.cache, with a mark of what it is made of. `make` writes to an empty folder and answers the one that is
 * kept, which it may have made below it.
 */
export async function madeOnce(
  name: string,
  make: (empty: string) => Promise<string>,
): Promise<string> {
  const kept = path.join(cache, name);
  if (existsSync(kept)) return kept;
  await mkdir(path.dirname(kept), { recursive: true });
  const empty = await mkdtemp(path.join(cache, 'making-'));
  try {
    // Several test files may make it at once: whoever is second finds it there.
    await rename(await make(empty), kept).catch((error: unknown) => {
      if (!existsSync(kept)) throw error;
    });
  } finally {
    await rm(empty, { recursive: true, force: true });
  }
  return kept;
}
