import sharp from 'sharp';
import { fitted, letter } from '../sheet/drawn/lettering.ts';
import { THEME, type ThemeName } from '../sheet/drawn/theme.ts';
import { raster } from '../sheet/drawn/tile.ts';
import type { CurveLine } from './curve.ts';
import { colourOf, dashOf, drawPanel } from './panel.ts';
import { PLOT_TEXT, type PlotText } from './plot-text.ts';
import { measuresIn, settledWords } from './plot.ts';

/** A phone shows a picture about 350 points wide: half of this, so that the letters keep 14 points. */
const WIDTH = 720;
const SIZE = { width: 580, height: 380, small: 28 } as const;
const LEFT = 104;
const TOP = 72;
const LEGEND = { line: 42, most: 6 } as const;
/** Below the axis: its ticks and its name. */
const FOOT = 96;

/**
 * The one panel that says most: SSIM over steps, and below it where each line settles.
 * @throws Error where the text has no measure
 */
export async function drawPhonePlot(
  lines: readonly CurveLine[],
  { theme: name, text = PLOT_TEXT }: { theme: ThemeName; text?: PlotText },
): Promise<Uint8Array> {
  const theme = THEME[name];
  const [ssim] = measuresIn(text);
  if (ssim === undefined) throw new Error('no measure to draw');
  const named = lines.slice(0, LEGEND.most);
  const foot = TOP + SIZE.height + FOOT;
  const height = foot + named.length * LEGEND.line + 16;
  const panel = drawPanel(lines, { ...ssim, hint: '' }, 'steps', { text, theme, size: SIZE });
  const legend = named.map((line, index) => {
    const y = foot + index * LEGEND.line;
    const words = `${line.label}: ${settledWords(line, text)}`;
    const room = WIDTH - LEFT - 40;
    return (
      `<line x1="28" x2="80" y1="${y}" y2="${y}" stroke="${colourOf(index, theme)}" stroke-width="7"${dashOf(index, theme)}/>` +
      letter(fitted(words, room, SIZE.small), {
        x: 100,
        y: y + 10,
        size: SIZE.small,
        fill: theme.text,
      })
    );
  });
  const parts = [
    `<rect width="${WIDTH}" height="${height}" fill="${theme.ground}"/>`,
    `<g transform="translate(${LEFT} ${TOP})">${panel}</g>`,
    ...legend,
  ];
  const pixels = await raster(parts.join(''), WIDTH, height);
  return sharp(pixels, { raw: { width: WIDTH, height, channels: 3 } })
    .png({ compressionLevel: 9, palette: true, colours: 128, dither: 0 })
    .toBuffer();
}
