/** A diffusion transformer as a model: its own networks, and those that lie elsewhere, found by what they are. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Json } from '../../checkpoint/checkpoint.ts';
import { checkpointName } from '../../checkpoint/detect.ts';
import { openTensors, type OpenedTensors } from '../../checkpoint/file/open-tensors.ts';
import { openShards } from '../../checkpoint/file/shards.ts';
import { dtypeOf } from '../../checkpoint/check-part.ts';
import { readWords } from '../../checkpoint/sidecar.ts';
import type { PartTensors, TensorSlice } from '../../checkpoint/tensors.ts';
import { RunError } from '../../errors.ts';
import { readJson } from '../../model/folder-files.ts';
import type { ModelInfo } from '../../request.ts';
import { say } from '../../sentences.ts';
import { autoencoderIn, fitsFamily, likeliestFirst } from './autoencoders.ts';
import { type FoundEncoder, encodersIn } from './encoders.ts';
import { TRANSFORMERS } from '../families.ts';
import { refuseForeignNumbers } from './foreign-numbers.ts';
import { diffusersNames, withoutRoot } from './names.ts';
import { configStamps, PROCESSORS } from './configs.ts';
import { FOLDERS, namedVae, openQuietly, shelved, tokenizerFolders } from './shelf.ts';
import type { TransformerFamily, WantedEncoder } from '../transformer-family.ts';

/** What somebody asks for in place of the model's own. */
export type TransformerWishes = {
  vae: string | null;
  textEncoders: readonly string[];
  tokenizers?: readonly string[];
};

export type OpenedEncoder = FoundEncoder & {
  wanted: WantedEncoder;
  /** folders to look for its tokenizer in, the nearest first */
  tokenizers: readonly string[];
  config: Json;
};

export type OpenedTransformer = {
  name: string;
  path: string;
  family: TransformerFamily;
  denoiser: {
    tensors: PartTensors;
    path: string;
    shiftFirst: boolean;
    config: Json;
    /** pictures to edit from are told of no noise */
    stillReferences: boolean;
  };
  encoders: readonly OpenedEncoder[];
  vae: { tensors: PartTensors; path: string; config: Json };
  scheduler: Json;
  index: Json;
  /** what it is called: the model, its path's last part, its transformer's file */
  names: readonly string[];
  /** how a folder prepares pictures for its text encoder; {}: it does not say */
  processor: Json;
  /** what NAME.json beside it has requests begin with */
  defaults: Partial<ModelInfo['defaults']>;
  bytes: number;
  stamp: string;
  /** before its graphs are opened */
  prepare(): Promise<void>;
};

/** What was opened on the way, so that changes are noticed. */
type Used = Map<
  string,
  { stamp: string; bytes: number; architecture?: string; prepare?: () => Promise<void> }
>;

/** One network's tensors under its makers' or diffusers' names, and its config where it has one. */
type Own = { tensors: ReadonlyMap<string, TensorSlice>; path: string; config: Json };

type Files = {
  denoiser: Own;
  /** of a folder, by its sub-folders; of a file that holds several networks, the file under '' */
  parts: ReadonlyMap<string, Own>;
  scheduler: Json | null;
  index: Json;
  processor: Json;
};

/** The family whose transformer these tensors are; null: none of them. */
export function transformerFamilyOf(
  tensors: ReadonlyMap<string, TensorSlice>,
): TransformerFamily | null {
  for (const family of TRANSFORMERS) {
    const own = withoutRoot(tensors, family.mark);
    if ([...own.keys()].some((name) => family.mark.test(name))) return family;
  }
  return null;
}

/** Which family a path's transformer is, whatever else it lacks; null: none. */
export async function familyAt(
  path: string,
): Promise<{ family: TransformerFamily; dtype: string; bytes: number } | null> {
  const used: Used = new Map();
  const info = await stat(path).catch(() => null);
  const files = info?.isDirectory() ? await filesOfFolder(path, used) : await oneFile(path, used);
  const family = files === null ? null : transformerFamilyOf(files.denoiser.tensors);
  if (files === null || family === null) return null;
  const bytes = [...used.values()].reduce((sum, each) => sum + each.bytes, 0);
  return { family, dtype: dtypeOf(files.denoiser.tensors), bytes };
}

/**
 * Null: the path is another kind of model.
 * @throws UserError for a wish that cannot be met, a network that is nowhere to be found, or a damaged file
 */
