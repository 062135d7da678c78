import type { Progress } from '../../engine/result.ts';

type Screen = { write(text: string): unknown; columns?: number };

export type ProgressBar = {
  /** `before` stands at the line's beginning, such as "Cell 2 of 6 · " */
  update(progress: Progress, before?: string): void;
  /** removes the line */
  clear(): void;
};

const LABELS = {
  loading: 'Loading the model',
  encoding: 'Reading the prompt',
  decoding: 'Developing',
} as const;
const CLEAR_LINE = '\r\u001b[2K';

/** One line that is drawn over and over; `now` in milliseconds. */
export function createProgressBar(
  screen: Screen,
  now: () => number = () => performance.now(),
): ProgressBar {
  let firstStepAt = 0;
  const draw = (text: string): void => {
    const width = (screen.columns ?? 80) - 1;
    screen.write(CLEAR_LINE + text.slice(0, width));
  };
  return {
    update(progress, before = '') {
      if (progress.phase !== 'sampling') {
        if (progress.phase === 'encoding') firstStepAt = now();
        draw(before + LABELS[progress.phase]);
        return;
      }
      const seconds = (now() - firstStepAt) / 1000;
      draw(before + samplingLine(progress.step, progress.steps, seconds));
    },
    clear: () => void screen.write(CLEAR_LINE),
  };
}

const CELLS = 24;

function samplingLine(step: number, steps: number, seconds: number): string {
  const full = Math.round((step / steps) * CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(CELLS - full);
  const perStep = seconds / step;
  const left = perStep * (steps - step);
  const speed =
    perStep >= 1 ? `${perStep.toFixed(1)} s/step` : `${(1 / perStep).toFixed(1)} steps/s`;
  return `Painting ${bar} ${step}/${steps}  ${speed}  ${left.toFixed(0)} s left`;
}
