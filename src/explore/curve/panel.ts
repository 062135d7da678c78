import { fitted, letter } from '../sheet/drawn/lettering.ts';
import type { Theme } from '../sheet/drawn/theme.ts';
import { type CurveLine, type CurvePoint, SAME_SSIM } from './curve.ts';
import type { PlotText } from './plot-text.ts';
import { linearScale, logScale, plain, type Scale } from './scale.ts';

export type Measure = { key: 'ssim' | 'rmse' | 'latentDistance'; label: string; hint: string };
export type Across = 'steps' | 'seconds';

/** Pixels of the space between the axes, and per em of the letters around it. */
export type PanelSize = { width: number; height: number; small: number };

/** Letters of the plot with six panels: lines and distances of others grow with theirs. */
export const SMALL = 15;

/** How everything in one plot looks. */
export type PlotLook = { text: PlotText; theme: Theme; size: PanelSize };

/** Chooses the colour of line `index` (from 0); they repeat. */
export function colourOf(index: number, theme: Theme): string {
  return theme.lines[index % theme.lines.length]!;
}

/** Dashes tell the ninth line and on from the first. */
export function dashOf(index: number, theme: Theme): string {
  return index < theme.lines.length ? '' : ' stroke-dasharray="7 5"';
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

/** One measure against steps or seconds, from the upper left corner of the space between its axes. */
export function drawPanel(
  lines: readonly CurveLine[],
  measure: Measure,
  across: Across,
  look: PlotLook,
): string {
  const { text, size } = look;
  const points = lines.flatMap(drawnPoints);
  const of = (point: CurvePoint): number => point[measure.key] ?? 0;
  const x = logScale(
    points.map((point) => point[across]),
    size.width,
  );
  const y =
    measure.key === 'ssim'
      ? linearScale(Math.min(0.9, ...points.map(({ ssim }) => ssim)), 1, size.height)
      : linearScale(0, Math.max(1e-6, topOf(lines, of)), size.height);
  const isCut = points.some((point) => y.at(of(point)) < 0);
  const hint = isCut ? text.cut(measure.hint) : measure.hint;
  const drawn = lines.map((line, index) =>
    drawLine(line, index, (point) => [x.at(point[across]), y.at(of(point))], look),
  );
  const id = `${measure.key}-${across}`;
  const { width, height } = size;
  const edge = 12 * (size.small / SMALL);
  return [
    frame(x, y, { label: measure.label, hint, across: text[across] }, look),
    measure.key === 'ssim' ? sameLine(y, look) : '',
    // A knee's ring may reach over the edge, a line that is cut off may not.
    `<clipPath id="${id}"><rect x="-12" y="${isCut ? 0 : -edge}" width="${width + 24}" height="${height + 2 * edge}"/></clipPath>`,
    `<g clip-path="url(#${id})">${drawn.join('')}</g>`,
  ].join('');
}

function drawLine(
  line: CurveLine,
  index: number,
  place: (point: CurvePoint) => [number, number],
  { theme, size }: PlotLook,
): string {
  const thick = size.small / SMALL;
  const colour = colourOf(index, theme);
  const points = drawnPoints(line);
  const corners = points.map((point) =>
    place(point)
      .map((v) => v.toFixed(1))
      .join(','),
  );
  let parts = `<polyline points="${corners.join(' ')}" fill="none" stroke="${colour}" stroke-width="${3 * thick}" stroke-linejoin="round"${dashOf(index, theme)}/>`;
  for (const point of points) {
    const [cx, cy] = place(point);
    parts += `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="${4 * thick}" fill="${colour}"/>`;
  }
  if (line.knee === null) return parts;
  const [cx, cy] = place(line.knee);
  return (
    `<line x1="${cx}" x2="${cx}" y1="0" y2="${size.height}" stroke="${colour}" stroke-width="${1.5 * thick}" stroke-dasharray="4 4"/>` +
    parts +
    `<circle cx="${cx}" cy="${cy}" r="${10 * thick}" fill="none" stroke="${colour}" stroke-width="${3 * thick}"/>`
  );
}

/** From here up nothing you would see changes. */
function sameLine(y: Scale, { theme, size }: PlotLook): string {
  const at = y.at(SAME_SSIM);
  return `<line x1="0" x2="${size.width}" y1="${at}" y2="${at}" stroke="${theme.accent}" stroke-width="1.5" stroke-dasharray="2 5"/>`;
}

function frame(
  x: Scale,
  y: Scale,
  { label, hint, across }: { label: string; hint: string; across: string },
  { theme, size }: PlotLook,
): string {
  const { width, height, small } = size;
  const near = small / SMALL;
  const parts = [
    letter(label, { x: 0, y: -14 * near, size: small + 2, fill: theme.text, weight: 'bold' }),
    letter(fitted(hint, width / 2, small), {
      x: width,
      y: -14,
      size: small,
      fill: theme.muted,
      anchor: 'end',
    }),
    letter(across, {
      x: width,
      y: height + 42 * near,
      size: small,
      fill: theme.muted,
      anchor: 'end',
    }),
  ];
  for (const tick of y.ticks) {
    const at = y.at(tick);
    parts.push(
      `<line x1="0" x2="${width}" y1="${at}" y2="${at}" stroke="${theme.faint}" stroke-width="1.5"/>`,
      letter(plain(tick), {
        x: -10,
        y: at + small / 3,
        size: small,
        fill: theme.muted,
        anchor: 'end',
      }),
    );
  }
  for (const tick of x.ticks) {
    const at = x.at(tick);
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${height}" y2="${height + 6}" stroke="${theme.muted}" stroke-width="1.5"/>`,
      letter(plain(tick), {
        x: at,
        y: height + 23 * near,
        size: small,
        fill: theme.muted,
        anchor: 'middle',
      }),
    );
  }
  return parts.join('');
}
