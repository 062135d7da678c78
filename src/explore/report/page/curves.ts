/** How near the pictures of each step count are to the last one, drawn as lines. */
import { drawing, figureWords, type PageCurve, type PagePoint, promptNow, say } from './model.ts';
import { choice, element, section } from './parts.ts';

const SVG = 'http://www.w3.org/2000/svg';
const MEASURES = ['ssim', 'rmse', 'latentDistance'] as const;
const plot = {
  measure: 'ssim' as (typeof MEASURES)[number],
  across: 'steps' as 'steps' | 'seconds',
};
const SAME = 0.98;
const SIZE = { width: 720, height: 340, left: 64, right: 20, top: 16, bottom: 48 };

function drawn(tag: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.textContent = text;
  return made;
}

/** Draws the curves of the prompt that is shown, or says that there are none. */
export function curvesSection(): HTMLElement {
  const { curves } = promptNow();
  if (curves.length === 0)
    return section(say('curves'), element('p', { class: 'muted' }, say('noCurves')));
  const known = MEASURES.filter((name) =>
    curves.every(({ points }) => points.every((point) => point[name] !== null)),
  );
  const menus = element(
    'div',
    { class: 'controls' },
    choice(
      say('measure'),
      known.map((name): [string, string] => [name, say(name)]),
      plot.measure,
      (value) => {
        plot.measure = MEASURES.find((name) => name === value) ?? 'ssim';
        drawing.refresh();
      },
    ),
    choice(
      say('against'),
      [
        ['steps', say('steps')],
        ['seconds', say('seconds')],
      ],
      plot.across,
      (value) => {
        plot.across = value === 'seconds' ? 'seconds' : 'steps';
        drawing.refresh();
      },
    ),
  );
  const legend = element('ul', { class: 'legend' });
  for (const [at, curve] of curves.entries()) {
    legend.append(
      element('li', { class: `line-${at % 8}` }, element('span', { class: 'key' }), curve.words),
    );
  }
  const hints = plot.measure === 'ssim' ? [say('same'), say('band')].join(' · ') : '';
  return section(
    say('curves'),
    menus,
    drawCurves(curves),
    element('p', { class: 'muted' }, hints),
    legend,
  );
}

function drawCurves(curves: PageCurve[]): SVGElement {
  const { width, height, left, right, top, bottom } = SIZE;
  const shown = curves.map((curve) => ({
    ...curve,
    // A sampler that never arrives is at no distance from itself: its last point says nothing.
    points: curve.convergence === 'ancestral' ? curve.points.slice(0, -1) : curve.points,
  }));
  const points = shown.flatMap((curve) => curve.points);
  const value = (point: PagePoint): number => point[plot.measure] ?? 0;
  const xs = points.map((point) => Math.max(point[plot.across], 1e-6));
  const [low, high] = [Math.min(...xs), Math.max(...xs, Math.min(...xs) * 1.5)];
  const least =
    plot.measure === 'ssim' ? Math.min(0.9, ...points.map((point) => point.ssimLeast)) : 0;
  const most = plot.measure === 'ssim' ? 1 : Math.max(1e-6, ...points.map(value));
  const x = (at: number): number =>
    left + (Math.log(Math.max(at, low) / low) / Math.log(high / low)) * (width - left - right);
  const y = (at: number): number =>
    height - bottom - ((at - least) / (most - least)) * (height - top - bottom);
  const svg = drawn('svg', { viewBox: `0 0 ${width} ${height}`, class: 'plot', role: 'img' });
  svg.setAttribute('aria-label', `${say(plot.measure)}, ${say(plot.across)}`);
  for (let tick = 0; tick <= 4; tick++) {
    const at = least + ((most - least) * tick) / 4;
    svg.append(
      drawn('line', { x1: left, x2: width - right, y1: y(at), y2: y(at), class: 'rule' }),
      drawn(
        'text',
        { x: left - 8, y: y(at) + 5, 'text-anchor': 'end' },
        figureWords(Number(at.toPrecision(3))),
      ),
    );
  }
  const ticks = [...new Set(xs)].toSorted((a, b) => a - b);
  let free = -Infinity;
  for (const tick of plot.across === 'steps' ? ticks : [low, Math.sqrt(low * high), high]) {
    if (x(tick) - free < 34) continue;
    free = x(tick);
    svg.append(
      drawn(
        'text',
        { x: x(tick), y: height - bottom + 22, 'text-anchor': 'middle' },
        figureWords(Number(tick.toPrecision(3))),
      ),
    );
  }
  svg.append(
    drawn(
      'text',
      { x: width - right, y: height - 6, 'text-anchor': 'end', class: 'muted' },
      say(plot.across),
    ),
  );
  if (plot.measure === 'ssim') {
    svg.append(
      drawn('line', { x1: left, x2: width - right, y1: y(SAME), y2: y(SAME), class: 'same' }),
    );
  }
  for (const [at, curve] of shown.entries()) svg.append(lineOfCurve(curve, at, x, y));
  return svg;
}

function lineOfCurve(
  { points, knee }: PageCurve,
  at: number,
  x: (value: number) => number,
  y: (value: number) => number,
): SVGElement {
  const group = drawn('g', { class: `curve line-${at % 8}` });
  const place = (point: PagePoint, value: number): string =>
    `${x(point[plot.across]).toFixed(1)},${y(value).toFixed(1)}`;
  if (plot.measure === 'ssim' && points.some(({ ssimLeast, ssimMost }) => ssimLeast !== ssimMost)) {
    const upper = points.map((point) => place(point, point.ssimMost));
    const lower = points.map((point) => place(point, point.ssimLeast)).toReversed();
    group.append(drawn('polygon', { points: [...upper, ...lower].join(' '), class: 'band' }));
  }
  const value = (point: PagePoint): number => point[plot.measure] ?? 0;
  group.append(
    drawn('polyline', { points: points.map((point) => place(point, value(point))).join(' ') }),
  );
  for (const point of points) {
    const [cx = '0', cy = '0'] = place(point, value(point)).split(',');
    group.append(drawn('circle', { cx, cy, r: 4, class: 'dot' }));
    if (point.steps === knee) group.append(drawn('circle', { cx, cy, r: 10, class: 'ring' }));
  }
  return group;
}
