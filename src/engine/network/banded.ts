/**
 * Runs a network over a picture band by band: every step over all bands, then the next. Between steps the picture is
 * kept as bands, and what a group norm must know of all of them is counted in float64.
 */
import type { BandedNetwork, BandStep } from '../graphs/autoencoders/vae-bands.ts';
import type { Feed, Output, Session } from './session.ts';

/** A picture [C,H,W] in pieces of rows, one below the other. */
type Bands = { channels: number; height: number; width: number; pieces: Piece[] };

/** rows from `top` on, [C,rows,W] */
type Piece = { top: number; rows: number; data: Float32Array };

/** Numbers of a band of a step's input or output: some ten times as many bytes are alive while it runs. */
const BAND_NUMBERS = 1 << 23;

/**
 * Bytes that a whole run may hold. The rule knows sizes alone and not what is free at the moment: the sums of bands are
 * in another order, and the same request must give the same bytes.
 */
const WHOLE_BYTES = 5e9;

/** A whole run holds what a norm reads, what it makes, and what the block began with. */
const ALIVE = 4;

/** A session that takes pictures band by band that would not fit whole. Both must come from the same tensors. */
export function withBands(
  inner: Session,
  network: () => BandedNetwork,
  open: OpenGraph,
  wholeBytes = WHOLE_BYTES,
): Session {
  const [input = ''] = inner.inputs.keys();
  const [output = ''] = inner.outputs.keys();
  let known: BandedNetwork | undefined;
  return {
    ...inner,
    async run(feeds, fetches) {
      const x = feeds[input];
      const [batch = 0, , height = 0, width = 0] = x?.shape ?? [];
      known ??= network();
      const bytes = ALIVE * 4 * batch * height * width * widest(known.steps);
      if (x === undefined || batch !== 1 || bytes <= wholeBytes) return inner.run(feeds, fetches);
      const data = x.data instanceof Float32Array ? x.data : Float32Array.from(x.data);
      return { [output]: await runInBands(known, { data, shape: x.shape }, open) };
    },
  };
}

/** Numbers of the largest thing between two steps, for a place of the input. */
function widest(steps: readonly BandStep[]): number {
  let places = 1;
  let most = 0;
  for (const { inChannels, outChannels, scale } of steps) {
    most = Math.max(most, inChannels * places);
    places *= scale * scale;
    most = Math.max(most, outChannels * places);
  }
  return most;
}

export type OpenGraph = (graph: BandStep['graph']) => Promise<Session>;

/**
 * `numbers` [1,C,H,W] through all steps. `open` gives a session for a graph; each is released when its step is done.
 * `bandNumbers` is how much of the picture is taken at once.
 */
export async function runInBands(
  { whole, wholeIsFirst, steps, groups, epsilon }: BandedNetwork,
  numbers: { data: Float32Array; shape: readonly number[] },
  open: OpenGraph,
  bandNumbers = BAND_NUMBERS,
): Promise<Output> {
  const [, channels = 0, height = 0, width = 0] = numbers.shape;
  let bands: Bands = {
    channels,
    height,
    width,
    pieces: [{ top: 0, rows: height, data: numbers.data }],
  };
  if (wholeIsFirst) bands = await runWhole(whole, bands, open);
  // what a resnet began with
  let skip: Bands | null = null;
  for (const [i, step] of steps.entries()) {
    const before: Bands = bands;
    const session = await open(step.graph);
    try {
      const facts = step.normed ? groupFacts(bands, groups, epsilon) : null;
      bands = await runStep(session, step, { x: bands, skip, facts }, bandNumbers);
    } finally {
      await session.release();
    }
    skip = steps[i + 1]?.skips ? before : null;
  }
  if (!wholeIsFirst) bands = await runWhole(whole, bands, open);
  const shape = [1, bands.channels, bands.height, bands.width];
  return { data: rowsOf(bands, 0, bands.height), shape };
}

async function runWhole(
  graph: BandedNetwork['whole'],
  bands: Bands,
  open: OpenGraph,
): Promise<Bands> {
  const { channels, height, width } = bands;
  const session = await open(graph);
  try {
    const x = { data: rowsOf(bands, 0, height), shape: [1, channels, height, width] };
    const { y } = (await session.run({ x }, ['y'])) as { y: Output };
    const [, out = 0, rows = 0, columns = 0] = y.shape;
    const pieces = [{ top: 0, rows, data: y.data }];
    return { channels: out, height: rows, width: columns, pieces };
  } finally {
    await session.release();
  }
}

type Given = { x: Bands; skip: Bands | null; facts: Facts | null };

