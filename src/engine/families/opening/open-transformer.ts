/** A diffusion transformer as a model: its own networks, and those that lie elsewhere, found by what they are. */
import { basename } from 'node:path';
import type { Json } from '../../checkpoint/checkpoint.ts';
import { checkpointName } from '../../checkpoint/detect.ts';
import { dtypeOf } from '../../checkpoint/check-part.ts';
import { readWords } from '../../checkpoint/sidecar.ts';
import type { PartTensors, TensorSlice } from '../../checkpoint/tensors.ts';
import { RunError } from '../../errors.ts';
import type { ModelInfo } from '../../request.ts';
import { say } from '../../sentences.ts';
import { TRANSFORMERS } from '../families.ts';
import type { TransformerFamily } from '../transformer-family.ts';
import { configStamps } from './configs.ts';
import { refuseForeignNumbers } from './foreign-numbers.ts';
import { diffusersNames, withoutRoot } from './names.ts';
import { encodersFor, type EncoderWishes, type OpenedEncoder } from './networks/choose-encoders.ts';
import { type OpenedVae, vaeFor } from './networks/choose-vae.ts';
import { encodersIn } from './networks/encoders.ts';
import { type FoundTransformer, type OwnFiles, ownFiles, type Used } from './networks/own-files.ts';

/** What somebody asks for in place of the model's own. */
export type TransformerWishes = EncoderWishes & { vae: string | null };

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
  vae: OpenedVae;
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
  const files = await ownFiles(path, used);
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
  const files = await ownFiles(path, used);
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
  const found: FoundTransformer = { name, path, family, tensors, files, modelsDir, used };
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
function refuseOtherGguf(path: string, { denoiser }: OwnFiles, used: Used): void {
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
