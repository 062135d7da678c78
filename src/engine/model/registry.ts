/** The models folder as people see it: names, families, sizes, hashes. Opens no session. */
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, sep } from 'node:path';
import { NO_WISHES, type Wishes } from '../checkpoint/companions.ts';
import { checkpointName } from '../checkpoint/detect.ts';
import { hasNetworks, isDiffusersFolder } from '../checkpoint/diffusers-folder.ts';
import { UserError } from '../errors.ts';
import type { ModelInfo, UnusableModel } from '../request.ts';
import { say } from '../sentences.ts';
import { createReader, type RegistryEntry } from './found/entries.ts';
import { findModels, type FoundModel } from './found/find-models.ts';
import { createListing } from './found/listing.ts';

export type Registry = {
  /** Every readable model, by name; what is not a model is reported through `onRefused` once. */
  list(): Promise<readonly ModelInfo[]>;
  /** What the last `list` could not use. */
  unusable(): readonly UnusableModel[];
  /**
   * By name, by its path below the models folder, or by an absolute path; `wishes`: networks in place of its own.
   * @throws UserError when there is none
   */
  find(wanted: string, wishes?: Wishes): Promise<RegistryEntry>;
  /** Through which door an absolute path is opened. */
  kindOf(path: string): Promise<FoundModel['kind']>;
};

/**
 * The models of a folder: listed without opening one, looked at anew when asked. `onRefused` hears once of each that
 * cannot paint.
 */
export function openRegistry(
  modelsDir: string,
  onRefused: (path: string, reason: string) => void = () => {},
): Registry {
  const read = createReader(modelsDir);
  const refused = new Map<string, string>();
  const noticed = (path: string): void => refuse(path, say('links-in-a-circle', path).words);
  const listed = createListing(modelsDir, read, noticed);
  let unusable: readonly UnusableModel[] = [];

  /** Told once. */
  function refuse(path: string, reason: string): void {
    if (refused.get(path) !== reason) onRefused(path, reason);
    refused.set(path, reason);
  }

  async function scan(): Promise<readonly ModelInfo[]> {
    const infos = new Map<string, ModelInfo>();
    const cannot: UnusableModel[] = [];
    const found = await findModels(modelsDir, noticed);
    const looked = await listed(found);
    for (const [i, model] of found.entries()) {
      try {
        const first = infos.get(model.name);
        const info = looked[i]?.();
        if (info === undefined) continue;
        if (first !== undefined) {
          throw new UserError(say('model-name-twice', model.name, first.folder, model.path));
        }
        infos.set(model.name, info);
        refused.delete(model.path);
      } catch (error) {
        refuse(model.path, error instanceof Error ? error.message : String(error));
        const said = error instanceof UserError ? error.said : [];
        if (said.length > 0) cannot.push({ name: basename(model.path), said });
      }
    }
    unusable = cannot;
    return [...infos.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
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
    unusable: () => unusable,
    kindOf: async (path) => (await modelAt(path)).kind,
    find: async (wanted, wishes = NO_WISHES) => read(await named(wanted, modelsDir), wishes),
  };
}

/** @throws UserError where there is none of this name */
async function named(wanted: string, modelsDir: string): Promise<FoundModel> {
  if (isAbsolute(wanted)) return modelAt(wanted);
  const models = await findModels(modelsDir);
  const model = models.find(
    ({ name, path }) =>
      name === wanted || basename(path) === wanted || pathBelow(modelsDir, path) === wanted,
  );
  if (model !== undefined) return model;
  const names = models.map(({ name }) => name).join(', ');
  throw new UserError(
    names === '' ? say('no-model-at-all', wanted, modelsDir) : say('no-model', wanted, names),
  );
}

/** As people write it, without the ending: checkpoints/anime/name */
function pathBelow(modelsDir: string, path: string): string {
  return relative(modelsDir, path)
    .replaceAll(sep, '/')
    .replace(/\.(?:safetensors|sft)$/i, '');
}

async function modelAt(path: string): Promise<FoundModel> {
  const info = await stat(path).catch(() => null);
  const isFolder = info?.isDirectory() ?? false;
  const isCheckpoint = !isFolder || (await isDiffusersFolder(path)) || !(await hasNetworks(path));
  return { path, name: checkpointName(path), kind: isCheckpoint ? 'checkpoint' : 'onnx' };
}
