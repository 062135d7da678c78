/// <reference lib="esnext.float16" />
/**
 * A small SD 1 model with weights that are a hash, and what diffusers paints with it: test/fixtures/golden/checkpoint.
 * It is written here in the forms that people have it in, with the names of each.
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const fixture = new URL('../../fixtures/golden/checkpoint/', import.meta.url);

export type Weights = Map<string, { shape: readonly number[]; data: Float16Array | Float32Array }>;
export type Part = 'unet' | 'vae' | 'text_encoder';
export type ReferenceModel = Record<Part, Weights>;

type Recipe = Record<
  string,
  [shape: number[], offset: number] | [number[], number, number, number]
>;

/** By diffusers' names; the text encoder without `text_model.` in front. */
export async function referenceModel(): Promise<ReferenceModel> {
  const recipes = JSON.parse(await readFile(new URL('weights.json', fixture), 'utf8')) as Record<
    Part,
    Recipe
  >;
  const bytes = new Uint8Array(await readFile(new URL('weights.bin', fixture)));
  const stored = new Float16Array(bytes.buffer);
  const part = (recipe: Recipe): Weights =>
    new Map(
      Object.entries(recipe).map(([name, [shape, at, mean, scale]]) => {
        const count = shape.reduce((product, dim) => product * dim, 1);
        const data =
          mean === undefined || scale === undefined
            ? stored.slice(at, at + count)
            : hashed(at, count, mean, scale);
        return [name, { shape, data }];
      }),
    );
  return {
    unet: part(recipes.unet),
    vae: part(recipes.vae),
    text_encoder: part(recipes.text_encoder),
  };
}

/** mean + k · scale, k from -510 to 510 by a hash of seed and place */
function hashed(seed: number, count: number, mean: number, scale: number): Float16Array {
  const values = Float16Array.from({ length: 1021 }, (_, k) => mean + (k - 510) * scale);
  const data = new Float16Array(count);
  for (let i = 0; i < count; i++) {
    let hash = (Math.imul(i, 0x9e3779b1) + seed) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    const sum = (hash & 255) + ((hash >>> 8) & 255) + ((hash >>> 16) & 255) + (hash >>> 24);
    data[i] = values[sum]!;
  }
  return data;
}

/** `lead`: blanks behind the header, which move every tensor */
export async function writeWeights(file: string, weights: Weights, lead = 0): Promise<string> {
  const header: Record<string, unknown> = {};
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, data }] of weights) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const dtype = data instanceof Float32Array ? 'F32' : 'F16';
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    pieces.push(bytes);
    at += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header) + ' '.repeat(lead));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'w');
  await handle.writev([length, json, ...pieces]).finally(() => handle.close());
  return file;
}

/** One file with the names of the original repository. */
export function originalNames({ unet, vae, text_encoder: text }: ReferenceModel): Weights {
  const whole: Weights = new Map();
  for (const [name, tensor] of unet) {
    whole.set(`model.diffusion_model.${originalUnet(name, unet)}`, tensor);
  }
  for (const [name, tensor] of vae) {
    const isPoint = /mid_block\.attentions\.0\.to_.*weight$/.test(name);
    const shape = isPoint ? [...tensor.shape, 1, 1] : tensor.shape;
    whole.set(`first_stage_model.${originalVae(name)}`, { ...tensor, shape });
  }
  for (const [name, tensor] of text) {
    whole.set(`cond_stage_model.transformer.text_model.${name}`, tensor);
  }
  return whole;
}

const OUTER: Readonly<Record<string, string>> = {
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  conv_in: 'input_blocks.0.0',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
};
const IN_RESNET: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};

