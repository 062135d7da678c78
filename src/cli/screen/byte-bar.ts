import { inBytes } from '../../hub/in-bytes.ts';
import { isTerminal, type Stream } from './program.ts';

/** One line that shows how many bytes are done; nothing at all when the stream is no terminal. */
export type ByteBar = {
  update(label: string, done: number, of: number): void;
  say(text: string): void;
  /** removes the line */
  clear(): void;
};

const CELLS = 24;
const CLEAR_LINE = '\r\u001b[2K';
const REDRAW_MS = 100;

/** `now` in milliseconds. */
export function createByteBar(
  screen: Stream,
  now: () => number = () => performance.now(),
): ByteBar {
  if (!isTerminal(screen)) return { update() {}, say() {}, clear() {} };
  let drawnAt = -Infinity;
  let phase = { label: '', began: 0, from: 0 };
  const draw = (text: string): void => {
    if (now() - drawnAt < REDRAW_MS) return;
    drawnAt = now();
    screen.write(CLEAR_LINE + text.slice(0, (screen.columns ?? 80) - 1));
  };
  return {
    update(label, done, of) {
      if (label !== phase.label || done < phase.from) phase = { label, began: now(), from: done };
      const seconds = (now() - phase.began) / 1000;
      draw(barLine(label, done, of, (done - phase.from) / Math.max(0.001, seconds)));
    },
    say: draw,
    clear: () => void screen.write(CLEAR_LINE),
  };
}

function barLine(label: string, done: number, of: number, perSecond: number): string {
  const share = of > 0 ? Math.min(1, done / of) : 1;
  const full = Math.round(share * CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(CELLS - full);
  const left = perSecond > 0 ? `${((of - done) / perSecond).toFixed(0)} s left` : '';
  return `${label} ${bar} ${inBytes(done)} of ${inBytes(of)}  ${inBytes(perSecond)}/s  ${left}`;
}
