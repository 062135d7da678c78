/**
 * What a model folder in the diffusers / optimum ONNX layout holds, read from its small JSON files alone. Nothing
 * here opens a graph, so that a folder of many models lists at once.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EMBEDDINGS_FOLDER } from '../embeddings.ts';
import { LORAS_FOLDER } from '../lora/loras.ts';
import { RunError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { ModelInfo } from '../request.ts';
import { readOwnDefaults } from './own-defaults.ts';

type Family = ModelInfo['family'];

type Json = Record<string, unknown>;

export type TextEncoderFiles = {
  id: 'text_encoder' | 'text_encoder_2';
  graph: string;
  tokenizer: string;
  hiddenLayers: number;
  /** numbers in the embedding of a token; 0 when the config does not say */
  width: number;
};

export type ModelLayout = {
  name: string;
  folder: string;
  family: Family;
  inpainting: boolean;
  /** graph files, absolute */
  denoiser: string;
  textEncoders: readonly TextEncoderFiles[];
  vaeDecoder: string;
  /** null: the folder cannot do img2img */
  vaeEncoder: string | null;
  /** null: the folder has none, and nobody looks at its pictures */
  safetyChecker: string | null;
  latentChannels: number;
  /** pixels per latent, one axis */
  vaeFactor: number;
  sizeFactor: number;
  nativeSize: { width: number; height: number };
  /** latents = (vae - shift) * scale */
  latentScale: { scale: number; shift: number };
  /** features of a context token, from the denoiser's config; 0 when it does not say */
  contextDim: number;
  /** the network wants the guidance scale as an embedding of this many numbers (LCM); else null */
  guidanceEmbedding: number | null;
  /** negative '' means zeros instead of the embedding of '' (SDXL) */
  zeroEmptyNegative: boolean;
  schedulerConfig: Json;
  /** trained or distilled for a handful of steps without guidance */
  fewSteps: boolean;
  /** from the folder's defaults.json */
  ownDefaults: Partial<ModelInfo['defaults']>;
  /** changes when any file of the model changes */
  stamp: string;
  /** size of all graphs and their external data */
  bytes: number;
};

/** Throws UserError naming the file and what is needed when the folder is not a model. */
export async function readLayout(folder: string): Promise<ModelLayout> {
  const name = basename(folder);
  const components = await componentsOf(folder, name);
  const transformer = components.has('transformer');
  if (!transformer && !components.has('unet')) {
    throw missing(name, 'unet/model.onnx (or transformer/model.onnx)');
  }
  const denoiserFolder = transformer ? 'transformer' : 'unet';
  for (const needed of [denoiserFolder, 'vae_decoder']) {
    if (!components.get(needed)?.graph) throw missing(name, `${needed}/model.onnx`);
  }
  const denoiser = await readJson(folder, name, `${denoiserFolder}/config.json`);
  const vae = await readJson(folder, name, 'vae_decoder/config.json');
  const schedulerConfig = await readJson(folder, name, 'scheduler/scheduler_config.json');
  const index = await readJson(folder, name, 'model_index.json', {});
  const ownDefaults = readOwnDefaults(name, await readJson(folder, name, 'defaults.json', {}));
  const textEncoders = await textEncodersOf(folder, name, components);
  const family = familyOf(denoiser, textEncoders, transformer);

  const vaeFactor = 2 ** (lengthOf(vae['block_out_channels'], name, 'vae_decoder') - 1);
  const downFactor = transformer
    ? positive(denoiser['patch_size'], 2)
    : 2 ** (lengthOf(denoiser['block_out_channels'], name, denoiserFolder) - 1);
  const latentChannels = positive(vae['latent_channels'], 4);
  const inChannels = positive(denoiser['in_channels'], latentChannels);
  // Configs of the first Stable Diffusion models leave it out: AutoencoderKL's own default holds then.
  const scale = vae['scaling_factor'] ?? 0.18215;
  if (typeof scale !== 'number' || !(scale > 0)) {
    throw new RunError(say('scaling-factor', name, JSON.stringify(scale)));
  }
  const guidanceEmbedding = denoiser['time_cond_proj_dim'];
  return {
    name,
    folder,
    family,
    inpainting: !transformer && inChannels === 2 * latentChannels + 1,
    denoiser: join(folder, denoiserFolder, 'model.onnx'),
    textEncoders,
    vaeDecoder: join(folder, 'vae_decoder', 'model.onnx'),
    vaeEncoder: components.get('vae_encoder')?.graph
      ? join(folder, 'vae_encoder', 'model.onnx')
      : null,
    safetyChecker: components.get('safety_checker')?.graph
      ? join(folder, 'safety_checker', 'model.onnx')
      : null,
    latentChannels,
    vaeFactor,
    sizeFactor: vaeFactor * downFactor,
    nativeSize: nativeSizeOf(denoiser['sample_size'], vaeFactor),
    latentScale: {
      scale,
      shift: typeof vae['shift_factor'] === 'number' ? vae['shift_factor'] : 0,
    },
    contextDim: positive(denoiser['joint_attention_dim'] ?? denoiser['cross_attention_dim'], 0),
    guidanceEmbedding: typeof guidanceEmbedding === 'number' ? guidanceEmbedding : null,
    zeroEmptyNegative: index['force_zeros_for_empty_prompt'] === true,
    schedulerConfig,
    fewSteps: isFewSteps(schedulerConfig, index),
    ownDefaults,
    stamp: [...components]
      .map(([id, { stamp }]) => `${id}:${stamp}`)
      .concat(JSON.stringify(ownDefaults))
      .join(' '),
    bytes: [...components.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Sampler, steps and guidance when a person names none: the folder's own word first, then what suits the family. */
export function defaultsOf(layout: ModelLayout): ModelInfo['defaults'] {
  return { ...familyDefaults(layout), ...layout.ownDefaults };
}

function familyDefaults(layout: ModelLayout): ModelInfo['defaults'] {
  if (layout.family === 'lcm') {
    return { sampler: 'lcm', schedule: 'automatic', steps: 4, guidanceScale: 1.5 };
  }
  if (layout.family === 'sd3' || layout.family === 'flux') {
    const guidanceScale = layout.family === 'flux' ? 1 : 4.5;
    return { sampler: 'flow_euler', schedule: 'automatic', steps: 28, guidanceScale };
  }
  if (layout.fewSteps) {
    return { sampler: 'euler', schedule: 'sgm_uniform', steps: 4, guidanceScale: 1 };
  }
  return { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 };
}

type Component = { graph: boolean; bytes: number; stamp: string };

/** Sub-folders with the size and age of their graph and its external data. */
async function componentsOf(folder: string, name: string): Promise<Map<string, Component>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    throw new UserError(say('model-folder-unreadable', folder));
  }
  const components = new Map<string, Component>();
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    // Textual inversions and LoRAs are read when a prompt calls them: see embeddings.ts, lora/loras.ts.
    if (entry.isFile() || entry.name === EMBEDDINGS_FOLDER || entry.name === LORAS_FOLDER) continue;
    const files = await readdir(join(folder, entry.name)).catch((): string[] => []);
    let bytes = 0;
    const stamps: string[] = [];
    for (const file of files.toSorted()) {
      const info = await stat(join(folder, entry.name, file)).catch(() => null);
      if (info === null || !info.isFile()) continue;
      stamps.push(`${file}=${info.size}@${info.mtimeMs}`);
      if (!/\.(json|txt|md)$/.test(file)) bytes += info.size;
    }
    if (stamps.length === 0) continue;
    components.set(entry.name, {
      graph: files.includes('model.onnx'),
      bytes,
      stamp: stamps.join(),
    });
  }
  if (components.size === 0) throw missing(name, 'unet/model.onnx');
  return components;
}

