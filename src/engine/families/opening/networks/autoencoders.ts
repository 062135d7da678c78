/** Autoencoders in files: under diffusers' names, and which of the kinds that look alike from outside they are. */
import { basename } from 'node:path';
import { vaeTensors } from '../../../checkpoint/names/split.ts';
import type { PartTensors, TensorSlice } from '../../../checkpoint/tensors.ts';
import type { TransformerFamily, VaeKind } from '../../transformer-family.ts';

const ROOTS = ['first_stage_model.', 'vae.', ''];

/** The autoencoder among the tensors, by diffusers' names; null: there is none. */
export function autoencoderIn(all: ReadonlyMap<string, TensorSlice>): PartTensors | null {
  for (const root of ROOTS) {
    const own = new Map(
      [...all].flatMap(([name, tensor]) =>
        name.startsWith(root) ? [[name.slice(root.length), tensor] as const] : [],
      ),
    );
    if (own.has('decoder.middle.0.residual.0.gamma')) return framesNames(own);
    if (!own.has('decoder.conv_in.weight')) continue;
    if (kindOf(own) === 'frames') return own;
    const renamed = new Map(vaeTensors(own));
    for (const [name, tensor] of own) if (name.startsWith('bn.')) renamed.set(name, tensor);
    return renamed;
  }
  return null;
}

function kindOf(tensors: PartTensors): VaeKind {
  if (tensors.has('bn.running_mean')) return 'patches';
  return tensors.has('decoder.norm_out.gamma') ? 'frames' : 'plain';
}

/** Whether the family's transformer works with what this autoencoder makes. */
export function fitsFamily(
  { vae, latents }: TransformerFamily,
  tensors: PartTensors,
  channels: number,
): boolean {
  if (kindOf(tensors) !== (vae.kind ?? 'plain')) return false;
  return latents({ config: {}, tensors }).channels === channels;
}

/** Those of Flux.1 and Stable Diffusion 3 differ in their numbers alone: the names of the files tell. */
export function likeliestFirst({ vae }: TransformerFamily, files: readonly string[]): string[] {
  const rank = (file: string): number => {
    if (vae.names?.test(basename(file))) return 0;
    return vae.otherNames?.test(basename(file)) ? 2 : 1;
  };
  return files.toSorted((a, b) => rank(a) - rank(b));
}

const RESNET: Readonly<Record<string, string>> = {
  'residual.0': 'norm1',
  'residual.2': 'conv1',
  'residual.3': 'norm2',
  'residual.6': 'conv2',
  shortcut: 'conv_shortcut',
};

const AROUND: readonly (readonly [RegExp, string])[] = [
  [/^conv1\./, 'quant_conv.'],
  [/^conv2\./, 'post_quant_conv.'],
  [/^(encoder|decoder)\.conv1\./, '$1.conv_in.'],
  [/^(encoder|decoder)\.head\.0\./, '$1.norm_out.'],
  [/^(encoder|decoder)\.head\.2\./, '$1.conv_out.'],
  [/^(encoder|decoder)\.middle\.0\./, '$1.mid_block.resnets.0.'],
  [/^(encoder|decoder)\.middle\.1\./, '$1.mid_block.attentions.0.'],
  [/^(encoder|decoder)\.middle\.2\./, '$1.mid_block.resnets.1.'],
  [/^encoder\.downsamples\./, 'encoder.down_blocks.'],
];

/** Of a network for moving pictures as its makers published it (Wan, whose autoencoder Qwen-Image's descends from). */
function framesNames(own: PartTensors): PartTensors {
  const ups = upBlocks(own);
  const renamed = new Map<string, TensorSlice>();
  for (const [name, tensor] of own) {
    const up = /^decoder\.upsamples\.(\d+)\.(.+)$/.exec(name);
    const moved = up
      ? `decoder.up_blocks.${ups.get(Number(up[1]))}.${up[2]}`
      : AROUND.reduce((path, [from, to]) => path.replace(from, to), name);
    const inside = moved.replace(
      /\.(residual\.[0236]|shortcut)\./,
      (_, part: string) => `.${RESNET[part]}.`,
    );
    renamed.set(inside, tensor);
  }
  return renamed;
}

/** Their decoder counts resnets and upsamplers in one row, diffusers by levels: an upsampler ends one. */
function upBlocks(own: PartTensors): ReadonlyMap<number, string> {
  const places = new Map<number, string>();
  let level = 0;
  let resnet = 0;
  for (let i = 0; ; i++) {
    if (own.has(`decoder.upsamples.${i}.residual.2.weight`)) {
      places.set(i, `${level}.resnets.${resnet++}`);
    } else if (own.has(`decoder.upsamples.${i}.resample.1.weight`)) {
      places.set(i, `${level++}.upsamplers.0`);
      resnet = 0;
    } else {
      return places;
    }
  }
}
