/**
 * The denoising network behind one call. Input names, dtypes and shapes are read from the graph, so that every
 * export works: timestep as scalar, [1] or [B]; int64, float32 or float16; with or without SDXL's and LCM's extras.
 */
import { RunError, UserError } from '../errors.ts';
import { familyNamed } from '../families/families.ts';
import { say } from '../sentences.ts';
import { extraChannelsOf, type ModelLayout } from '../model/layout.ts';
import type { OptionalInput, Question } from './feeds.ts';
import { rowsWithin } from './row-budget.ts';
import type { Feed, Output, Port, Session } from './session.ts';

export type Unet = {
  /** of the weights: diffusers draws its noise in this type */
  dtype: 'float32' | 'float16';
  /** rows of this height and width of latents that one run takes; more are asked in several runs, to the same numbers */
  mostRows(height: number, width: number): number;
  /** each row may have a timestep of its own, and there may be any number of rows */
  takesTimesteps: boolean;
  /** Network output [B,C,h,w] in the model's own parameterization. */
  predict(input: Question): Promise<Float32Array>;
};

/** What a graph calls its inputs, by the kind of network; the family's own and optional ones stand beside them. */
const SAMPLE = { unet: 'sample', transformer: 'hidden_states' } as const;

/**
 * `bytes`: memory that one run may take; `optional`: inputs that the graph may have beside the family's.
 * @throws RunError when the graph wants something that Darkroom does not know how to give
 */
export function createUnet(
  session: Session,
  layout: ModelLayout,
  bytes: number,
  optional: readonly OptionalInput[],
): Unet {
  const sampleName = session.inputs.has(SAMPLE.transformer) ? SAMPLE.transformer : SAMPLE.unet;
  const needed = [sampleName, 'timestep', 'encoder_hidden_states'];
  const own = familyNamed(layout.family).inputs;
  const others = optional.map(({ name }) => name);
  checkInputs(session, layout, { needed, known: [...needed, ...own, ...others] });
  const timestepPort = session.inputs.get('timestep') as Port;
  const output = session.outputs.keys().next().value as string;
  const outputs = [output];
  const samplePort = session.inputs.get(sampleName) as Port;
  const neutral = optional.flatMap(({ name, neutral: of }) => {
    const port = session.inputs.get(name);
    return port === undefined ? [] : [{ name, of, port }];
  });

  async function ask({ sample, timestep, timesteps, feeds }: Question): Promise<Float32Array> {
    checkSize(samplePort, sample.shape, layout);
    const fed: Record<string, Feed> = {
      [sampleName]: sample,
      timestep: timesteps
        ? { data: timesteps, shape: [timesteps.length] }
        : timestepFeed(timestepPort, timestep, sample.shape[0]),
    };
    for (const [name, feed] of feeds) fed[name] = feed;
    for (const { name, of, port } of neutral) fed[name] ??= of(sample.shape, port);
    const results = await session.run(fed, outputs);
    return (results[output] as Output).data;
  }

  const dtype = samplePort.dtype === 'float16' ? 'float16' : 'float32';
  const mostRows = (height: number, width: number): number =>
    rowsWithin(bytes, { height, width }, dtype);
  return {
    dtype,
    mostRows,
    takesTimesteps: timestepPort.shape.length === 1 && [timestepPort, samplePort].every(isOpen),
    predict(input) {
      const [rows, , height, width] = input.sample.shape;
      const fixed = samplePort.shape[0];
      if (typeof fixed === 'number') {
        return fixed === rows ? ask(input) : askInParts(ask, input, fixed, true);
      }
      const most = mostRows(height, width);
      if (rows <= most) return ask(input);
      // Runs of one length, as far as that goes.
      return askInParts(ask, input, Math.ceil(rows / Math.ceil(rows / most)), false);
    },
  };
}

