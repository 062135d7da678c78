/** Decides when a preview is due, makes it, and keeps progress in the order of the steps. */
import { encodePreviewJpeg } from '../picture/image.ts';
import { createPreviewClock, renderPreview } from './preview.ts';
import type { PreviewFactors } from './published.ts';
import type { TinyPreviews } from './tiny-previews.ts';
import type { Preview } from '../result.ts';
import { resizeBytes } from '../picture/pixels/resample.ts';
import type { LatentShape } from '../sampling/sampling.ts';
import type { Pixels } from '../network/vae.ts';

export type Previewer = {
  /** Calls `emit` at once, or after the preview of this step is encoded when one is due. */
  offer(
    finished: number,
    total: number,
    denoised: Float32Array,
    emit: (preview: Preview | null) => void,
  ): void;
  /** The preview that is being encoded, null when there is none: await it before the next step may report. */
  pending(): Promise<void> | null;
};

/** Of a blurred picture, along its longest side: light and colours show, and nothing else can be made out. */
const BLURRED_CELLS = 8;

function blur(rgb: Pixels, [batch]: LatentShape): Pixels {
  const factor = Math.max(rgb.height, rgb.width / batch) / BLURRED_CELLS;
  const size = {
    width: Math.max(1, Math.round(rgb.width / factor)),
    height: Math.max(1, Math.round(rgb.height / factor)),
  };
  return { data: resizeBytes(rgb.data, rgb, size, 3, 'bicubic'), ...size };
}

/** A preview is this many times the latents' size, its longest side at most MAX_SIDE pixels. */
const SCALE = 8;
const MAX_SIDE = 512;

/** What previews by a tiny autoencoder may take of the time that a picture has taken so far, and one of a step's. */
const MOST_SHARE = 0.1;
const MOST_OF_STEP = 0.5;

/** `tiny`: the model's tiny autoencoder, null where it has none. */
export function createPreviewer(
  factors: PreviewFactors | null,
  shape: LatentShape,
  sharpness: 'sharp' | 'blurred' | 'none',
  start: number,
  tiny: () => Promise<TinyPreviews | null> = () => Promise.resolve(null),
): Previewer {
  const clock = createPreviewClock(start);
  const paintTiny = withinShare(tiny, shape, start);
  let pending: Promise<void> | null = null;

  async function drawn(
    denoised: Float32Array,
    finished: number,
    rough: Pixels | null,
  ): Promise<Preview | null> {
    const rgb = (await paintTiny(denoised, finished)) ?? rough;
    if (rgb === null) return null;
    const [batch, , height, width] = shape;
    const patch = factors?.patch ?? 1;
    const longest = patch * Math.max(batch * width, height);
    const side = Math.max(longest, Math.min(MAX_SIDE, SCALE * longest));
    const shown = sharpness === 'blurred' ? blur(rgb, shape) : rgb;
    const scale = side / Math.max(shown.width, shown.height);
    const size = {
      width: Math.round(shown.width * scale),
      height: Math.round(shown.height * scale),
    };
    return { jpeg: await encodePreviewJpeg(shown, side), ...size };
  }

  return {
    offer(finished, total, denoised, emit) {
      if (sharpness === 'none' || !clock.due(finished, total, performance.now())) {
        emit(null);
        return;
      }
      const rough = factors && renderPreview(denoised, shape, factors);
      // A sampler goes on with its own numbers while this is drawn.
      pending = drawn(denoised.slice(), finished, rough).then(emit, () => {
        // A preview is a courtesy: the step is reported without it.
        emit(null);
      });
      void pending.finally(() => {
        pending = null;
      });
    },
    pending: () => pending,
  };
}

/** Null where there is no tiny autoencoder, it fails, or it would take too much of the time. */
function withinShare(
  tiny: () => Promise<TinyPreviews | null>,
  shape: LatentShape,
  start: number,
): (denoised: Float32Array, finished: number) => Promise<Pixels | null> {
  let spent = 0;
  let isBroken = false;
  return async (denoised, finished) => {
    if (isBroken) return null;
    const own = await tiny().catch(() => null);
    const began = performance.now();
    const elapsed = began - start;
    const most = Math.min(MOST_SHARE * elapsed - spent, (MOST_OF_STEP * elapsed) / finished);
    if (own === null || own.expected(shape) > most) return null;
    try {
      return await own.paint(denoised, shape);
    } catch {
      isBroken = true;
      return null;
    } finally {
      spent += performance.now() - began;
    }
  };
}
