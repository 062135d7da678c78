/** The models folder as people see it: names, families, sizes, hashes. Opens no session. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { EMBEDDINGS_FOLDER } from '../text/embeddings.ts';
import { UserError } from '../errors.ts';
import { loraNames, LORAS_FOLDER } from '../lora/loras.ts';
import { say } from '../sentences.ts';
import type { ModelInfo } from '../request.ts';
import { defaultsOf } from './family.ts';
import { readLayout, type ModelLayout } from './layout.ts';

export type RegistryEntry = { layout: ModelLayout; info: ModelInfo };

export type Registry = {
  /** Every readable model, by name; folders that are not models are reported through `onRefused` once. */
  list(): Promise<readonly ModelInfo[]>;
  /** By name, or an absolute folder. Throws UserError when there is none. */
  find(nameOrFolder: string): Promise<RegistryEntry>;
};

export function openRegistry(
  modelsDir: string,
  onRefused: (folder: string, reason: string) => void = () => {},
): Registry {
  const known = new Map<string, RegistryEntry>();
  const refused = new Map<string, string>();

  async function read(folder: string): Promise<RegistryEntry> {
    const layout = await readLayout(folder);
    const before = known.get(folder);
    if (before !== undefined && before.layout.stamp === layout.stamp) return before;
    const entry = { layout, info: infoOf(layout, await hashOf(layout)) };
    known.set(folder, entry);
    return entry;
  }

  async function scan(): Promise<readonly ModelInfo[]> {
    const infos: ModelInfo[] = [];
    for (const folder of await modelFolders(modelsDir)) {
      try {
        infos.push({ ...(await read(folder)).info, loras: await loraNames(folder) });
        refused.delete(folder);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (refused.get(folder) !== reason) onRefused(folder, reason);
        refused.set(folder, reason);
      }
    }
    return infos;
  }

  /** Callers that come while the folder is being read share the reading. */
  let scanning: Promise<readonly ModelInfo[]> | null = null;

  return {
    list() {
      scanning ??= scan().finally(() => {
        scanning = null;
      });
      return scanning;
    },
    async find(nameOrFolder) {
      if (isAbsolute(nameOrFolder)) return read(nameOrFolder);
      const folders = await modelFolders(modelsDir);
      const folder = folders.find((candidate) => basename(candidate) === nameOrFolder);
      if (folder !== undefined) return read(folder);
      const names = folders.map((candidate) => basename(candidate)).join(', ');
      throw new UserError(
        names === ''
          ? say('no-model-at-all', nameOrFolder, modelsDir)
          : say('no-model', nameOrFolder, names),
      );
    },
  };
}

/** What lies beside the models and is none. */
const BESIDE_MODELS: ReadonlySet<string> = new Set([
  EMBEDDINGS_FOLDER,
  LORAS_FOLDER,
  'wildcards',
  'upscalers',
]);

/** Folders directly below the models folder, sorted by name; hidden ones are left alone. */
async function modelFolders(modelsDir: string): Promise<string[]> {
  const entries = await readdir(modelsDir, { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    throw new UserError(say('models-folder-unreadable', modelsDir));
  }
  const folders: string[] = [];
  for (const { name } of entries) {
    if (name.startsWith('.') || BESIDE_MODELS.has(name)) continue;
    const info = await stat(join(modelsDir, name)).catch(() => null);
    if (info?.isDirectory()) folders.push(join(modelsDir, name));
  }
  return folders.toSorted();
}

function infoOf(layout: ModelLayout, hash: string): ModelInfo {
  return {
    name: layout.name,
    folder: layout.folder,
    hash,
    family: layout.family,
    inpainting: layout.inpainting,
    safetyChecker: layout.safetyChecker !== null,
    sizeFactor: layout.sizeFactor,
    network: {
      schedulerConfig: layout.schedulerConfig,
      guidesItself: layout.guidanceEmbedding !== null,
      textEncoders: layout.textEncoders.length,
    },
    nativeSize: layout.nativeSize,
    defaults: defaultsOf(layout),
  };
}

const hashes = new Map<string, Promise<string>>();

/**
 * First 10 hex digits of SHA-256 over the denoiser's graph file followed by the name and size of each external data
 * file: gigabytes of weights are never read only to name a model.
 */
function hashOf(layout: ModelLayout): Promise<string> {
  const key = `${layout.folder} ${layout.stamp}`;
  let hash = hashes.get(key);
  if (hash === undefined) {
    hash = digest(layout.denoiser.path);
    hashes.set(key, hash);
    hash.catch(() => hashes.delete(key));
  }
  return hash;
}

async function digest(graph: string): Promise<string> {
  const sha = createHash('sha256');
  for await (const part of createReadStream(graph, { highWaterMark: 1 << 18 })) {
    sha.update(part as Buffer);
  }
  const folder = dirname(graph);
  for (const file of (await readdir(folder)).toSorted()) {
    if (file === basename(graph) || /\.(json|txt|md)$/.test(file)) continue;
    sha.update(`${file} ${(await stat(join(folder, file))).size}\n`);
  }
  return sha.digest('hex').slice(0, 10);
}
