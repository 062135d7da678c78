/** A Grafana dashboard's panels as a page: stats and lines, as far as ours use them. */
export type Target = { expr: string; legendFormat: string };
export type Panel = {
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: readonly Target[];
  fieldConfig: {
    defaults: {
      unit?: string;
      decimals?: number;
      min?: number;
      max?: number;
      custom?: { fillOpacity?: number; stacking?: { mode: string } };
      thresholds?: { steps: readonly { color: string; value: number | null }[] };
      mappings?: readonly { options: Readonly<Record<string, { text: string }>> }[];
    };
  };
};
export type Dashboard = { title: string; panels: readonly Panel[] };
export type Series = {
  labels: Readonly<Record<string, string>>;
  points: readonly { at: number; value: number }[];
};

type Span = { from: number; to: number };
type Line = { name: string; points: Series['points'] };

/** Pixels of Grafana's grid: 24 columns, rows of 30 and gaps of 8. */
const COLUMN = 60;
const ROW = 30;
const COLORS = ['#73bf69', '#f2cc0c', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#37872d'];
const NAMED: Readonly<Record<string, string>> = {
  text: '#d8d9da',
  green: '#73bf69',
  yellow: '#f2cc0c',
  red: '#f2495c',
};

export function drawDashboard(
  { title, panels }: Dashboard,
  found: ReadonlyMap<string, readonly Series[]>,
  span: Span,
): string {
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * ROW;
  const drawn = panels.map((panel) => {
    const { x, y, w, h } = panel.gridPos;
    const lines = panel.targets.flatMap(({ expr, legendFormat }) =>
      (found.get(expr) ?? []).map(({ labels, points }) => ({
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? ''),
        points,
      })),
    );
    const size = { width: w * COLUMN - 8, height: h * ROW - 8 };
    const inside =
      panel.type === 'stat' ? drawStat(panel, lines, size) : drawLines(panel, lines, size, span);
    const place = `left:${x * COLUMN}px;top:${y * ROW + 44}px;width:${size.width}px;height:${size.height}px`;
    return `<section style="${place}"><h2>${escape(panel.title)}</h2>${inside}</section>`;
  });
  return `<!doctype html><style>
    body { margin: 0; background: #111217; color: #d8d9da; font: 12px Inter, "DejaVu Sans", sans-serif }
    main { position: relative; width: ${24 * COLUMN}px; height: ${height + 48}px; background: #111217 }
    h1 { font-size: 17px; font-weight: 500; margin: 0; padding: 12px }
    h2 { font-size: 13px; font-weight: 500; margin: 0; padding: 7px 10px }
    section { position: absolute; background: #181b1f; border: 1px solid #25292e; border-radius: 3px; box-sizing: border-box }
    svg { display: block } text { fill: #9fa3a8; font-size: 11px }
    .stat { position: absolute; inset: 30px 0 0; display: grid; place-items: center; font-size: 34px; font-weight: 500 }
    .none { position: absolute; inset: 30px 0 0; display: grid; place-items: center; color: #9fa3a8 }
    .legend { font-size: 11px; padding: 0 10px; white-space: nowrap; overflow: hidden } .legend i { display: inline-block; width: 12px; height: 3px; margin: 0 5px 3px 0 } .legend span { margin-right: 14px }
    </style><main><h1>${escape(title)}</h1>${drawn.join('')}</main>`;
}

type Size = { width: number; height: number };

function drawStat(
  { fieldConfig: { defaults } }: Panel,
  lines: readonly Line[],
  size: Size,
): string {
  const points = (lines[0]?.points ?? []).filter(({ value }) => Number.isFinite(value));
  const last = points.at(-1)?.value;
  if (last === undefined) return '<div class="stat">No data</div>';
  const steps = defaults.thresholds?.steps ?? [];
  const step = steps.findLast(({ value }) => value === null || last >= value);
  const color = NAMED[step?.color ?? 'text'] ?? NAMED['text'];
  const mapped = defaults.mappings?.[0]?.options[String(last)]?.text;
  const said = mapped ?? told(last, defaults.unit, defaults.decimals);
  const most = Math.max(...points.map(({ value }) => value), 1e-9);
  const [first, end] = [points[0]!.at, points.at(-1)!.at];
  const shape = points
    .map(({ at, value }) => {
      const x = ((at - first) / Math.max(1, end - first)) * size.width;
      return `${x.toFixed(1)},${(size.height - 30 - (value / most) * 30).toFixed(1)}`;
    })
    .join(' ');
  const floor = size.height - 30;
  const area = `<svg width="${size.width - 2}" height="${floor}"><polygon fill="${color}" opacity="0.2" points="0,${floor} ${shape} ${size.width},${floor}"/></svg>`;
  return `${area}<div class="stat" style="color:${color}">${escape(said)}</div>`;
}