async function textEncodersOf(
  folder: string,
  name: string,
  components: Map<string, Component>,
): Promise<ModelLayout['textEncoders']> {
  const found: TextEncoderFiles[] = [];
  for (const suffix of ['', '_2'] as const) {
    const id = `text_encoder${suffix}` as const;
    if (!components.get(id)?.graph) continue;
    if (!components.has(`tokenizer${suffix}`)) throw missing(name, `tokenizer${suffix}/vocab.json`);
    const config = await readJson(folder, name, `${id}/config.json`);
    found.push({
      id,
      graph: join(folder, id, 'model.onnx'),
      tokenizer: join(folder, `tokenizer${suffix}`),
      hiddenLayers: positive(config['num_hidden_layers'], 12),
      width: positive(config['hidden_size'], 0),
    });
  }
  if (found.length === 0) throw missing(name, 'text_encoder/model.onnx');
  return found;
}

/**
 * Marks that a training run cannot help leaving: SDXL adds size conditioning (the refiner five numbers of it, the
 * base six), LCM adds a guidance embedding, SD 2 projects attention linearly.
 */
function familyOf(
  denoiser: Json,
  textEncoders: ModelLayout['textEncoders'],
  transformer: boolean,
): Family {
  if (transformer) return denoiser['_class_name'] === 'FluxTransformer2DModel' ? 'flux' : 'sd3';
  if (denoiser['addition_embed_type'] === 'text_time') {
    const onlyBigEncoder = textEncoders.every(({ id }) => id === 'text_encoder_2');
    return onlyBigEncoder ? 'sdxl-refiner' : 'sdxl';
  }
  if (typeof denoiser['time_cond_proj_dim'] === 'number') return 'lcm';
  return denoiser['use_linear_projection'] === true ? 'sd2' : 'sd1';
}

/** Turbo, Lightning and Hyper checkpoints start exactly at the last timestep; zero-SNR models do so too. */
function isFewSteps(scheduler: Json, index: Json): boolean {
  return (
    (scheduler['timestep_spacing'] === 'trailing' &&
      scheduler['rescale_betas_zero_snr'] !== true) ||
    scheduler['_class_name'] === 'LCMScheduler' ||
    index['_class_name'] === 'LatentConsistencyModelPipeline'
  );
}

function nativeSizeOf(sampleSize: unknown, vaeFactor: number): { width: number; height: number } {
  if (Array.isArray(sampleSize)) {
    const [height, width] = sampleSize as unknown[];
    return { width: positive(width, 64) * vaeFactor, height: positive(height, 64) * vaeFactor };
  }
  const side = positive(sampleSize, 64) * vaeFactor;
  return { width: side, height: side };
}

async function readJson(
  folder: string,
  name: string,
  file: string,
  fallback?: Json,
): Promise<Json> {
  let text: string;
  try {
    text = await readFile(join(folder, file), 'utf8');
  } catch {
    if (fallback !== undefined) return fallback;
    throw missing(name, file);
  }
  try {
    const value: unknown = JSON.parse(quoteInfinities(text));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    // told below
  }
  throw new RunError(say('config-not-an-object', name, file));
}

/** Python writes infinities as bare words (DPM++'s lambda_min_clipped), which JSON does not know. */
function quoteInfinities(text: string): string {
  return text.replaceAll(/"(?:\\.|[^"\\])*"|-?Infinity|NaN/g, (found) =>
    found.startsWith('"') ? found : `"${found}"`,
  );
}

function missing(name: string, file: string): UserError {
  return new UserError(say('model-lacks', name, file));
}

function positive(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : fallback;
}

function lengthOf(value: unknown, name: string, component: string): number {
  if (Array.isArray(value) && value.length > 0) return value.length;
  throw new RunError(say('no-block-channels', name, component));
}
