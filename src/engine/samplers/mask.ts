import type { LatentShape } from '../sampling/sampling.ts';

/** A mask spread over whole latents [B,C,h,w]: 1 = repaint, 0 = keep. @throws RangeError for a mask of another size */
export function spreadMask(data: Float32Array, shape: LatentShape): Float32Array {
  const [batch, channels, height, width] = shape;
  const plane = height * width;
  const full = batch * channels * plane;
  if (data.length === full) return data;
  const perImage = data.length === batch * plane && batch > 1;
  if (!perImage && data.length !== plane) {
    throw new RangeError(
      `a mask for latents [${shape}] has ${plane}, ${batch * plane} or ${full} values, not ${data.length}`,
    );
  }
  const out = new Float32Array(full);
  for (let b = 0; b < batch; b++) {
    const source = perImage ? data.subarray(b * plane, (b + 1) * plane) : data;
    for (let c = 0; c < channels; c++) out.set(source, (b * channels + c) * plane);
  }
  return out;
}

/** mask * repainted + (1 - mask) * kept */
export function blend(
  mask: Float32Array,
  repainted: Float32Array,
  kept: Float32Array,
): Float32Array {
  const out = new Float32Array(repainted.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = repainted[i]! * mask[i]! + kept[i]! * (1 - mask[i]!);
  }
  return out;
}
