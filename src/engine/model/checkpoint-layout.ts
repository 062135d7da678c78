/** A checkpoint as a model: what the loader needs of it, with the networks that come from elsewhere. */
import { dirname, join } from 'node:path';
import type { CheckpointInfo, Distilled } from '../checkpoint/checkpoint.ts';
import type { CompanionText } from '../checkpoint/companions/texts.ts';
import { complete, NO_WISHES, type Wishes } from '../checkpoint/companions.ts';
import type { OpenedCheckpoint } from '../checkpoint/detect.ts';
import type { ModelInfo } from '../request.ts';
import type { Said } from '../said.ts';
import { isFewSteps } from './few-steps.ts';
import type { Json } from './folder-files.ts';
import type { ModelLayout, NetworkSource, TextEncoderFiles } from './layout.ts';

/** CLIP's own, for checkpoints that come without a tokenizer. */
const CLIP_TOKENIZER = join(import.meta.dirname, '../checkpoint/clip-tokenizer');

const PADDING = { end: '<|endoftext|>', exclamation: '!' } as const;

/** All CLIPs. */
const NORM_EPSILON = 1e-5;

export type CheckpointModel = {
  layout: ModelLayout;
  /** null: the model's own VAE; else where it comes from */
  vae: { path: string; how: Said } | null;
};

/**
 * `modelsDir`: whose vae/ and text_encoders/ help out; null: none.
 * @throws UserError for a network that is missing, or a wish that does not fit
 */
export async function layoutOfCheckpoint(
  opened: OpenedCheckpoint,
  modelsDir: string | null,
  wishes: Wishes = NO_WISHES,
): Promise<CheckpointModel> {
  const { info, parts, path } = opened;
  const { vae, texts, stamp, stamps, bytes } = await complete(opened, modelsDir, wishes);
  const network = (tensors: typeof parts.unet, at = opened.files[0] ?? path): NetworkSource => ({
    kind: 'tensors',
    tensors,
    path: at,
  });
  const groups = vae.how === null ? info.vaeGroups : undefined;
  const decoder = { ...network(vae.tensors, vae.path), ...(groups && { groups }) } as NetworkSource;
  const layout: ModelLayout = {
    name: info.name,
    folder: path,
    beside: besideOf(path, modelsDir),
    family: info.family,
    inpainting: info.inpainting,
    ...(info.edits !== null && { edits: info.edits }),
    denoiser: { ...network(parts.unet), words: { heads: info.heads } } as NetworkSource,
    textEncoders: texts.map((text) => textFiles(text, info)),
    vaeDecoder: decoder,
    vaeEncoder: vae.shape.hasEncoder ? decoder : null,
    safetyChecker: parts.safetyChecker === null ? null : network(parts.safetyChecker),
    latentChannels: info.unet.outChannels,
    vaeFactor: vae.shape.factor,
    sizeFactor: vae.shape.factor * 2 ** (info.unet.channels.length - 1),
    nativeSize: info.nativeSize,
    latentScale: info.latentScale,
    contextDim: info.unet.contextDim,
    guidanceEmbedding: info.unet.guidanceEmbedding,
    zeroEmptyNegative: info.zeroEmptyNegative,
    schedulerConfig: info.scheduler.config as Json,
    fewSteps: info.distilled !== null || isFewSteps(info.scheduler.config as Json, {}),
    ownDefaults: {
      ...distilledDefaults(info.distilled),
      ...info.defaults,
      ...(info.clipSkip !== null && { clipSkip: info.clipSkip }),
    },
    wishes: JSON.stringify(wishes),
    stamp: `${opened.stamp} ${stamp}`,
    files: new Map([...opened.stamps, ...stamps]),
    bytes: opened.bytes + bytes,
  };
  return { layout, vae: vae.how === null ? null : { path: vae.path, how: vae.how } };
}

/** The model's own folder, the one it lies in, and the models folder, whatever sub-folders people have in it. */
function besideOf(path: string, modelsDir: string | null): string[] {
  const isFile = /\.(?:safetensors|sft)$/i.test(path);
  const folders = [
    ...(isFile ? [] : [path]),
    dirname(path),
    ...(modelsDir === null ? [] : [modelsDir]),
  ];
  return [...new Set(folders)];
}

function textFiles(
  { path, tensors, text }: CompanionText,
  { wantedTexts }: CheckpointInfo,
): TextEncoderFiles {
  const wanted = wantedTexts.find(({ role }) => role === text.role);
  return {
    id: text.role,
    source: { kind: 'tensors', tensors, path },
    tokenizer:
      text.tokenizer === null
        ? { folder: CLIP_TOKENIZER, padding: PADDING[wanted?.padding ?? 'end'] }
        : { folder: text.tokenizer },
    hiddenLayers: text.layers,
    width: text.shape.width,
    clip: {
      heads: text.heads,
      activation: text.activation,
      normEpsilon: NORM_EPSILON,
      projected: text.shape.projection !== null,
    },
  };
}

/** What their makers recommend: few steps, and guidance off or nearly so. */
function distilledDefaults(distilled: Distilled | null): Partial<ModelInfo['defaults']> {
  if (distilled === null) return {};
  const { kind, steps } = distilled;
  if (kind === 'lcm' || kind === 'dmd') {
    return { sampler: 'lcm', schedule: 'sgm_uniform', steps, guidanceScale: 1 };
  }
  const sampler = kind === 'turbo' ? 'euler_a' : 'euler';
  return { sampler, schedule: 'sgm_uniform', steps, guidanceScale: 1 };
}
