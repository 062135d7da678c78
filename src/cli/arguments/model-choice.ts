import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import { modelToBeginWith } from '../../engine/request-codec.ts';
import type { ModelInfo } from '../../engine/request.ts';

/** A model and what a request calls it: its name in the models folder, or its absolute path. */
export type ChosenModel = { info: ModelInfo; requestName: string };

/**
 * A name of the models folder wins over a file or folder of that name; nothing wanted means the first model that paints
 * without a start picture. `hasWishes`: networks are named in place of the model's own. Throws UserError naming what
 * there is.
 */
export async function chooseModel(
  wanted: string | null,
  engine: Engine,
  describe: (nameOrPath: string) => Promise<ModelInfo>,
  hasWishes = false,
): Promise<ChosenModel> {
  if (wanted !== null && /[/\\]/.test(wanted)) return describePath(wanted, describe);
  const models = await engine.models();
  const names = models.map(({ name }) => name).join(', ');
  if (wanted === null) {
    const first = modelToBeginWith(models);
    if (!first) throw new UserError('There is no model in the models folder (MODELS_DIR).');
    return { info: first, requestName: first.name };
  }
  const named = models.find(({ name }) => name === wanted);
  if (named) return { info: named, requestName: named.name };
  if (await isThere(wanted)) return describePath(wanted, describe);
  // what is not listed may only lack a network that was named
  if (hasWishes) return { info: await describe(wanted), requestName: wanted };
  throw new UserError(
    `model "${wanted}" is not known. There is ${names || 'none in the models folder'}; --model also takes a .safetensors file or a folder.`,
  );
}

async function describePath(
  wanted: string,
  describe: (path: string) => Promise<ModelInfo>,
): Promise<ChosenModel> {
  if (!(await isThere(wanted))) throw new UserError(`model ${wanted} does not exist.`);
  const absolute = path.resolve(wanted);
  return { info: await describe(absolute), requestName: absolute };
}

async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}
