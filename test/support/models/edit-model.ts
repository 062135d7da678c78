/// <reference lib="esnext.float16" />
/** Models that edit, made of the reference ones (diffusers' names), and what diffusers and A1111 paint with them. */
import { readFile } from 'node:fs/promises';
import type { Weights } from './reference-checkpoint.ts';

const fixture = new URL('../../fixtures/golden/edit/', import.meta.url);

/** The UNet with four channels more in its first layer. */
export async function withPicture(unet: Weights): Promise<Weights> {
  const bytes = new Uint8Array(await readFile(new URL('channels.bin', fixture)));
  const added = new Float16Array(bytes.buffer);
  const own = unet.get('conv_in.weight')!;
  const [out = 0] = own.shape;
  const [inside, more] = [own.data.length / out, added.length / out];
  const data = new Float16Array(own.data.length + added.length);
  for (let channel = 0; channel < out; channel++) {
    const at = channel * (inside + more);
    data.set(own.data.subarray(channel * inside, (channel + 1) * inside), at);
    data.set(added.subarray(channel * more, (channel + 1) * more), at + inside);
  }
  return new Map([...unet, ['conv_in.weight', { shape: [out, 8, 3, 3], data }]]);
}

export type EditCase = {
  name: string;
  profile: 'diffusers' | 'a1111';
  /** PNG */
  picture: Uint8Array;
  width: number;
  height: number;
  args: {
    prompt: string;
    negative_prompt?: string;
    num_inference_steps: number;
    guidance_scale: number;
    image_guidance_scale: number;
    guidance_rescale?: number;
    /** A1111's img2img; null: from noise alone */
    strength?: number | null;
  };
  seed: number;
  /** null: A1111's Euler */
  scheduler: Record<string, unknown> | null;
  /** as the decoder takes them */
  latents: Float32Array;
};

type Told = Omit<EditCase, 'profile' | 'picture' | 'width' | 'height' | 'latents'> & {
  profile?: EditCase['profile'];
  picture: string;
  latents: [at: number, shape: [number, number, number, number]];
};

export async function editCases(model: 'sd1' | 'sdxl'): Promise<EditCase[]> {
  const text = await readFile(new URL('manifest.json', fixture), 'utf8');
  const cases = (JSON.parse(text) as Record<string, Told[]>)[model] ?? [];
  const bytes = new Uint8Array(await readFile(new URL('arrays.bin', fixture)));
  const all = new Float32Array(bytes.buffer);
  const read: EditCase[] = [];
  for (const { profile = 'diffusers', picture, latents, ...told } of cases) {
    const [at, [, channels, high, wide]] = latents;
    read.push({
      ...told,
      profile,
      picture: await readFile(new URL(picture, fixture)),
      width: 8 * wide,
      height: 8 * high,
      latents: all.subarray(at, at + channels * high * wide),
    });
  }
  return read;
}

export async function editedPicture(): Promise<Uint8Array> {
  return readFile(new URL('picture.png', fixture));
}
