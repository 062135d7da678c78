/**
 * How far a picture is from another. All are symmetric, all are computed on whole pictures of one size.
 *
 *   latent distance  sqrt(mean (a - b)^2) over all latents, in units of their scale (about 1 for a picture)
 *   RMSE             sqrt(mean (a - b)^2) over all RGB values, 0-255
 *   PSNR             20 log10(255 / RMSE) in dB; Infinity for equal pictures
 *   SSIM             Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment: From Error Visibility to
 *                    Structural Similarity", IEEE TIP 13(4), 2004
 */

/** 8-bit RGB, rows from the top. */
export type Rgb = { data: Uint8Array; width: number; height: number };

/** RMS difference of two latents. @throws Error for different sizes */
export function latentDistance(a: Float32Array, b: Float32Array): number {
  return rootMeanSquare(a, b);
}

/** RMS difference of two pictures, 0-255. @throws Error for different sizes */
export function rmse(a: Rgb, b: Rgb): number {
  checkSizes(a, b);
  return rootMeanSquare(a.data, b.data);
}

/** Peak signal-to-noise ratio in dB; infinite for equal pictures. @throws Error for different sizes */
export function psnr(a: Rgb, b: Rgb): number {
  return 20 * Math.log10(255 / rmse(a, b));
}

function rootMeanSquare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0) {
    throw new Error(`cannot compare ${a.length} values with ${b.length}`);
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}

const WINDOW = 11;
const SIGMA = 1.5;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
/** Longest side that is compared pixel by pixel. */
const VIEWED = 256;

/**
 * Mean SSIM of the brightness (Rec. 601 luma): Gaussian window of 11 x 11 with standard deviation 1.5, weights of
 * sum 1, K1 = 0.01, K2 = 0.03, only windows that lie wholly inside. As the authors' ssim.m suggests, pictures are
 * averaged down by round(shorter side / 256) first. 1 for equal pictures, at least -1.
 * @throws Error for pictures smaller than a window
 */
export function ssim(a: Rgb, b: Rgb): number {
  checkSizes(a, b);
  const [x, y] = [viewed(a), viewed(b)];
  if (x.width < WINDOW || x.height < WINDOW) {
    throw new Error(`SSIM needs ${WINDOW} pixels a side, not ${x.width}x${x.height}`);
  }
  const mean = (f: (p: number, q: number) => number): Float64Array => {
    const values = new Float64Array(x.data.length);
    for (let i = 0; i < values.length; i++) values[i] = f(x.data[i]!, y.data[i]!);
    return blur(values, x.width, x.height);
  };
  const mx = mean((p) => p);
  const my = mean((_, q) => q);
  const xx = mean((p) => p * p);
  const yy = mean((_, q) => q * q);
  const xy = mean((p, q) => p * q);
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [p, q] = [mx[i]!, my[i]!];
    const [sxx, syy, sxy] = [xx[i]! - p * p, yy[i]! - q * q, xy[i]! - p * q];
    sum += ((2 * p * q + C1) * (2 * sxy + C2)) / ((p * p + q * q + C1) * (sxx + syy + C2));
  }
  return sum / mx.length;
}

type Plane = { data: Float64Array; width: number; height: number };

/** Luma 0-255, averaged over blocks so that the shorter side is near 256 at most. */
function viewed({ data, width, height }: Rgb): Plane {
  const block = Math.max(1, Math.round(Math.min(width, height) / VIEWED));
  const [w, h] = [Math.floor(width / block), Math.floor(height / block)];
  const plane = new Float64Array(w * h);
  const share = 1 / block ** 2;
  for (let y = 0; y < h * block; y++) {
    const row = Math.floor(y / block) * w;
    let at = 3 * y * width;
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let k = 0; k < block; k++, at += 3) {
        sum += 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
      }
      plane[row + x]! += sum * share;
    }
  }
  return { data: plane, width: w, height: h };
}

const KERNEL = gaussian();

function gaussian(): Float64Array {
  const half = (WINDOW - 1) / 2;
  const weights = Float64Array.from({ length: WINDOW }, (_, i) =>
    Math.exp(-((i - half) ** 2) / (2 * SIGMA ** 2)),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Separable; the result is smaller by the window less one in both directions. */
function blur(values: Float64Array, width: number, height: number): Float64Array {
  const w = width - WINDOW + 1;
  const h = height - WINDOW + 1;
  const across = new Float64Array(w * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += KERNEL[k]! * values[y * width + x + k]!;
      across[y * w + x] = sum;
    }
  }
  const blurred = new Float64Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += KERNEL[k]! * across[(y + k) * w + x]!;
      blurred[y * w + x] = sum;
    }
  }
  return blurred;
}

function checkSizes(a: Rgb, b: Rgb): void {
  if (a.width === b.width && a.height === b.height) return;
  throw new Error(`pictures of ${a.width}x${a.height} and ${b.width}x${b.height} have no distance`);
}
