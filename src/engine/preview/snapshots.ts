import { encodePng } from '../picture/image.ts';
import { writeInfotext } from '../recipe/infotext.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { GenerateRequest } from '../request.ts';
import type { SafetyChecker } from '../network/safety.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import { decodeLatents } from '../network/vae.ts';

/**
 * x̂0 of chosen steps as real pictures: the VAE decodes what the network believes the picture will be. What the safety
 * checker flags is left out; a step of which nothing is left is not told.
 */
export type Snapshots = {
  /** Remembers the latents [B,C,h,w] of a step that was asked for. */
  offer(step: number, sigma: number, denoised: Float32Array): void;
  /** something waits to be decoded */
  waits(): boolean;
  /** Decodes what waits, between two network runs; answers the milliseconds it took, null when nothing waits. */
  decodeWaiting(): Promise<number> | null;
};

type Look = { step: number; sigma: number; pictures: readonly Uint8Array[] };

/**
 * Makes snapshots of the given steps (from 1) of a run with latents of `shape` [batch, channels, height, width]; each
 * is told to `onLook` once it is decoded.
 */
export function createSnapshots(
  request: GenerateRequest,
  model: LoadedModel,
  shape: LatentShape,
  { steps, safety }: { steps: readonly number[]; safety: SafetyChecker | null },
  onLook: (look: Look) => void,
): Snapshots {
  const asked = new Set(steps);
  const waiting: { step: number; sigma: number; latents: Float32Array }[] = [];

  async function decode(latents: Float32Array): Promise<Uint8Array[]> {
    const size = latents.length / shape[0];
    const pictures: Uint8Array[] = [];
    for (let index = 0; index < shape[0]; index++) {
      const own = latents.subarray(index * size, (index + 1) * size);
      const { layout, info } = model.entry;
      const pixels = await decodeLatents(model.vaeDecoder, layout, own, request, request.profile);
      if (await safety?.flags(pixels)) continue;
      pictures.push(await encodePng(pixels, { infotext: writeInfotext(request, info, index) }));
    }
    return pictures;
  }

  async function decodeAll(): Promise<number> {
    const began = performance.now();
    for (const { step, sigma, latents } of waiting.splice(0)) {
      const pictures = await decode(latents);
      if (pictures.length > 0) onLook({ step, sigma, pictures });
    }
    return performance.now() - began;
  }

  return {
    offer(step, sigma, denoised) {
      if (asked.has(step)) waiting.push({ step, sigma, latents: denoised.slice() });
    },
    waits: () => waiting.length > 0,
    decodeWaiting: () => (waiting.length === 0 ? null : decodeAll()),
  };
}
