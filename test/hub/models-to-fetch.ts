import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type PullOptions, pullModel } from '../../src/hub/pull.ts';
import { safetensorsOf } from '../engine/checkpoint/file/make-safetensors.ts';
import { miniSd1 } from '../engine/checkpoint/mini-checkpoint.ts';
import { referenceModel, writeFolder } from '../support/models/reference-checkpoint.ts';
import type { LocalHub, Repository } from './local-hub.ts';

type Ends = { after(fn: () => unknown): void };

export async function temporaryFolder(t: Ends): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-pull-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const COMMIT = 'a'.repeat(40);

/** A checkpoint of Stable Diffusion 1 that opens, of seven megabytes. */
const CHECKPOINT = safetensorsOf(miniSd1());
export const checkpoint = (): Uint8Array => CHECKPOINT;

export const lora = (): Uint8Array =>
  safetensorsOf({
    'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight': {
      type: 'F16',
      shape: [4, 32],
    },
    'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight': {
      type: 'F16',
      shape: [32, 4],
    },
  });

let diffusersFiles: Promise<Repository['files']> | null = null;

/** A diffusers folder that paints, with what such repositories have beside it. */
export async function diffusersRepository(): Promise<Repository> {
  return { files: { ...(await (diffusersFiles ??= filesOfDiffusers())) }, commit: COMMIT };
}

async function filesOfDiffusers(): Promise<Repository['files']> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-repository-'));
  const written = await writeFolder(folder, await referenceModel());
  const files: Record<string, Uint8Array> = {};
  for (const one of await readdir(written, { recursive: true })) {
    const file = path.join(written, one);
    if ((await stat(file)).isFile()) files[one.split(path.sep).join('/')] = await readFile(file);
  }
  const weights = Object.keys(files).filter((name) => name.endsWith('.safetensors'));
  for (const name of weights) {
    files[name.replace('.safetensors', '.fp16.safetensors')] = files[name]!;
    files[name.replace('.safetensors', '.non_ema.safetensors')] = files[name]!;
    files[name.replace('.safetensors', '.bin')] = files[name]!;
  }
  files['model_index.json'] ??= Buffer.from('{"_class_name":"StableDiffusionPipeline"}');
  const bytes = Buffer.from('not wanted');
  for (const name of ['README.md', 'v1.ckpt', 'unet/openvino_model.xml', '.gitattributes']) {
    files[name] = bytes;
  }
  files['v1-pruned.safetensors'] = checkpoint();
  await rm(folder, { recursive: true });
  return files;
}

export function pullFrom(
  hub: LocalHub,
  modelsDir: string,
  over: Partial<PullOptions> & { token?: string; civitaiToken?: string } = {},
) {
  const { token = null, civitaiToken = null, ...options } = over;
  return (source: string) =>
    pullModel(source, {
      modelsDir,
      access: { hub: hub.address, hubToken: token, civitai: hub.address, civitaiToken },
      taste: { half: true },
      signal: AbortSignal.timeout(120_000),
      pauseMs: 1,
      ...options,
    });
}

/** Everything below a folder but what is hidden, with slashes. */
export async function visible(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map((one) => path.relative(folder, path.join(one.parentPath, one.name)))
    .map((one) => one.split(path.sep).join('/'))
    .filter((one) => !one.startsWith('.'))
    .toSorted();
}
