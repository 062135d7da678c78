import type { Progress } from '../../engine/result.ts';
import { isTerminal, type Stream } from './program.ts';
import { createProgressBar } from './progress-bar.ts';
import { pictureStyle, renderPicture } from './terminal-image.ts';

export type Screen = {
  showsPictures: boolean;
  update(progress: Progress): void;
  /** removes the bar and leaves the finished pictures, where the terminal can show them */
  finish(pictures: readonly Uint8Array[]): Promise<void>;
};

/** Bar and preview on a terminal; nothing at all when the stream is none. */
export function createScreen(stream: Stream, terminal: { term: string; program: string }): Screen {
  if (!isTerminal(stream)) return { showsPictures: false, update() {}, async finish() {} };
  const style = pictureStyle({ ...terminal, colorDepth: stream.getColorDepth(), isTTY: true });
  const bar = createProgressBar(stream);
  let lines = 0;
  let drawing: Promise<void> | null = null;
  const draw = async (picture: Uint8Array): Promise<void> => {
    const rendered = await renderPicture(picture, style, stream.columns, stream.rows);
    bar.clear();
    // Over the picture before it.
    const home = lines > 0 ? `\u001b[${lines}A\u001b[J` : '';
    stream.write(home + rendered.text);
    lines = rendered.lines;
  };
  return {
    showsPictures: style !== 'none',
    update(progress) {
      const preview = progress.phase === 'sampling' ? progress.preview : undefined;
      // A preview that comes while one is being drawn is out of date before it could be shown.
      if (preview && style !== 'none') {
        drawing ??= draw(preview.jpeg).finally(() => {
          drawing = null;
          bar.update(progress);
        });
      } else if (!drawing) bar.update(progress);
    },
    async finish(pictures) {
      await drawing;
      bar.clear();
      if (style === 'none') return;
      for (const [index, picture] of pictures.entries()) {
        if (index > 0) lines = 0;
        await draw(picture);
      }
    },
  };
}
