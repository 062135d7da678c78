/**
 * Relatives of the tiny reference models that are stored nowhere: a model's files with some tensors in place of its own.
 * `node test/support/models/relatives.ts NAME MODEL OUT` writes one, as test/fixtures/golden/families/make.py reads it.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type RawTensor, readRaw, replaceWeights, tinyTensor } from './tiny-tensors.ts';

export type Relative = {
  /** the folder of the reference model, as diffusers saves it */
  of: string;
  /** `_class_name` of model_index.json */
  pipeline: string;
  /** config.json of the transformer, what differs */
  config: Record<string, unknown>;
  /** the transformer's tensors by diffusers' names */
  change(tensors: Map<string, RawTensor>): Map<string, RawTensor>;
  /** folders in place of others; absent: all stay */
  moved?: readonly (readonly [from: string, to: string])[];
};

const CHROMA_CONFIG = {
  _class_name: 'ChromaTransformer2DModel',
  approximator_num_channels: 64,
  approximator_hidden_dim: 96,
  approximator_layers: 2,
};

/** Flux's blocks without their modulations, which a network for all of them makes. */
function chromaOf(tensors: ReadonlyMap<string, RawTensor>): Map<string, RawTensor> {
  const kept = [...tensors].filter(
    ([name]) => !/^time_text_embed|^norm_out|\.norm(?:1|1_context)?\.linear\./.test(name),
  );
  const path = 'distilled_guidance_layer';
  const layers = [0, 1].flatMap((i): [string, number[]][] => [
    [`${path}.layers.${i}.linear_1.weight`, [96, 96]],
    [`${path}.layers.${i}.linear_1.bias`, [96]],
    [`${path}.layers.${i}.linear_2.weight`, [96, 96]],
    [`${path}.layers.${i}.linear_2.bias`, [96]],
    [`${path}.norms.${i}.weight`, [96]],
  ]);
  const own: [string, number[]][] = [
    [`${path}.in_proj.weight`, [96, 64]],
    [`${path}.in_proj.bias`, [96]],
    ...layers,
    [`${path}.out_proj.weight`, [256, 96]],
    [`${path}.out_proj.bias`, [256]],
  ];
  return new Map([
    ...kept,
    ...own.map(([name, shape]) => [name, tinyTensor(name, shape)] as const),
  ]);
}

export const RELATIVES: Readonly<Record<string, Relative>> = {
  fill: {
    of: 'flux-dev/diffusers',
    pipeline: 'FluxFillPipeline',
    config: { in_channels: 384, out_channels: 64 },
    change: (tensors) =>
      new Map(tensors).set('x_embedder.weight', tinyTensor('x_embedder.weight', [256, 384])),
  },
  chroma: {
    of: 'flux-dev/diffusers',
    pipeline: 'ChromaPipeline',
    config: CHROMA_CONFIG,
    change: chromaOf,
    // T5 stands first, and there is no CLIP
    moved: [
      ['text_encoder_2', 'text_encoder'],
      ['tokenizer_2', 'tokenizer'],
    ],
  },
  'qwen-edit': {
    of: 'qwen-image/diffusers',
    pipeline: 'QwenImageEditPipeline',
    config: {},
    change: (tensors) => tensors,
  },
  'qwen-edit-plus': {
    of: 'qwen-image/diffusers',
    pipeline: 'QwenImageEditPlusPipeline',
    // as 2511: pictures to edit from are told of no noise
    config: { zero_cond_t: true },
    change: (tensors) => tensors,
  },
  kontext: {
    of: 'flux-dev/diffusers',
    pipeline: 'FluxKontextPipeline',
    config: {},
    change: (tensors) => tensors,
  },
};

/** A copy of `model`, which is what `name` is a relative of. */
export async function writeRelative(name: string, model: string, out: string): Promise<string> {
  const { pipeline, config, change, moved = [] } = RELATIVES[name]!;
  await mkdir(path.dirname(out), { recursive: true });
  await cp(model, out, { recursive: true });
  for (const [from, to] of moved) {
    await rm(path.join(out, to), { recursive: true });
    await rename(path.join(out, from), path.join(out, to));
  }
  await merge(path.join(out, 'model_index.json'), { _class_name: pipeline });
  const transformer = path.join(out, 'transformer');
  await merge(path.join(transformer, 'config.json'), config);
  const tensors = change(await readRaw(transformer));
  await replaceWeights(transformer, 'diffusion_pytorch_model.safetensors', tensors);
  return out;
}

async function merge(file: string, words: Record<string, unknown>): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...json, ...words }, null, 2));
}

if (import.meta.main) {
  const [name = '', model = '', out = ''] = process.argv.slice(2);
  await writeRelative(name, model, out);
}
