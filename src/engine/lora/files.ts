import { join } from 'node:path';
import { LORAS_FOLDER, type NamedFile, namedFiles } from '../model/named-files.ts';

/** `beside`: see ModelLayout; the first folder that holds a name wins. */
export async function lorasFor(
  beside: readonly string[],
  onCircle?: (path: string) => void,
): Promise<NamedFile[]> {
  const byName = new Map<string, NamedFile>();
  for (const folder of beside) {
    for (const file of await namedFiles(join(folder, LORAS_FOLDER), ['.safetensors'], onCircle)) {
      if (!byName.has(file.name.toLowerCase())) byName.set(file.name.toLowerCase(), file);
    }
  }
  return [...byName.values()];
}
