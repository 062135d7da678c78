/**
 * Networks that a model lacks, or has others for: a VAE or text encoders in files of their own, named by somebody,
 * beside the model, or in the folders where people keep them.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { RunError, UserError } from '../errors.ts';
import { unetFamilyNamed } from '../families/families.ts';
import type { TextHabits, UnetFamily } from '../families/unet-family.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { checkPart } from './check-part.ts';
import type { CheckpointInfo, CheckpointText, WantedText } from './checkpoint.ts';
import { checkpointName, type OpenedCheckpoint } from './detect.ts';
import { checkText, describeText } from './unet/texts.ts';
import { openShards } from './file/shards.ts';
import { openTensorFile } from './file/tensor-file.ts';
import { IN } from './kinds.ts';
import { splitFile, type TextPart } from './names/split.ts';
import { type VaeShape, vaeBlueprint, vaeShape } from './shape/vae-shape.ts';
import type { PartTensors, TensorSlice } from './tensors.ts';

/** What somebody asks for in place of the model's own; null and none: nothing. */
export type Wishes = {
  /** a name in models/vae, or a path; `automatic` and `baked` mean the model's own */
  vae: string | null;
  /** paths */
  textEncoders: readonly string[];
  /** of a diffusion transformer: folders with tokenizers; absent: none */
  tokenizers?: readonly string[];
};

export const NO_WISHES: Wishes = { vae: null, textEncoders: [] };

export type CompanionVae = {
  /** the file it lies in */
  path: string;
  tensors: PartTensors;
  shape: VaeShape;
  /** null: the model's own */
  how: Said | null;
};

export type CompanionText = { path: string; tensors: PartTensors; text: CheckpointText };

export type Complete = {
  vae: CompanionVae;
  texts: readonly CompanionText[];
  /** changes when a file does that is not the model's own */
  stamp: string;
  /** of each of those files */
  stamps: ReadonlyMap<string, string>;
  bytes: number;
};

/** Sub-folders of the models folder, by the names that other programs give them. */
const VAE_FOLDERS = ['vae', 'VAE'];
const TEXT_FOLDERS = ['text_encoders', 'clip', 'text_encoder'];

/**
 * The model's networks, all of them. `modelsDir`: where the folders of VAEs and text encoders are; null: nowhere.
 * @throws UserError for a wish that cannot be met, and for a network that is nowhere to be found
 */
