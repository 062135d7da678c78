/** A VAE for a model: its own, one that somebody names, or the one that is likely. */
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { RunError, UserError } from '../../errors.ts';
import { unetFamilyNamed } from '../../families/families.ts';
import type { UnetFamily } from '../../families/unet-family.ts';
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { checkPart } from '../check-part.ts';
import { checkpointName } from '../detect.ts';
import { IN } from '../kinds.ts';
import { splitFile } from '../names/split.ts';
import { type VaeShape, vaeBlueprint, vaeShape } from '../shape/vae-shape.ts';
import type { PartTensors } from '../tensors.ts';
import { filesIn, isThere, type Shelf, tensorsIn, VAE_FOLDERS } from './shelf.ts';

export type CompanionVae = {
  /** the file it lies in */
  path: string;
  tensors: PartTensors;
  shape: VaeShape;
  /** null: the model's own */
  how: Said | null;
};

/** @throws UserError for a wish that cannot be met, and where none is to be found */
export async function vaeFor(shelf: Shelf, wish: string | null): Promise<CompanionVae> {
  const { model } = shelf;
  const { info, parts } = model;
  const wanted = isOwn(wish) ? info.vaeName : wish;
  if (wanted !== null && !isOwn(wanted)) {
    const path = await findVae(shelf, wanted);
    return openVae(shelf, path, say('how-named', wanted));
  }
  if (parts.vae !== null && info.vae !== null) {
    const path = model.files[0] ?? model.path;
    return { path, tensors: parts.vae, shape: info.vae, how: null };
  }
  const beside = await besideModel(model.path);
  if (beside !== null) return openVae(shelf, beside, say('how-beside', basename(beside)));
  const likely = likelyVaes(await fittingVaes(shelf), unetFamilyNamed(info.family));
  const [only, ...others] = likely;
  if (only !== undefined && others.length === 0) {
    return openVae(shelf, only, say('how-shelf', basename(only), IN.vae));
  }
  if (only === undefined) throw new RunError(say('model-needs-vae', info.name, IN.vae));
  const names = likely.map((path) => checkpointName(path)).join(', ');
  throw new RunError(say('model-needs-one-vae', info.name, names));
}

/** Those on the shelf whose latents the model has; what else lies there belongs to others. */
async function fittingVaes({ model, modelsDir }: Shelf): Promise<string[]> {
  const fitting: string[] = [];
  for (const path of await filesIn(modelsDir, VAE_FOLDERS)) {
    try {
      await openVae({ model, modelsDir, used: new Map() }, path, say('how-named', path));
      fitting.push(path);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return fitting;
}

function isOwn(wish: string | null): boolean {
  return wish === null || wish === '' || /^(?:automatic|baked|none)$/i.test(wish);
}

/** NAME.vae.safetensors, as A1111 looks for it. */
async function besideModel(model: string): Promise<string | null> {
  const path = join(dirname(model), `${checkpointName(model)}.vae.safetensors`);
  return (await isThere(path)) ? path : null;
}

/** All VAEs of SD 1 and 2 fit each other and have the shape of SDXL's: what tells them apart are their names. */
function likelyVaes(paths: readonly string[], { vae }: UnetFamily): string[] {
  return paths.filter((path) => vae.isNamed(basename(path)) || paths.length === 1);
}

async function findVae({ model, modelsDir }: Shelf, wanted: string): Promise<string> {
  if (isAbsolute(wanted) || /[/\\]/.test(wanted)) {
    const path = isAbsolute(wanted) ? wanted : join(dirname(model.path), wanted);
    if (await isThere(path)) return path;
    throw new UserError(say('no-vae-file', wanted));
  }
  const shelved = await filesIn(modelsDir, VAE_FOLDERS);
  const bare = checkpointName(wanted).toLowerCase();
  const found = shelved.find((path) => checkpointName(path).toLowerCase() === bare);
  if (found !== undefined) return found;
  const beside = join(dirname(model.path), wanted);
  if (extname(wanted) !== '' && (await isThere(beside))) return beside;
  const names = shelved.map((path) => checkpointName(path));
  throw new UserError(
    names.length === 0
      ? say('no-vae-at-all', wanted, IN.vae)
      : say('no-vae', wanted, names.slice(0, 20).join(', ')),
  );
}

async function openVae(shelf: Shelf, path: string, how: Said): Promise<CompanionVae> {
  const { info } = shelf.model;
  const tensors = await tensorsIn(path, ({ stamp, bytes }) => {
    shelf.used.set(path, { stamp, bytes });
  });
  const own = splitFile(tensors).vae;
  if (own === null) throw new RunError(say('file-has-no-vae', basename(path)));
  const shape = vaeShape(own);
  checkPart(basename(path), 'vae', own, vaeBlueprint(own, shape));
  if (shape.latentChannels !== info.unet.outChannels) {
    const channels = [shape.latentChannels, info.unet.outChannels] as const;
    throw new RunError(say('vae-misfit', basename(path), info.name, ...channels));
  }
  return { path, tensors: own, shape, how };
}

/** VAEs that models may be given by name, and how many channels their latents have. */
export async function vaesOnShelf(
  modelsDir: string,
): Promise<{ name: string; latentChannels: number }[]> {
  const found: { name: string; latentChannels: number }[] = [];
  for (const path of await filesIn(modelsDir, VAE_FOLDERS)) {
    try {
      const vae = splitFile(await tensorsIn(path, () => {})).vae;
      if (vae === null) continue;
      found.push({
        name: checkpointName(path),
        latentChannels: vaeShape(vae).latentChannels,
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return found;
}