export async function openTransformer(
  path: string,
  modelsDir: string | null,
  wishes: TransformerWishes,
): Promise<OpenedTransformer | null> {
  const used: Used = new Map();
  const info = await stat(path).catch(() => null);
  const files = info?.isDirectory() ? await filesOfFolder(path, used) : await oneFile(path, used);
  if (files === null) return null;
  const family = transformerFamilyOf(files.denoiser.tensors);
  if (family === null) {
    refuseOtherGguf(path, files, used);
    return null;
  }
  const name = checkpointName(path);
  refuseForeignNumbers(name, files.denoiser.tensors);
  const bare = withoutRoot(files.denoiser.tensors, family.mark);
  const { tensors, original } = diffusersNames(bare, family.originals);
  const found: Found = { name, path, family, tensors, files, modelsDir, used };
  const encoders = await encodersFor(found, wishes);
  const { override, stamp: words } = await readWords(path);
  const vae = await vaeFor(found, wishes.vae ?? override?.vae ?? null);
  const names = [name, basename(path), basename(files.denoiser.path)];
  const scheduler = files.scheduler ?? family.scheduler(tensors, names);
  return {
    name,
    path,
    family,
    denoiser: {
      tensors,
      path: files.denoiser.path,
      shiftFirst: original,
      config: files.denoiser.config,
      stillReferences: isStill(bare, files.denoiser.config),
    },
    encoders,
    vae,
    // single options change the model's own, a class stands for all of it
    scheduler: override?.scheduler?.['_class_name']
      ? override.scheduler
      : { ...scheduler, ...override?.scheduler },
    index: files.index,
    names,
    processor: files.processor,
    defaults: override?.defaults ?? {},
    bytes: [...used.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    stamp: [
      ...[...used].map(([file, { stamp }]) => `${file}=${stamp}`),
      words,
      ...(await configStamps(path, encoders, vae.path)),
    ].join(' '),
    async prepare() {
      for (const each of used.values()) await each.prepare?.();
    },
  };
}

/** A folder's config says so, a file has a mark. */
function isStill(tensors: PartTensors, config: Json): boolean {
  return config['zero_cond_t'] === true || tensors.has('__index_timestep_zero__');
}

/** A GGUF is a transformer of one of the families or none of our business. @throws RunError naming what it is */
function refuseOtherGguf(path: string, { denoiser }: Files, used: Used): void {
  const architecture = used.get(denoiser.path)?.architecture;
  if (architecture === undefined) return;
  const [encoder] = encodersIn(denoiser.tensors, denoiser.path);
  const titles = TRANSFORMERS.map(({ title }) => title).join(', ');
  throw new RunError(
    encoder === undefined
      ? say('gguf-other', basename(path), architecture, titles)
      : say('gguf-is-encoder', basename(path), 'models/text_encoders'),
  );
}

type Found = {
  name: string;
  path: string;
  family: TransformerFamily;
  /** the transformer's, by diffusers' names */
  tensors: PartTensors;
  files: Files;
  modelsDir: string | null;
  used: Used;
};

async function open(path: string, used: Used): Promise<OpenedTensors> {
  const opened = await openTensors(path);
  used.set(opened.path, opened);
  return opened;
}

async function oneFile(path: string, used: Used): Promise<Files | null> {
  if (!/\.(?:safetensors|sft|gguf)$/i.test(path)) return null;
  const { tensors, path: real } = await open(path, used);
  const own = { tensors, path: real, config: {} };
  return { denoiser: own, parts: new Map([['', own]]), scheduler: null, index: {}, processor: {} };
}

async function filesOfFolder(path: string, used: Used): Promise<Files | null> {
  const parts = new Map<string, Own>();
  for (const part of ['transformer', 'vae', 'text_encoder', 'text_encoder_2', 'text_encoder_3']) {
    const folder = join(path, part);
    const names = await readdir(folder).catch((): string[] | null => null);
    if (names === null || names.includes('model.onnx')) continue;
    const opened = await openShards(folder, names, `${basename(path)}/${part}`);
    if (opened === null) continue;
    used.set(folder, { stamp: opened.stamp, bytes: opened.bytes });
    const config = await readJson(folder, `${basename(path)}/${part}`, 'config.json', {});
    parts.set(part, { tensors: opened.tensors, path: opened.files[0] ?? folder, config });
  }
  const denoiser = parts.get('transformer');
  if (denoiser === undefined) return null;
  const name = basename(path);
  const scheduler = await readJson(path, name, 'scheduler/scheduler_config.json', {});
  return {
    denoiser,
    parts,
    scheduler: Object.keys(scheduler).length === 0 ? null : scheduler,
    index: await readJson(path, name, 'model_index.json', {}),
    processor: {
      ...(await readJson(path, name, PROCESSORS[0] ?? '', {})),
      ...(await readJson(path, name, PROCESSORS[1] ?? '', {})),
    },
  };
}

/** Of what lies beside somebody else's file; empty where there is none that can be read. */
async function jsonBeside(file: string): Promise<Json> {
  return readJson(dirname(file), basename(dirname(file)), 'config.json', {}).catch(() => ({}));
}

async function encodersFor(found: Found, wishes: TransformerWishes): Promise<OpenedEncoder[]> {
  const { family, name, path, modelsDir, used, files } = found;
  const asked: FoundEncoder[] = [];
  for (const file of wishes.textEncoders) {
    const opened = await openNetwork(file, used);
    const inside = encodersIn(opened.tensors, opened.path);
    if (!inside.some(({ kinds }) => family.encoders.some(({ kind }) => kinds.includes(kind)))) {
      throw new RunError(say('family-part-unknown', basename(file), family.title));
    }
    asked.push(...inside);
  }
  const folders = await tokenizerFolders(path, modelsDir, wishes.tokenizers ?? []);
  const taken: OpenedEncoder[] = [];
  let onShelf: FoundEncoder[] | null = null;
  for (const wanted of family.encoders) {
    const own = files.parts.get(wanted.part) ?? files.parts.get('');
    const ownFound = own === undefined ? [] : encodersIn(own.tensors, own.path);
    let chosen = bestOf(asked, wanted, found, taken) ?? bestOf(ownFound, wanted, found, taken);
    if (chosen === null) {
      onShelf ??= await shelvedEncoders(modelsDir);
      chosen = bestOf(onShelf, wanted, found, taken);
      if (chosen !== null) await open(chosen.path, used);
    }
    if (chosen === null) {
      if (wanted.optional) continue;
      const where = 'models/text_encoders';
      throw new RunError(say('family-needs-encoder', name, family.title, wanted.usual, where));
    }
    refuseForeignNumbers(basename(chosen.path), chosen.tensors);
    const tokenizers = [...(wishes.tokenizers ?? []), join(path, wanted.tokenizer), ...folders];
    const isOwn = ownFound.includes(chosen);
    const config = isOwn ? (own?.config ?? {}) : await configBeside(chosen);
    taken.push({ ...chosen, wanted, tokenizers, config });
  }
  return taken;
}

/** Of an encoder in a folder as transformers saves it; empty where what lies beside it is another one's. */
async function configBeside({ path, width }: FoundEncoder): Promise<Json> {
  const config = await jsonBeside(path);
  return [config['hidden_size'], config['d_model']].includes(width) ? config : {};
}

/** Of those of the kind and width, the one whose file name says so, where there are several. */
function bestOf(
  candidates: readonly FoundEncoder[],
  wanted: WantedEncoder,
  { tensors }: Found,
  taken: readonly FoundEncoder[],
): FoundEncoder | null {
  const width = wanted.width(tensors, taken);
  const fitting = candidates.filter(
    (each) =>
      each.kinds.includes(wanted.kind) &&
      !taken.some((other) => other.tensors === each.tensors) &&
      (width === null || each.width === width),
  );
  const named = fitting.find(({ path }) => wanted.names.test(basename(path)));
  return named ?? fitting[0] ?? null;
}

async function shelvedEncoders(modelsDir: string | null): Promise<FoundEncoder[]> {
  const found: FoundEncoder[] = [];
  for (const path of await shelved(modelsDir, FOLDERS.texts)) {
    const opened = await openQuietly(path);
    if (opened !== null) found.push(...encodersIn(opened.tensors, path));
  }
  return found;
}

async function vaeFor(found: Found, wish: string | null): Promise<OpenedTransformer['vae']> {
  const { family, name, path, modelsDir, used, files } = found;
  if (wish !== null && !/^(?:|automatic|baked|none)$/i.test(wish)) {
    const file = await namedVae(wish, { model: path, modelsDir });
    const opened = await openNetwork(file, used, 'vae');
    const config = await jsonBeside(opened.path);
    const tensors = autoencoderIn(opened.tensors);
    if (tensors === null) throw new RunError(say('file-has-no-vae', basename(file)));
    checkVae(found, basename(file), tensors);
    return { tensors, path: opened.path, config };
  }
  const own = files.parts.get('vae') ?? files.parts.get('');
  const inside = own === undefined ? null : autoencoderIn(own.tensors);
  if (own !== undefined && inside !== null) {
    return { tensors: inside, path: own.path, config: own.config };
  }
  for (const file of likeliestFirst(family, await shelved(modelsDir, FOLDERS.vae))) {
    const opened = await openQuietly(file);
    const tensors = opened === null ? null : autoencoderIn(opened.tensors);
    if (opened === null || tensors === null) continue;
    if (!fitsFamily(family, tensors, channelsOf(found))) continue;
    used.set(opened.path, opened);
    return { tensors, path: opened.path, config: {} };
  }
  throw new RunError(say('family-needs-vae', name, family.title, family.vae.usual, 'models/vae'));
}

/** A file, or a folder as diffusers saves one network; `part`: a sub-folder that may hold it. */
async function openNetwork(
  path: string,
  used: Used,
  part = '',
): Promise<{ tensors: ReadonlyMap<string, TensorSlice>; path: string }> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() !== true) return open(path, used);
  const inside = await readdir(join(path, part)).catch((): string[] | null => null);
  const folder = inside === null ? path : join(path, part);
  const opened = await openShards(folder, inside ?? (await readdir(path)), basename(path));
  if (opened === null) throw new RunError(say('file-has-no-network', basename(path)));
  used.set(folder, { stamp: opened.stamp, bytes: opened.bytes });
  return { tensors: opened.tensors, path: opened.files[0] ?? folder };
}

function channelsOf({ family, tensors }: Found): number {
  return family.channels(tensors);
}

/** @throws RunError where its latents are not the transformer's */
function checkVae(found: Found, file: string, tensors: PartTensors): void {
  const { family, name } = found;
  if (fitsFamily(family, tensors, channelsOf(found))) return;
  throw new RunError(say('family-vae-misfit', file, name, family.title, family.vae.usual));
}
