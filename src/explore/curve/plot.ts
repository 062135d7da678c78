import sharp from 'sharp';
import type { CurveLine, CurvePoint } from './curve.ts';
import { SAME_SSIM } from './curve.ts';
import { fitted, letter, textWidth } from '../sheet/lettering.ts';
import { PLOT_TEXT, type PlotText } from './plot-text.ts';
import { linearScale, logScale, plain, type Scale } from './scale.ts';
import { raster } from '../sheet/tile.ts';
import { THEME, type Theme, type ThemeName } from '../sheet/theme.ts';

/** The curves of a steps sheet: three measures, each against steps and against seconds, a line a sampler. */
export type PlotWords = { title: string; theme: ThemeName; text?: PlotText };

type Measure = { key: 'ssim' | 'rmse' | 'latentDistance'; label: string; hint: string };
const measuresIn = (text: PlotText): readonly Measure[] => [
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
const SMALL = 15;

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
      const panel = drawPanel(lines, measure, across, { text, theme });
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

function colourOf(index: number, theme: Theme): string {
  return theme.lines[index % theme.lines.length]!;
}

/** Dashes tell the ninth line and on from the first. */
function dashOf(index: number, theme: Theme): string {
  return index < theme.lines.length ? '' : ' stroke-dasharray="7 5"';
}

function drawLegend(
  lines: readonly CurveLine[],
  text: PlotText,
  theme: Theme,
): { parts: string; height: number } {
  let parts = '';
  let [x, y] = [MARGIN, LEGEND_LINE / 2];
  for (const [index, line] of lines.entries()) {
    const settled =
      line.convergence === 'ancestral'
        ? text.never
        : line.knee === null
          ? text.changing
          : text.settled(line.knee.steps);
    const words = `${line.label}  (${settled})`;
    const wide = 44 + textWidth(words, SMALL + 1);
    if (x + wide > WIDTH - MARGIN && x > MARGIN) [x, y] = [MARGIN, y + LEGEND_LINE];
    parts +=
      `<line x1="${x}" x2="${x + 26}" y1="${y}" y2="${y}" stroke="${colourOf(index, theme)}" stroke-width="4"${dashOf(index, theme)}/>` +
      letter(words, { x: x + 34, y: y + 5, size: SMALL + 1, fill: theme.text });
    x += wide + 18;
  }
  return { parts, height: y + LEGEND_LINE / 2 };
}

/**
 * What is drawn of a line. Its last picture is its own reference, at distance 0 by definition: for a sampler that
 * never arrives that would look as if it did.
 */
function drawnPoints({ convergence, points }: CurveLine): readonly CurvePoint[] {
  return convergence === 'ancestral' ? points.slice(0, -1) : points;
}

/** So far above the usual line a single one would flatten all others. */
const OUTLIER = 3;

/** The top of a distance's panel: the largest value, unless one line stands far above the rest; that one is cut off. */
function topOf(lines: readonly CurveLine[], of: (point: CurvePoint) => number): number {
  const largest = lines
    .map((line) => Math.max(0, ...drawnPoints(line).map(of)))
    .toSorted((a, b) => a - b);
  const usual = largest[(largest.length - 1) >> 1] ?? 0;
  const highest = largest.at(-1) ?? 0;
  return usual > 0 && highest > OUTLIER * usual ? OUTLIER * usual : highest;
}

function drawPanel(
  lines: readonly CurveLine[],
  measure: Measure,
  across: (typeof ACROSS)[number],
  { text, theme }: { text: PlotText; theme: Theme },
): string {
  const points = lines.flatMap(drawnPoints);
  const of = (point: CurvePoint): number => point[measure.key] ?? 0;
  const x = logScale(
    points.map((point) => point[across]),
    PANEL.width,
  );
  const y =
    measure.key === 'ssim'
      ? linearScale(Math.min(0.9, ...points.map(({ ssim }) => ssim)), 1, PANEL.height)
      : linearScale(0, Math.max(1e-6, topOf(lines, of)), PANEL.height);
  const isCut = points.some((point) => y.at(of(point)) < 0);
  const hint = isCut ? text.cut(measure.hint) : measure.hint;
  const drawn = lines.map((line, index) =>
    drawLine(line, index, (point) => [x.at(point[across]), y.at(of(point))], theme),
  );
  const id = `${measure.key}-${across}`;
  const { width, height } = PANEL;
  return [
    frame(x, y, { label: measure.label, hint, across: text[across] }, theme),
    measure.key === 'ssim' ? sameLine(y, theme) : '',
    // A knee's ring may reach over the edge, a line that is cut off may not.
    `<clipPath id="${id}"><rect x="-12" y="${isCut ? 0 : -12}" width="${width + 24}" height="${height + 24}"/></clipPath>`,
    `<g clip-path="url(#${id})">${drawn.join('')}</g>`,
  ].join('');
}

function drawLine(
  line: CurveLine,
  index: number,
  place: (point: CurvePoint) => [number, number],
  theme: Theme,
): string {
  const colour = colourOf(index, theme);
  const points = drawnPoints(line);
  const corners = points.map((point) =>
    place(point)
      .map((v) => v.toFixed(1))
      .join(','),
  );
  let parts = `<polyline points="${corners.join(' ')}" fill="none" stroke="${colour}" stroke-width="3" stroke-linejoin="round"${dashOf(index, theme)}/>`;
  for (const point of points) {
    const [cx, cy] = place(point);
    parts += `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="4" fill="${colour}"/>`;
  }
  if (line.knee === null) return parts;
  const [cx, cy] = place(line.knee);
  return (
    `<line x1="${cx}" x2="${cx}" y1="0" y2="${PANEL.height}" stroke="${colour}" stroke-width="1.5" stroke-dasharray="4 4"/>` +
    parts +
    `<circle cx="${cx}" cy="${cy}" r="10" fill="none" stroke="${colour}" stroke-width="3"/>`
  );
}

/** From here up nothing you would see changes. */
function sameLine(y: Scale, theme: Theme): string {
  const at = y.at(SAME_SSIM);
  return `<line x1="0" x2="${PANEL.width}" y1="${at}" y2="${at}" stroke="${theme.accent}" stroke-width="1.5" stroke-dasharray="2 5"/>`;
}

function frame(
  x: Scale,
  y: Scale,
  { label, hint, across }: { label: string; hint: string; across: string },
  theme: Theme,
): string {
  const { width, height } = PANEL;
  const parts = [
    letter(label, { x: 0, y: -14, size: SMALL + 2, fill: theme.text, weight: 'bold' }),
    letter(hint, { x: width, y: -14, size: SMALL, fill: theme.muted, anchor: 'end' }),
    letter(across, {
      x: width,
      y: height + 42,
      size: SMALL,
      fill: theme.muted,
      anchor: 'end',
    }),
  ];
  for (const tick of y.ticks) {
    const at = y.at(tick);
    parts.push(
      `<line x1="0" x2="${width}" y1="${at}" y2="${at}" stroke="${theme.faint}" stroke-width="1.5"/>`,
      letter(plain(tick), { x: -10, y: at + 5, size: SMALL, fill: theme.muted, anchor: 'end' }),
    );
  }
  for (const tick of x.ticks) {
    const at = x.at(tick);
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${height}" y2="${height + 6}" stroke="${theme.muted}" stroke-width="1.5"/>`,
      letter(plain(tick), {
        x: at,
        y: height + 23,
        size: SMALL,
        fill: theme.muted,
        anchor: 'middle',
      }),
    );
  }
  return parts.join('');
}
