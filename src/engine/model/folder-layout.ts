/**
 * A folder in the diffusers / optimum ONNX layout, read from its small JSON files alone. Nothing here opens a graph, so
 * that a folder of many models lists at once.
 */
import { basename, dirname, join } from 'node:path';
import { RunError } from '../errors.ts';
import { familyOfExport } from '../families/families.ts';
import { say } from '../sentences.ts';
import { isFewSteps } from './few-steps.ts';
import {
  type Component,
  componentsOf,
  type Json,
  lengthOf,
  missing,
  positive,
  readJson,
} from './folder-files.ts';
import type { ModelLayout, NetworkSource, TextEncoderFiles } from './layout.ts';
import { readOwnDefaults } from './own-defaults.ts';

/** @throws UserError naming the file and what is needed when the folder is not a model */
export async function readLayout(folder: string): Promise<ModelLayout> {
  const name = basename(folder);
  const components = await componentsOf(folder, name);
  const denoiserFolder = denoiserFolderOf(name, components);
  const transformer = denoiserFolder === 'transformer';
  const denoiser = await readJson(folder, name, `${denoiserFolder}/config.json`);
  const vae = await readJson(folder, name, 'vae_decoder/config.json');
  const schedulerConfig = await readJson(folder, name, 'scheduler/scheduler_config.json');
  const index = await readJson(folder, name, 'model_index.json', {});
  const ownDefaults = readOwnDefaults(name, await readJson(folder, name, 'defaults.json', {}));
  const textEncoders = await textEncodersOf(folder, name, components);
  const family = familyOfExport({
    isTransformer: transformer,
    config: denoiser,
    encoders: textEncoders,
  });

  const vaeFactor = 2 ** (lengthOf(vae['block_out_channels'], name, 'vae_decoder') - 1);
  const downFactor = transformer
    ? positive(denoiser['patch_size'], 2)
    : 2 ** (lengthOf(denoiser['block_out_channels'], name, denoiserFolder) - 1);
  const latentChannels = positive(vae['latent_channels'], 4);
  const inChannels = positive(denoiser['in_channels'], latentChannels);
  const guidanceEmbedding = denoiser['time_cond_proj_dim'];
  const graphIn = (component: string): NetworkSource => ({
    kind: 'file',
    path: join(folder, component, 'model.onnx'),
  });
  return {
    name,
    folder,
    beside: [folder, dirname(folder)],
    family: family.name,
    inpainting: !transformer && inChannels === 2 * latentChannels + 1,
    ...(!transformer &&
      inChannels === 2 * latentChannels && { edits: { scaled: index['is_cosxl_edit'] === true } }),
    denoiser: graphIn(denoiserFolder),
    textEncoders,
    vaeDecoder: graphIn('vae_decoder'),
    vaeEncoder: components.get('vae_encoder')?.graph ? graphIn('vae_encoder') : null,
    safetyChecker: components.get('safety_checker')?.graph ? graphIn('safety_checker') : null,
    latentChannels,
    vaeFactor,
    sizeFactor: vaeFactor * downFactor,
    nativeSize: nativeSizeOf(denoiser['sample_size'], vaeFactor),
    latentScale: latentScaleOf(name, vae, family.channelStats ? latentChannels : 0),
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

function denoiserFolderOf(
  name: string,
  components: Map<string, Component>,
): 'transformer' | 'unet' {
  const folder = components.has('transformer') ? 'transformer' : 'unet';
  if (!components.has(folder)) throw missing(name, 'unet/model.onnx (or transformer/model.onnx)');
  for (const needed of [folder, 'vae_decoder']) {
    if (!components.get(needed)?.graph) throw missing(name, `${needed}/model.onnx`);
  }
  return folder;
}

/** `channels`: those that may have a mean and a deviation each; 0: none has. */
function latentScaleOf(name: string, vae: Json, channels: number): ModelLayout['latentScale'] {
  // Configs of the first Stable Diffusion models leave it out: AutoencoderKL's own default holds then.
  const scale = vae['scaling_factor'] ?? 0.18215;
  if (typeof scale !== 'number' || !(scale > 0)) {
    throw new RunError(say('scaling-factor', name, JSON.stringify(scale)));
  }
  const shift = typeof vae['shift_factor'] === 'number' ? vae['shift_factor'] : 0;
  return { scale, shift, channels: channels > 0 ? channelScalesOf(vae, channels) : null };
}

/** Both or none, as diffusers' SDXL pipelines read them (latents_mean, latents_std). */
function channelScalesOf(vae: Json, channels: number): ModelLayout['latentScale']['channels'] {
  const read = (value: unknown): number[] | null =>
    Array.isArray(value) &&
    value.length === channels &&
    value.every((each) => typeof each === 'number' && Number.isFinite(each))
      ? value
      : null;
  const means = read(vae['latents_mean']);
  const deviations = read(vae['latents_std']);
  return means === null || deviations === null ? null : { means, deviations };
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
      source: { kind: 'file', path: join(folder, id, 'model.onnx') },
      tokenizer: { folder: join(folder, `tokenizer${suffix}`) },
      hiddenLayers: positive(config['num_hidden_layers'], 12),
      width: positive(config['hidden_size'], 0),
      clip: clipWords(config),
    });
  }
  if (found.length === 0) throw missing(name, 'text_encoder/model.onnx');
  return found;
}

/** Of a text encoder's config.json, by transformers' names. */
export function clipWords(config: Json): TextEncoderFiles['clip'] {
  const epsilon = config['layer_norm_eps'];
  const architectures = JSON.stringify(config['architectures'] ?? []);
  return {
    heads: positive(config['num_attention_heads'], 12),
    activation: config['hidden_act'] === 'gelu' ? 'gelu' : 'quick_gelu',
    normEpsilon: typeof epsilon === 'number' ? epsilon : 1e-5,
    projected: architectures.includes('WithProjection'),
  };
}

function nativeSizeOf(sampleSize: unknown, vaeFactor: number): { width: number; height: number } {
  if (Array.isArray(sampleSize)) {
    const [height, width] = sampleSize as unknown[];
    return { width: positive(width, 64) * vaeFactor, height: positive(height, 64) * vaeFactor };
  }
  const side = positive(sampleSize, 64) * vaeFactor;
  return { width: side, height: side };
}
