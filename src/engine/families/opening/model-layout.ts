/** An opened transformer as a model: what the loader and the pipeline need of it. */
import { dirname } from 'node:path';
import type { PartTensors } from '../../checkpoint/tensors.ts';
import type { ModelLayout, NetworkSource } from '../../model/layout.ts';
import { visionLimits } from '../../text/language/vision.ts';
import { vaeNorm } from '../../graphs/vae.ts';
import type { WriteGraph } from '../transformer-family.ts';
import { flatOriginals } from './names.ts';
import type { OpenedTransformer } from './open-transformer.ts';
import type { TransformerWords } from './words.ts';

/** `modelsDir`: where LoRAs lie; null: beside the model alone. */
export function layoutOfTransformer(
  opened: OpenedTransformer,
  modelsDir: string | null,
): ModelLayout {
  const { family, denoiser, vae, name, path, scheduler, index } = opened;
  const { tensors, shiftFirst, config, stillReferences } = denoiser;
  const latents = family.latents(vae);
  const words = wordsOf(opened);
  // patches of two by two, which FLUX.2's latents are already
  const patch = latents.factor >= 16 ? 1 : 2;
  const mostSide = (family.mostPatches?.(tensors) ?? Infinity) * latents.factor * patch;
  return {
    name,
    folder: path,
    beside: [path, dirname(path), ...(modelsDir === null ? [] : [modelsDir])],
    family: family.name,
    inpainting: family.inpaints?.(tensors) ?? false,
    denoiser: network(denoiser, (style, branches, anew = tensors) =>
      family.denoiser(
        anew,
        { shiftFirst, config, edits: words.references !== null, stillReferences },
        style,
        branches,
      ),
    ),
    textEncoders: [],
    transformer: words,
    vaeDecoder: autoencoder(opened, family.vae.decoder),
    vaeEncoder: vae.tensors.has('encoder.conv_in.weight')
      ? autoencoder(opened, family.vae.encoder)
      : null,
    safetyChecker: null,
    latentChannels: latents.channels,
    vaeFactor: latents.factor,
    sizeFactor: latents.factor * patch,
    ...(family.mostPatches && { mostSide }),
    nativeSize: { width: Math.min(1024, mostSide), height: Math.min(1024, mostSide) },
    latentScale: {
      scale: latents.scale,
      shift: latents.shift,
      channels: latents.stats,
      ...(latents.unshiftedByInpainting && { unshiftedByInpainting: true }),
    },
    contextDim: family.contextWidth(tensors),
    guidanceEmbedding: null,
    zeroEmptyNegative: false,
    schedulerConfig: { ...scheduler },
    fewSteps: false,
    ownDefaults: {
      ...family.defaults({ tensors, scheduler, index, names: opened.names }),
      ...opened.defaults,
    },
    stamp: opened.stamp,
    bytes: opened.bytes,
  };
}

/** One of the plain kind is written as Stable Diffusion's are, and goes in bands where a picture is large. */
function autoencoder({ family, vae }: OpenedTransformer, write: WriteGraph): NetworkSource {
  const { config, tensors, path } = vae;
  const told = config['norm_num_groups'];
  const own = typeof told === 'number' && told > 0 ? { groups: told } : {};
  return (family.vae.kind ?? 'plain') === 'plain'
    ? { kind: 'tensors', tensors, path, ...own }
    : network(vae, (style) => write(tensors, style, vaeNorm(own.groups)));
}

function network(
  { tensors, path }: { tensors: PartTensors; path: string },
  write: Extract<NetworkSource, { kind: 'tensors' }>['write'],
): NetworkSource {
  return { kind: 'tensors', tensors, path, ...(write && { write }) };
}

function wordsOf(opened: OpenedTransformer): TransformerWords {
  const { family, denoiser, names, encoders, index } = opened;
  const { tensors, shiftFirst } = denoiser;
  return {
    family,
    encoders,
    guidance: family.guidance(index),
    isGuided: family.isGuided(tensors),
    distilledGuidance: family.distilledGuidance?.(tensors) ?? 3.5,
    references: family.references({ index, names }),
    vision: visionLimits(opened.processor),
    layerNames: {
      originals: flatOriginals(family.originals),
      turned: isTurned,
      shiftFirst,
    },
    prepare: opened.prepare,
  };
}

/** Scale and shift of the last norms: of the picture, and of Stable Diffusion 3's text. */
function isTurned(layer: string, [out = 0, inside = 0]: readonly number[]): boolean {
  return (
    layer === 'norm_out_linear' || (layer.endsWith('_norm1_context_linear') && out === 2 * inside)
  );
}
