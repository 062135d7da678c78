/** Decides when a preview is due, makes it, and keeps progress in the order of the steps. */
import { encodePreviewJpeg } from '../picture/image.ts';
import { createPreviewClock, renderPreview } from './preview.ts';
import type { PreviewFactors } from './published.ts';
import type { Preview } from '../request.ts';
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

export function createPreviewer(
  factors: PreviewFactors | null,
  shape: LatentShape,
  sharpness: 'sharp' | 'blurred' | 'none',
  start: number,
): Previewer {
  const clock = createPreviewClock(start);
  let pending: Promise<void> | null = null;
  return {
    offer(finished, total, denoised, emit) {
      const due =
        sharpness !== 'none' && factors !== null && clock.due(finished, total, performance.now());
      if (!due) {
        emit(null);
        return;
      }
      const rgb = renderPreview(denoised, shape, factors);
      const longest = Math.max(rgb.width, rgb.height);
      const side = Math.max(longest, Math.min(MAX_SIDE, SCALE * longest));
      const shown = sharpness === 'blurred' ? blur(rgb, shape) : rgb;
      const scale = side / Math.max(shown.width, shown.height);
      const size = {
        width: Math.round(shown.width * scale),
        height: Math.round(shown.height * scale),
      };
      pending = encodePreviewJpeg(shown, side).then(
        (jpeg) => emit({ jpeg, ...size }),
        // A preview is a courtesy: the step is reported without it.
        () => emit(null),
      );
      void pending.finally(() => {
        pending = null;
      });
    },
    pending: () => pending,
  };
}
