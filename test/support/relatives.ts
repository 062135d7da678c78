/**
 * Relatives of the tiny reference models that are stored nowhere: a model's files with some tensors in place of its own.
 * `node test/support/relatives.ts NAME MODEL OUT` writes one, as test/fixtures/golden/families/make.py reads it.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
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
};

export const RELATIVES: Readonly<Record<string, Relative>> = {
  fill: {
    of: 'flux-dev/diffusers',
    pipeline: 'FluxFillPipeline',
    config: { in_channels: 384, out_channels: 64 },
    change: (tensors) =>
      new Map(tensors).set('x_embedder.weight', tinyTensor('x_embedder.weight', [256, 384])),
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
  const { pipeline, config, change } = RELATIVES[name]!;
  await mkdir(path.dirname(out), { recursive: true });
  await cp(model, out, { recursive: true });
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