/** `count` rows at a time; the last run has fewer where the graph allows it */
async function askInParts(
  ask: (part: Question) => Promise<Float32Array>,
  input: Question,
  count: number,
  isFixed: boolean,
): Promise<Float32Array> {
  const [rows] = input.sample.shape;
  const answers: Float32Array[] = [];
  for (let row = 0; row < rows; row += count) {
    const size = isFixed ? count : Math.min(count, rows - row);
    answers.push(await ask(rowsOf(input, row, size)));
  }
  return joinRows(answers, count, rows);
}

/** Exports with a fixed size can make pictures of that size only. */
function checkSize(
  port: Port,
  shape: Question['sample']['shape'],
  { name, vaeFactor }: ModelLayout,
): void {
  const fits = (axis: 2 | 3): boolean =>
    typeof port.shape[axis] !== 'number' || port.shape[axis] === shape[axis];
  if (fits(2) && fits(3)) return;
  const pixels = (axis: 2 | 3): string => {
    const side = port.shape[axis];
    return typeof side === 'number' ? String(side * vaeFactor) : 'any';
  };
  throw new UserError(
    say(
      'one-size-only',
      name,
      `${pixels(3)}x${pixels(2)}`,
      `${shape[3] * vaeFactor}x${shape[2] * vaeFactor}`,
    ),
  );
}

/** `count` rows of every input from `first` on; a graph with a fixed batch gets the last row again where rows run out. */
function rowsOf(
  { sample, timestep, timesteps, feeds }: Question,
  first: number,
  count: number,
): Question {
  const [rows, channels, height, width] = sample.shape;
  const cut = ({ data, shape }: Feed): { data: Float32Array; shape: number[] } => {
    const size = data.length / (shape[0] as number);
    const part = new Float32Array(count * size);
    for (let row = 0; row < count; row++) {
      const from = Math.min(first + row, rows - 1) * size;
      part.set(data.slice(from, from + size), row * size);
    }
    return { data: part, shape: [count, ...shape.slice(1)] };
  };
  return {
    sample: { data: cut(sample).data, shape: [count, channels, height, width] },
    timestep,
    ...(timesteps && { timesteps: timesteps.slice(first, first + count) }),
    feeds: new Map([...feeds].map(([name, feed]) => [name, feed.forAllRows ? feed : cut(feed)])),
  };
}

/** The answers about `count` rows each as one about `rows`, without what filled up the last of them. */
function joinRows(answers: readonly Float32Array[], count: number, rows: number): Float32Array {
  const [{ length }] = answers as [Float32Array];
  const whole = new Float32Array((rows * length) / count);
  let at = 0;
  for (const answer of answers) {
    whole.set(answer.subarray(0, whole.length - at), at);
    at += answer.length;
  }
  return whole;
}

/** Its first length is not fixed. */
function isOpen({ shape: [length] }: Port): boolean {
  return !(typeof length === 'number' && length > 0);
}

/** A symbolic length is the batch's: graphs that broadcast [1] take [B] as well, the reverse does not hold. */
function timestepFeed(port: Port, timestep: number, batch: number): Feed {
  if (port.shape.length === 0) return { data: [timestep], shape: [] };
  const length = typeof port.shape[0] === 'number' && port.shape[0] > 0 ? port.shape[0] : batch;
  return { data: new Float32Array(length).fill(timestep), shape: [length] };
}

function checkInputs(
  session: Session,
  layout: ModelLayout,
  { needed, known }: { needed: readonly string[]; known: readonly string[] },
): void {
  const names = [...session.inputs.keys()];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new RunError(
      say('denoiser-asks-more', layout.name, session.path, unknown.join(', '), known.join(', ')),
    );
  }
  const lacking = needed.filter((name) => !session.inputs.has(name));
  if (lacking.length > 0) {
    throw new RunError(
      say('not-a-denoiser', layout.name, session.path, names.join(', '), lacking.join(', ')),
    );
  }
  const channels = session.inputs.get(needed[0] as string)?.shape[1];
  const expected = layout.latentChannels + extraChannelsOf(layout);
  if (typeof channels === 'number' && channels !== expected) {
    throw new RunError(say('denoiser-channels', layout.name, session.path, channels, expected));
  }
}