function drawLines(
  { fieldConfig: { defaults } }: Panel,
  lines: readonly Line[],
  { width, height }: Size,
  { from, to }: Span,
): string {
  const stacked = defaults.custom?.stacking?.mode === 'normal';
  const shown = stacked ? stack(lines) : lines;
  const values = shown
    .flatMap(({ points }) => points.map(({ value }) => value))
    .filter(Number.isFinite);
  if (values.length === 0) return '<div class="none">No data</div>';
  const top = defaults.max ?? roundUp(Math.max(...values, 1e-6), defaults.unit);
  const [left, right, head, foot] = [62, 12, 4, 44];
  const box = { w: width - left - right, h: height - 30 - head - foot };
  const xOf = (at: number): number => left + ((at - from) / (to - from)) * box.w;
  const yOf = (value: number): number => head + box.h - (Math.min(value, top) / top) * box.h;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = yOf(top * share).toFixed(1);
    return `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#25292e"/><text x="${left - 6}" y="${y}" dy="4" text-anchor="end">${escape(told(top * share, defaults.unit))}</text>`;
  });
  const times = [0, 1, 2, 3, 4].map((part) => {
    const at = from + ((to - from) * (part + 0.5)) / 5;
    return `<text x="${xOf(at).toFixed(1)}" y="${head + box.h + 16}" text-anchor="middle">${new Date(at * 1000).toISOString().slice(11, 19)}</text>`;
  });
  const opacity = (defaults.custom?.fillOpacity ?? 0) / 100;
  const drawn = shown
    .map(({ points }, index) => ({
      points: points.filter(({ value }) => Number.isFinite(value)),
      color: COLORS[index % COLORS.length],
    }))
    .filter(({ points }) => points.length > 0)
    .map(({ points, color }) => {
      const shape = points
        .map(({ at, value }) => `${xOf(at).toFixed(1)},${yOf(value).toFixed(1)}`)
        .join(' ');
      const ends = `${xOf(points.at(-1)!.at).toFixed(1)},${yOf(0)} ${xOf(points[0]!.at).toFixed(1)},${yOf(0)}`;
      return `<polygon points="${shape} ${ends}" fill="${color}" opacity="${opacity}"/><polyline points="${shape}" fill="none" stroke="${color}" stroke-width="1.6"/>`;
    });
  const legend = lines.map(
    ({ name }, index) =>
      `<span><i style="background:${COLORS[index % COLORS.length]}"></i>${escape(name)}</span>`,
  );
  const svg = `<svg width="${width - 2}" height="${height - 30 - 22}">${grid.join('')}${times.join('')}${(stacked ? drawn.toReversed() : drawn).join('')}</svg>`;
  return `${svg}<div class="legend">${legend.join('')}</div>`;
}

/** Each line on top of the ones before, time by time. */
function stack(lines: readonly Line[]): Line[] {
  const sums = new Map<number, number>();
  return lines.map(({ name, points }) => ({
    name,
    points: points.map(({ at, value }) => {
      const sum = (sums.get(at) ?? 0) + (Number.isFinite(value) ? value : 0);
      sums.set(at, sum);
      return { at, value: sum };
    }),
  }));
}

/** The next number that reads well in its unit. */
function roundUp(value: number, unit: string | undefined): number {
  const base = unit === 's' && value >= 120 ? 60 : unit === 'bytes' ? powerOf(value).size : 1;
  const scale = base * 10 ** Math.floor(Math.log10(value / base));
  return [1, 2, 4, 6, 8, 10].map((step) => step * scale).find((step) => step >= value) ?? value;
}

function powerOf(bytes: number): { size: number; name: string } {
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return { size: 1024 ** power, name: ['B', 'KiB', 'MiB', 'GiB', 'TiB'][power] ?? '' };
}

/** A number with its unit, as Grafana names them: s, bytes, percentunit; none: as it is. */
function told(value: number, unit: string | undefined, decimals?: number): string {
  const short = (n: number): string =>
    String(Number(n.toFixed(decimals ?? (Math.abs(n) < 10 ? 2 : Math.abs(n) < 100 ? 1 : 0))));
  if (unit === 'percentunit') return `${short(value * 100)} %`;
  if (unit === 's') {
    if (value === 0) return '0 s';
    if (value < 0.001) return `${short(value * 1e6)} µs`;
    if (value < 1) return `${short(value * 1000)} ms`;
    return value < 120 ? `${short(value)} s` : `${short(value / 60)} min`;
  }
  if (unit !== 'bytes') return short(value);
  const { size, name } = powerOf(value);
  return `${short(value / size)} ${name}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