export async function complete(
  model: OpenedCheckpoint,
  modelsDir: string | null,
  wishes: Wishes = NO_WISHES,
): Promise<Complete> {
  const used = new Map<string, { stamp: string; bytes: number }>();
  const shelf: Shelf = { model, modelsDir, used };
  const vae = await vaeFor(shelf, wishes.vae);
  const texts = await textsFor(shelf, wishes.textEncoders);
  return {
    vae,
    texts,
    stamp: [...used].map(([path, { stamp }]) => `${path}=${stamp}`).join(' '),
    stamps: new Map([...used].map(([path, { stamp }]) => [path, stamp])),
    bytes: [...used.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

type Shelf = {
  model: OpenedCheckpoint;
  modelsDir: string | null;
  /** files that were taken from elsewhere */
  used: Map<string, { stamp: string; bytes: number }>;
};

async function vaeFor(shelf: Shelf, wish: string | null): Promise<CompanionVae> {
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

async function textsFor(shelf: Shelf, wishes: readonly string[]): Promise<CompanionText[]> {
  const { model } = shelf;
  const { info, parts } = model;
  const asked = await Promise.all(wishes.map((path) => openTexts(shelf, path, true)));
  const texts: CompanionText[] = [];
  let shelved: Candidate[] | null = null;
  for (const wanted of info.wantedTexts) {
    const habits = unetFamilyNamed(info.family).text(wanted.role);
    const own = info.texts.find(({ role }) => role === wanted.role);
    const tensors = parts.texts.get(wanted.role);
    const given = best(asked.flat(), wanted, habits, texts);
    if (given !== null) texts.push(take(shelf, given, wanted));
    else if (own !== undefined && tensors !== undefined) {
      texts.push({ path: model.files[0] ?? model.path, tensors, text: own });
    } else {
      shelved ??= await shelvedTexts(shelf);
      const found = best(shelved, wanted, habits, texts);
      if (found === null) throw needsText(info, wanted);
      texts.push(take(shelf, found, wanted));
    }
  }
  for (const [i, path] of wishes.entries()) {
    if (texts.some((text) => text.path === path)) continue;
    const widths = asked[i]?.map(({ width }) => width).join(', ') ?? '';
    const needed = info.wantedTexts.map(({ width }) => width).join(', ');
    throw new RunError(say('text-encoder-unused', basename(path), info.name, widths, needed));
  }
  return texts;
}

type Candidate = { path: string; part: TextPart; width: number; stamp: string; bytes: number };

async function shelvedTexts(shelf: Shelf): Promise<Candidate[]> {
  const paths = await filesIn(shelf.modelsDir, TEXT_FOLDERS);
  return (await Promise.all(paths.map((path) => openTexts(shelf, path, false)))).flat();
}

/** `asked`: somebody named the file, so that a mistake in it is theirs to know. */
async function openTexts(shelf: Shelf, path: string, asked: boolean): Promise<Candidate[]> {
  try {
    const { tensors, stamp, bytes } = await openTensorFile(path);
    const { texts } = splitFile(tensors);
    if (texts.length === 0 && asked) {
      throw new RunError(say('file-has-no-text-encoder', basename(path)));
    }
    return texts.map((part) => {
      const width = part.tensors.get('embeddings.token_embedding.weight')?.shape[1] ?? 0;
      return { path, part, width, stamp, bytes };
    });
  } catch (error) {
    if (asked || !(error instanceof UserError)) throw error;
    return [];
  }
}

/** Of those wide enough the likeliest: what its place in a file says, then whose names it has, then its own name. */
function best(
  candidates: readonly Candidate[],
  { role, width }: WantedText,
  { letter }: TextHabits,
  taken: readonly CompanionText[],
): Candidate | null {
  const isSecond = role === 'text_encoder_2';
  const rank = ({ path, part }: Candidate): number => {
    const named = /clip[-_ ]?([lgh])\b|(?:^|[-_ ])([lgh])(?:[-_ .]|$)/i.exec(basename(path));
    const own = (named?.[1] ?? named?.[2] ?? '').toLowerCase();
    const place = part.role === null ? 0 : (part.role === 'clip_g') === isSecond ? -4 : 4;
    const style = letter === 'l' && part.style === 'openclip' ? 2 : 0;
    return place + style + (own === '' ? 0 : own === letter ? -1 : 1);
  };
  const fitting = candidates.filter(
    ({ width: own, part, path }) =>
      own === width &&
      (!isSecond || hasProjection(part)) &&
      !taken.some((text) => text.path === path && text.tensors === part.tensors),
  );
  return fitting.toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}

function hasProjection({ tensors }: TextPart): boolean {
  return tensors.has('text_projection') || tensors.has('text_projection.weight');
}

function take(shelf: Shelf, candidate: Candidate, { role, width }: WantedText): CompanionText {
  const { path, part, stamp, bytes } = candidate;
  const habits = unetFamilyNamed(shelf.model.info.family).text(role);
  const { shape, tensors } = checkText(basename(path), role, part, width);
  shelf.used.set(path, { stamp, bytes });
  const words = describeText({ ...part, config: {}, tokenizer: null }, shape, habits);
  return { path, tensors, text: { role, ...words } };
}

function needsText({ name }: CheckpointInfo, { role, width }: WantedText): RunError {
  return new RunError(say('model-needs-text-encoder', name, role, width, IN.texts));
}

/** Of a file, or of a folder as diffusers saves a VAE. */
async function tensorsIn(
  path: string,
  onOpened: (file: { stamp: string; bytes: number }) => void,
): Promise<ReadonlyMap<string, TensorSlice>> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() !== true) {
    const file = await openTensorFile(path);
    onOpened(file);
    return file.tensors;
  }
  const shards = await openShards(path, await readdir(path), basename(path));
  if (shards === null) throw new RunError(say('file-has-no-vae', basename(path)));
  onOpened(shards);
  return shards.tensors;
}

/** .safetensors files and folders of them directly below, by name. */
async function filesIn(modelsDir: string | null, folders: readonly string[]): Promise<string[]> {
  if (modelsDir === null) return [];
  const found: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(join(modelsDir, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(modelsDir, folder, entry.name);
      if (/\.(?:safetensors|sft)$/i.test(entry.name)) found.push(path);
      else if (entry.isDirectory()) {
        const inside = await readdir(path).catch((): string[] => []);
        if (inside.some((name) => name.endsWith('.safetensors'))) found.push(path);
      }
    }
  }
  // A file system that knows no capitals shows one folder under both names.
  return [...new Map(found.map((path) => [path.toLowerCase(), path])).values()].toSorted();
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
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

/** Changes when a file comes into one of these folders, changes, or goes. */
export async function shelfStamp(modelsDir: string): Promise<string> {
  const paths = await filesIn(modelsDir, [...VAE_FOLDERS, ...TEXT_FOLDERS]);
  const stamps = paths.map(async (path) => {
    const info = await stat(path).catch(() => null);
    return `${path}=${info?.size}@${info?.mtimeMs}`;
  });
  return (await Promise.all(stamps)).join(' ');
}
