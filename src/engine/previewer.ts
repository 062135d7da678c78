/** Decides when a preview is due, makes it, and keeps progress in the order of the steps. */
import { encodePreviewJpeg } from './image.ts';
import { createPreviewClock, renderPreview, type PreviewFactors } from './preview.ts';
import type { Preview } from './request.ts';
import type { LatentShape } from './sampling.ts';

export type Previewer = {
  /** Calls `emit` at once, or after the preview of this step is encoded when one is due. */
  offer(
    finished: number,
    total: number,
    denoised: Float32Array,
    emit: (preview: Preview | null) => void,
  ): void;
  /** Resolves when no preview is being encoded: await it before the next step may report. */
  settled(): Promise<void>;
};

/** A preview is this many times the latents' size, its longest side at most MAX_SIDE pixels. */
const SCALE = 8;
const MAX_SIDE = 512;

export function createPreviewer(
  factors: PreviewFactors | null,
  shape: LatentShape,
  wanted: boolean,
  start: number,
): Previewer {
  const clock = createPreviewClock(start);
  let pending: Promise<void> = Promise.resolve();
  return {
    offer(finished, total, denoised, emit) {
      const due = wanted && factors !== null && clock.due(finished, total, performance.now());
      if (!due) {
        emit(null);
        return;
      }
      const rgb = renderPreview(denoised, shape, factors);
      const longest = Math.max(rgb.width, rgb.height);
      const side = Math.max(longest, Math.min(MAX_SIDE, SCALE * longest));
      const size = {
        width: Math.round((rgb.width * side) / longest),
        height: Math.round((rgb.height * side) / longest),
      };
      pending = encodePreviewJpeg(rgb, side).then(
        (jpeg) => emit({ jpeg, ...size }),
        // A preview is a courtesy: the step is reported without it.
        () => emit(null),
      );
    },
    settled: () => pending,
  };
}
