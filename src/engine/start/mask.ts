/** A person's mask as the references read, soften and shrink it. */
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { decodeImage } from '../picture/image.ts';
import { resizeBytes } from '../picture/pixels/resample.ts';
import type { Pixels } from '../network/vae.ts';

/** grey levels 0 … 255, one byte a pixel; white is painted anew */
export type Mask = { data: Uint8Array; width: number; height: number };

/**
 * White where to repaint; in a picture that is transparent somewhere, what is not transparent (A1111
 * create_binary_mask).
 * @throws UserError when the mask has another size than the start picture
 */
export async function readMask(bytes: Uint8Array, blur: number, picture: Pixels): Promise<Mask> {
  const { data, alpha, width, height } = await decodeImage(bytes);
  if (width !== picture.width || height !== picture.height) {
    throw new UserError(
      say('mask-misfit', `${width}x${height}`, `${picture.width}x${picture.height}`),
    );
  }
  const grey = new Uint8Array(width * height);
  const drawn = alpha?.some((opacity) => opacity !== 255) ? alpha : null;
  for (let i = 0; i < grey.length; i++) {
    const [red, green, blue] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    // ITU-R 601 luma in 16-bit fixed point, as Pillow converts to greyscale.
    const luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    grey[i] = drawn === null ? luma : drawn[i]! > 128 ? 255 : 0;
  }
  return blurMask({ data: grey, width, height }, blur);
}

/**
 * Gaussian blur of a standard deviation in pixels, first across, then down: OpenCV's GaussianBlur of 8-bit pictures
 * with the kernel sizes of A1111 (modules/processing.py), to the level.
 */
export function blurMask({ data, width, height }: Mask, sigma: number): Mask {
  const reach = Math.floor(2.5 * sigma + 0.5);
  if (sigma <= 0 || reach === 0) return { data, width, height };
  const kernel = fixedKernel(sigma, reach);
  const across = blurLines(data, kernel, { lines: height, length: width, step: 1, next: width });
  const down = { lines: width, length: height, step: width, next: 1 };
  return { data: blurLines(across, kernel, down), width, height };
}

/** Weights in 256ths whose sum is 256; rounding errors are carried to the next weight (smooth.dispatch.cpp). */
function fixedKernel(sigma: number, reach: number): number[] {
  const size = 2 * reach + 1;
  const raw = Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
  );
  const sum = raw.reduce((total, value) => total + value, 0);
  const kernel = Array.from({ length: size }, () => 0);
  let carried = 0;
  let used = 0;
  for (let i = 0; i < reach; i++) {
    const wanted = (raw[i]! / sum) * 256 + carried;
    const weight = roundHalfEven(wanted);
    carried = wanted - weight;
    kernel[i] = weight;
    kernel[size - 1 - i] = weight;
    used += 2 * weight;
  }
  kernel[reach] = 256 - used;
  return kernel;
}

function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest === 0.5) return down % 2 === 0 ? down : down + 1;
  return rest < 0.5 ? down : down + 1;
}

type Lines = { lines: number; length: number; step: number; next: number };

/** Every row or column; beyond the edges the picture is mirrored, its edge itself not repeated. */
function blurLines(data: Uint8Array, kernel: readonly number[], lines: Lines): Uint8Array {
  const { length, step, next } = lines;
  const reach = kernel.length >> 1;
  const mirror = Array.from({ length: length + 2 * reach }, (_, i) => reflect(i - reach, length));
  const blurred = new Uint8Array(data.length);
  for (let line = 0; line < lines.lines; line++) {
    for (let at = 0; at < length; at++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) {
        sum += kernel[k]! * data[line * next + mirror[at + k]! * step]!;
      }
      blurred[line * next + at * step] = (sum + 128) >> 8;
    }
  }
  return blurred;
}

function reflect(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((index % period) + period) % period;
  return within < length ? within : period - within;
}

/** A1111's mask at latent size: Pillow's bicubic, then to the nearer of 0 and 1. */
export function shrinkToLatents(mask: Mask, to: { width: number; height: number }): Float32Array {
  const small = resizeBytes(mask.data, mask, to, 1, 'bicubic');
  return Float32Array.from(small, (level) => (level > 127 ? 1 : 0));
}
