import sharp from 'sharp';
import type { CurveLine } from './curve.ts';
import { fitted, letter, textWidth } from '../sheet/drawn/lettering.ts';
import { PLOT_TEXT, type PlotText } from './plot-text.ts';
import { colourOf, dashOf, drawPanel, type Measure, SMALL } from './panel.ts';
import { raster } from '../sheet/drawn/tile.ts';
import { THEME, type Theme, type ThemeName } from '../sheet/drawn/theme.ts';

/** The curves of a steps sheet: three measures, each against steps and against seconds, a line a sampler. */
export type PlotWords = { title: string; theme: ThemeName; text?: PlotText };

export const measuresIn = (text: PlotText): readonly Measure[] => [
  { key: 'ssim', label: text.ssim, hint: text.ssimHint },
  { key: 'rmse', label: text.rmse, hint: text.rmseHint },
  { key: 'latentDistance', label: text.latent, hint: text.latentHint },
];
const ACROSS = ['steps', 'seconds'] as const;

const WIDTH = 1200;
const MARGIN = 28;
const TITLE = 26;
const LEGEND_LINE = 30;
const PANEL = { width: 500, height: 220, left: 64, top: 46, gapX: 580, gapY: 320 } as const;

/** Draws curves as a PNG: a row a measure, over steps and over seconds. A measure that any line lacks is left out. */
export async function drawPlot(lines: readonly CurveLine[], words: PlotWords): Promise<Uint8Array> {
  const theme = THEME[words.theme];
  const { text = PLOT_TEXT } = words;
  const legend = drawLegend(lines, text, theme);
  const top = MARGIN + TITLE + 16 + legend.height;
  const measures = measuresIn(text).filter(({ key }) =>
    lines.every((line) => line.points.every((point) => point[key] !== null)),
  );
  const height = top + measures.length * PANEL.gapY + 8;
  const parts = [
    `<rect width="${WIDTH}" height="${height}" fill="${theme.ground}"/>`,
    letter(fitted(words.title, WIDTH - 2 * MARGIN, TITLE, 'bold'), {
      x: MARGIN,
      y: MARGIN + TITLE - 4,
      size: TITLE,
      fill: theme.text,
      weight: 'bold',
    }),
    `<g transform="translate(0 ${MARGIN + TITLE + 10})">${legend.parts}</g>`,
  ];
  for (const [row, measure] of measures.entries()) {
    for (const [column, across] of ACROSS.entries()) {
      const panel = drawPanel(lines, measure, across, {
        text,
        theme,
        size: { ...PANEL, small: SMALL },
      });
      const x = MARGIN + PANEL.left + column * PANEL.gapX;
      const y = top + PANEL.top + row * PANEL.gapY;
      parts.push(`<g transform="translate(${x} ${y})">${panel}</g>`);
    }
  }
  const pixels = await raster(parts.join(''), WIDTH, height);
  return sharp(pixels, { raw: { width: WIDTH, height, channels: 3 } })
    .png({ compressionLevel: 9, palette: true, colours: 128, dither: 0 })
    .toBuffer();
}

function drawLegend(
  lines: readonly CurveLine[],
  text: PlotText,
  theme: Theme,
): { parts: string; height: number } {
  let parts = '';
  let [x, y] = [MARGIN, LEGEND_LINE / 2];
  for (const [index, line] of lines.entries()) {
    const words = `${line.label}  (${settledWords(line, text)})`;
    const wide = 44 + textWidth(words, SMALL + 1);
    if (x + wide > WIDTH - MARGIN && x > MARGIN) [x, y] = [MARGIN, y + LEGEND_LINE];
    parts +=
      `<line x1="${x}" x2="${x + 26}" y1="${y}" y2="${y}" stroke="${colourOf(index, theme)}" stroke-width="4"${dashOf(index, theme)}/>` +
      letter(words, { x: x + 34, y: y + 5, size: SMALL + 1, fill: theme.text });
    x += wide + 18;
  }
  return { parts, height: y + LEGEND_LINE / 2 };
}

/** Where a line settles, as far as was painted. */
export function settledWords({ convergence, points, knee }: CurveLine, text: PlotText): string {
  if (convergence === 'ancestral') return text.never;
  if (knee === null) return text.changing;
  const before = points.findLast(({ steps }) => steps < knee.steps);
  return text.settled(before?.steps ?? null, knee.steps);
}
