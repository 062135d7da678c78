import type { LatentShape } from '../sampling/sampling.ts';

/**
 * In place, token by token (Qwen-Image, diffusers pipeline_qwenimage.py): guided · |cond| / |guided|, where a token is a
 * patch of two by two latents [B,C,h,w] with all its channels.
 */
export function asLongAs(
  guided: Float32Array,
  conditional: Float32Array,
  [batch, channels, height, width]: LatentShape,
): void {
  const plane = height * width;
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < height; y += 2) {
      for (let x = 0; x < width; x += 2) {
        const places: number[] = [];
        for (let c = 0; c < channels; c++) {
          const corner = (image * channels + c) * plane + y * width + x;
          places.push(corner, corner + 1, corner + width, corner + width + 1);
        }
        const length = (of: Float32Array): number =>
          Math.sqrt(places.reduce((sum, place) => sum + of[place]! ** 2, 0));
        const factor = length(conditional) / length(guided);
        for (const place of places) guided[place] = guided[place]! * factor;
      }
    }
  }
}

/** In place, image by image (Z-Image, diffusers pipeline_z_image.py): no longer than `most` times |cond|. */
export function noLongerThan(
  guided: Float32Array,
  conditional: Float32Array,
  batch: number,
  most: number,
): void {
  const size = guided.length / batch;
  for (let image = 0; image < batch; image++) {
    const own = guided.subarray(image * size, (image + 1) * size);
    const length = lengthOf(own);
    const longest = most * lengthOf(conditional.subarray(image * size, (image + 1) * size));
    if (length <= longest) continue;
    for (let i = 0; i < size; i++) own[i] = own[i]! * (longest / length);
  }
}

function lengthOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