function originalUnet(name: string, unet: Weights): string {
  const [, path = '', end = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const outer = OUTER[path];
  if (outer !== undefined) return `${outer}.${end}`;
  const [, block = '', level = '', kind = '', at = '', rest = ''] =
    /^(down_blocks|up_blocks|mid_block)\.?(\d*)\.(resnets|attentions|\w+samplers)\.(\d+)\.(.*)$/.exec(
      path,
    ) ?? [];
  const inner = kind === 'resnets' ? (IN_RESNET[rest] ?? rest) : rest;
  if (block === 'mid_block') {
    const place = kind === 'attentions' ? 1 : 2 * Number(at);
    return `middle_block.${place}.${inner}.${end}`;
  }
  const first = 3 * Number(level);
  if (kind === 'downsamplers') return `input_blocks.${first + 3}.0.op.${end}`;
  if (kind === 'upsamplers') {
    const attends = unet.has(`up_blocks.${level}.attentions.0.norm.weight`);
    return `output_blocks.${first + 2}.${attends ? 2 : 1}.conv.${end}`;
  }
  const side = block === 'down_blocks' ? 'input_blocks' : 'output_blocks';
  const number = first + Number(at) + (block === 'down_blocks' ? 1 : 0);
  return `${side}.${number}.${kind === 'resnets' ? 0 : 1}.${inner}.${end}`;
}

const VAE_LEVELS = 4;

function originalVae(name: string): string {
  const layers: Readonly<Record<string, string>> = {
    group_norm: 'norm',
    to_q: 'q',
    to_k: 'k',
    to_v: 'v',
    'to_out.0': 'proj_out',
  };
  return name
    .replace(/down_blocks\.(\d)\.resnets\.(\d)/, 'down.$1.block.$2')
    .replace(/down_blocks\.(\d)\.downsamplers\.0/, 'down.$1.downsample')
    .replace(/up_blocks\.(\d)\.resnets\.(\d)/, (_, level: string, at: string) => {
      return `up.${VAE_LEVELS - 1 - Number(level)}.block.${at}`;
    })
    .replace(/up_blocks\.(\d)\.upsamplers\.0/, (_, level: string) => {
      return `up.${VAE_LEVELS - 1 - Number(level)}.upsample`;
    })
    .replace(/mid_block\.resnets\.(\d)/, (_, at: string) => `mid.block_${Number(at) + 1}`)
    .replace(/mid_block\.attentions\.0\.(.+)\.(\w+)$/, (_, layer: string, end: string) => {
      return `mid.attn_1.${layers[layer]}.${end}`;
    })
    .replace('conv_norm_out', 'norm_out')
    .replace('conv_shortcut', 'nin_shortcut');
}

/** A folder as diffusers saves it, without tokenizer and scheduler: those of the family stand in. */
export async function writeFolder(folder: string, model: ReferenceModel): Promise<string> {
  const file = { unet: 'diffusion_pytorch_model', vae: 'diffusion_pytorch_model' };
  for (const [part, weights] of Object.entries(model)) {
    const name = part === 'text_encoder' ? 'model' : file[part as 'unet' | 'vae'];
    await writeWeights(join(folder, part, `${name}.safetensors`), weights);
  }
  return folder;
}

/** The same numbers, stored in float32. */
export function widened(weights: Weights): Weights {
  return new Map(
    [...weights].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
}

export type ReferenceCase = {
  prompt: string;
  steps: number;
  guidanceScale: number;
  seed: bigint;
  scheduler: Record<string, unknown>;
  /** as the decoder takes them, [4,8,8] */
  latents: Float32Array;
  tolerance: number;
  png: Uint8Array;
};

export async function referenceCase(): Promise<ReferenceCase> {
  const text = await readFile(new URL('manifest.json', fixture), 'utf8');
  const { case: c } = JSON.parse(text) as {
    case: {
      seeds: string[];
      args: { prompt: string; num_inference_steps: number; guidance_scale: number };
      scheduler: string;
      scheduler_effective_config: Record<string, unknown>;
      tolerance: number;
    };
  };
  const bytes = new Uint8Array(await readFile(new URL('arrays.bin', fixture)));
  return {
    prompt: c.args.prompt,
    steps: c.args.num_inference_steps,
    guidanceScale: c.args.guidance_scale,
    seed: BigInt(c.seeds[0]!),
    scheduler: { ...c.scheduler_effective_config, _class_name: c.scheduler },
    latents: new Float32Array(bytes.buffer),
    tolerance: c.tolerance,
    png: await readFile(new URL('picture.png', fixture)),
  };
}
