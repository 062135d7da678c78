/** From files that were fetched to a model in its place. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { type Inspected, inspect } from '../../engine/inspect.ts';
import { placeOf } from '../place.ts';
import type { Plan } from '../plan.ts';
import { sayOfHub } from '../sentences.ts';
import { hashOf, type Pulled, writePulled } from '../shelf.ts';
import type { Work } from './work.ts';

/** Whether it can paint as it lies there; null: a LoRA, an embedding, a VAE, … */
export type FoundModel = Exclude<Inspected, { refused: unknown }> | null;

/** What lies there and was not fetched is somebody's own. @throws UserError when the name is taken */
export async function checkTarget(
  modelsDir: string,
  name: string,
  before: Pulled | null,
  given: string,
): Promise<void> {
  if (before !== null) {
    const same = before.source.split('@')[0] === given.split('@')[0];
    if (!same) throw new UserError(sayOfHub('pull-name-taken', name));
    return;
  }
  const names = await readdir(modelsDir);
  const taken = names.some(
    (one) => one === name || one.replace(/\.(?:safetensors|sft|gguf)$/i, '') === name,
  );
  if (taken) throw new UserError(sayOfHub('pull-name-taken', name));
}

/** What came, and where it belongs. @throws UserError when what came is no model */
export async function place(
  plan: Plan,
  { work, name, modelsDir }: { work: string; name: string; modelsDir: string },
): Promise<{ place: string; model: FoundModel }> {
  const [only] = plan.files;
  const at = plan.layout === 'folder' || only === undefined ? work : path.join(work, only.path);
  const found = await inspect(at, modelsDir);
  const where = placeOf(found, { layout: plan.layout, name, file: only?.path ?? '' });
  if (where === null) {
    await rm(work, { recursive: true, force: true });
    const why = 'refused' in found ? found.refused.why : '';
    throw new UserError(sayOfHub('pull-is-no-model', plan.what, why));
  }
  return { place: where, model: 'refused' in found ? null : found };
}

/**
 * Is what was fetched before what would be fetched now, and does it lie there unchanged? Every file is read and
 * hashed.
 */
export async function isSame(
  before: Pulled,
  now: Pulled,
  modelsDir: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (before.place !== now.place || before.revision !== now.revision) return false;
  if (before.files.length !== now.files.length) return false;
  for (const { path: at, sha256 } of now.files) {
    const file = path.join(modelsDir, before.place, at);
    if ((await hashOf(file, signal).catch(() => null)) !== sha256) return false;
  }
  return true;
}

/**
 * One rename puts it in its place. The note is written before: if the program ends between the two, the same pull finds
 * its files where they were fetched to.
 * @throws UserError when the name is taken meanwhile
 */
export async function install(
  pulled: Pulled,
  before: Pulled | null,
  { work, single, modelsDir }: { work: Work; single: string | null; modelsDir: string },
): Promise<void> {
  const target = path.join(modelsDir, pulled.place);
  const from = single === null ? work.files : path.join(work.files, single);
  await mkdir(path.dirname(target), { recursive: true });
  const old = path.join(work.folder, 'old');
  const stands = await stat(target).catch(() => null);
  if (stands !== null && before === null)
    throw new UserError(sayOfHub('pull-name-taken', pulled.name));
  await writePulled(modelsDir, pulled);
  if (stands !== null) {
    await rm(old, { recursive: true, force: true });
    await rename(target, old);
  }
  await rename(from, target);
  const moved = before !== null && before.place !== pulled.place;
  if (moved) await rm(path.join(modelsDir, before.place), { recursive: true, force: true });
}