async function runStep(
  session: Session,
  { outChannels, scale, skips }: BandStep,
  { x, skip, facts }: Given,
  bandNumbers: number,
): Promise<Bands> {
  const [height, width] = [x.height * scale, x.width * scale];
  const widest = Math.max(outChannels, x.channels * scale * scale);
  // an even number, since a step up begins with whole rows of what it reads
  const rows = Math.max(2, 2 * Math.floor(bandNumbers / (2 * widest * width)));
  const out: Bands = { channels: outChannels, height, width, pieces: [] };
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    const { from, to, above, below } = rowsRead(top, count, scale, x.height);
    const feeds: Record<string, Feed> = {
      x: feedOf(x, from, to),
      pads: { data: [0, 0, above, 0, 0, 0, below, 0], shape: [8] },
      ...(facts && { mean: facts.mean, inverse: facts.inverse }),
      ...(skips && skip && { skip: feedOf(skip, top, top + count) }),
    };
    const { y } = (await session.run(feeds, ['y'])) as { y: Output };
    out.pieces.push({ top, rows: count, data: y.data });
    if (skip !== null) dropAbove(skip, top + count);
    dropAbove(skips ? x : NOTHING, from);
  }
  return out;
}

const NOTHING: Bands = { channels: 0, height: 0, width: 0, pieces: [] };

/** Behind the second half of a resnet nobody reads what went into it. */
function dropAbove(bands: Bands, row: number): void {
  while (bands.pieces[0] && bands.pieces[0].top + bands.pieces[0].rows <= row) bands.pieces.shift();
}

/**
 * The rows of x that rows `top` … `top + count` of y stand on, and how many zeros to put above and below what becomes
 * of them, or how many rows to take away there.
 */
function rowsRead(
  top: number,
  count: number,
  scale: BandStep['scale'],
  height: number,
): { from: number; to: number; above: number; below: number } {
  const end = top + count;
  if (scale === 0.5) {
    const to = 2 * end + 1;
    return { from: 2 * top, to: Math.min(to, height), above: 0, below: to > height ? 1 : 0 };
  }
  const from = top / scale - 1;
  const to = end / scale + 1;
  // a row that is doubled is one more than the convolution reads
  const given = scale === 2 ? -1 : 0;
  return {
    from: Math.max(0, from),
    to: Math.min(height, to),
    above: from < 0 ? 1 : given,
    below: to > height ? 1 : given,
  };
}

function feedOf(bands: Bands, from: number, to: number): Feed {
  return { data: rowsOf(bands, from, to), shape: [1, bands.channels, to - from, bands.width] };
}

/** Rows `from` up to `to`, [C,to-from,W]; the piece itself where it is those rows. */
function rowsOf({ channels, width, pieces }: Bands, from: number, to: number): Float32Array {
  const exact = pieces.find(({ top, rows }) => top === from && top + rows === to);
  if (exact !== undefined) return exact.data;
  const rows = to - from;
  const joined = new Float32Array(channels * rows * width);
  for (const piece of pieces) {
    const [first, last] = [Math.max(from, piece.top), Math.min(to, piece.top + piece.rows)];
    if (first >= last) continue;
    for (let channel = 0; channel < channels; channel++) {
      const start = (channel * piece.rows + first - piece.top) * width;
      const part = piece.data.subarray(start, start + (last - first) * width);
      joined.set(part, (channel * rows + first - from) * width);
    }
  }
  return joined;
}

type Facts = { mean: Feed; inverse: Feed };

/** Of each group of channels the mean and one by the deviation, for every channel of it. */
function groupFacts(
  { channels, height, width, pieces }: Bands,
  groups: number,
  epsilon: number,
): Facts {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (const { rows, data } of pieces) {
    const size = rows * width;
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      let square = 0;
      for (let i = channel * size; i < (channel + 1) * size; i++) {
        const value = data[i]!;
        sum += value;
        square += value * value;
      }
      sums[channel]! += sum;
      squares[channel]! += square;
    }
  }
  const wide = channels / groups;
  const count = wide * height * width;
  const mean = new Float32Array(channels);
  const inverse = new Float32Array(channels);
  for (let first = 0; first < channels; first += wide) {
    const total = (each: Float64Array): number =>
      each.subarray(first, first + wide).reduce((sum, value) => sum + value, 0) / count;
    const average = total(sums);
    const variance = Math.max(0, total(squares) - average * average);
    mean.fill(average, first, first + wide);
    inverse.fill(1 / Math.sqrt(variance + epsilon), first, first + wide);
  }
  const shape = [1, channels, 1, 1];
  return { mean: { data: mean, shape }, inverse: { data: inverse, shape } };
}
