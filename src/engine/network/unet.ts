/**
 * The denoising network behind one call. Input names, dtypes and shapes are read from the graph, so that every
 * export works: timestep as scalar, [1] or [B]; int64, float32 or float16; with or without SDXL's and LCM's extras.
 */
import { RunError, UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import type { ModelLayout } from '../model/layout.ts';
import { PERTURBED_INPUT } from '../onnx/perturbed-attention.ts';
import { rowsWithin } from './row-budget.ts';
import type { Feed, Output, Port, Session } from './session.ts';

export type UnetInput = {
  /** [B,C,h,w]; C counts mask and masked-image channels too */
  sample: Feed & {
    data: Float32Array;
    shape: readonly [batch: number, channels: number, height: number, width: number];
  };
  timestep: number;
  /** [B,S,D] */
  context: Feed;
  /** SDXL: pooled text [B,P] and sizes [B,5|6] */
  pooled?: Feed;
  timeIds?: Feed;
  /** LCM: guidance embedding [B,E]; a distilled transformer: the scale itself, [B] */
  guidance?: Feed;
  /** tokens [B,R,C] of pictures to edit from, and where they stand, [R,4] */
  references?: { states: Feed; places: Feed };
  /** of a model that was opened for it: [B,1,1], 1 for the rows whose attention is perturbed */
  perturbed?: Feed;
};

export type Unet = {
  /** of the weights: diffusers draws its noise in this type */
  dtype: 'float32' | 'float16';
  /** rows of this height and width of latents that one run takes; more are asked in several runs, to the same numbers */
  mostRows(height: number, width: number): number;
  /** Network output [B,C,h,w] in the model's own parameterization. */
  predict(input: UnetInput): Promise<Float32Array>;
};

const KNOWN_INPUTS = {
  unet: [
    'sample',
    'timestep',
    'encoder_hidden_states',
    'text_embeds',
    'time_ids',
    'timestep_cond',
    PERTURBED_INPUT,
  ],
  transformer: [
    'hidden_states',
    'timestep',
    'encoder_hidden_states',
    'pooled_projections',
    'guidance',
    'reference_states',
    'reference_places',
  ],
};

/** Throws UserError when the graph wants something that Darkroom does not know how to give. */
export function createUnet(
  session: Session,
  layout: ModelLayout,
  /** memory that one run may take */
  bytes: number,
): Unet {
  const kind = session.inputs.has('hidden_states') ? 'transformer' : 'unet';
  checkInputs(session, layout, KNOWN_INPUTS[kind]);
  const sampleName = kind === 'unet' ? 'sample' : 'hidden_states';
  const pooledName = kind === 'unet' ? 'text_embeds' : 'pooled_projections';
  const timestepPort = session.inputs.get('timestep') as Port;
  const output = session.outputs.keys().next().value as string;
  const outputs = [output];
  const samplePort = session.inputs.get(sampleName) as Port;

  async function ask(input: UnetInput): Promise<Float32Array> {
    const { sample, timestep, context, pooled, timeIds, guidance, perturbed } = input;
    checkSize(samplePort, sample.shape, layout);
    const feeds: Record<string, Feed> = {
      [sampleName]: sample,
      timestep: timestepFeed(timestepPort, timestep, sample.shape[0]),
      encoder_hidden_states: context,
    };
    if (pooled !== undefined) feeds[pooledName] = pooled;
    if (timeIds !== undefined) feeds['time_ids'] = timeIds;
    if (guidance !== undefined) feeds[kind === 'unet' ? 'timestep_cond' : 'guidance'] = guidance;
    if (session.inputs.has('reference_states')) Object.assign(feeds, referenceFeeds(input));
    if (session.inputs.has(PERTURBED_INPUT)) {
      feeds[PERTURBED_INPUT] = perturbed ?? noRows(sample.shape[0]);
    }
    const results = await session.run(feeds, outputs);
    return (results[output] as Output).data;
  }

  /** `count` rows at a time; the last run has fewer where the graph allows it */
  async function askInParts(
    input: UnetInput,
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

  const dtype = samplePort.dtype === 'float16' ? 'float16' : 'float32';
  const mostRows = (height: number, width: number): number =>
    rowsWithin(bytes, { height, width }, dtype);
  return {
    dtype,
    mostRows,
    predict(input) {
      const [rows, , height, width] = input.sample.shape;
      const fixed = samplePort.shape[0];
      if (typeof fixed === 'number') {
        return fixed === rows ? ask(input) : askInParts(input, fixed, true);
      }
      const most = mostRows(height, width);
      if (rows <= most) return ask(input);
      // Runs of one length, as far as that goes.
      return askInParts(input, Math.ceil(rows / Math.ceil(rows / most)), false);
    },
  };
}

/** Exports with a fixed size can make pictures of that size only. */
function checkSize(
  port: Port,
  shape: UnetInput['sample']['shape'],
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
function rowsOf(input: UnetInput, first: number, count: number): UnetInput {
  const { sample, timestep, context, pooled, timeIds, guidance, perturbed } = input;
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
    context: cut(context),
    ...(pooled && { pooled: cut(pooled) }),
    ...(timeIds && { timeIds: cut(timeIds) }),
    ...(guidance && { guidance: cut(guidance) }),
    ...(perturbed && { perturbed: cut(perturbed) }),
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

function referenceFeeds({ references, sample }: UnetInput): Record<string, Feed> {
  const [rows, channels] = sample.shape;
  return {
    reference_states: references?.states ?? {
      data: new Float32Array(0),
      shape: [rows, 0, channels],
    },
    reference_places: references?.places ?? { data: new Float32Array(0), shape: [0, 4] },
  };
}

function noRows(batch: number): Feed {
  return { data: new Float32Array(batch), shape: [batch, 1, 1] };
}

/** A symbolic length is the batch's: graphs that broadcast [1] take [B] as well, the reverse does not hold. */
function timestepFeed(port: Port, timestep: number, batch: number): Feed {
  if (port.shape.length === 0) return { data: [timestep], shape: [] };
  const length = typeof port.shape[0] === 'number' && port.shape[0] > 0 ? port.shape[0] : batch;
  return { data: new Float32Array(length).fill(timestep), shape: [length] };
}

function checkInputs(session: Session, layout: ModelLayout, known: readonly string[]): void {
  const names = [...session.inputs.keys()];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new RunError(
      say('denoiser-asks-more', layout.name, session.path, unknown.join(', '), known.join(', ')),
    );
  }
  const lacking = known.slice(0, 3).filter((name) => !session.inputs.has(name));
  if (lacking.length > 0) {
    throw new RunError(
      say('not-a-denoiser', layout.name, session.path, names.join(', '), lacking.join(', ')),
    );
  }
  const channels = session.inputs.get(known[0] as string)?.shape[1];
  const expected = layout.inpainting ? 2 * layout.latentChannels + 1 : layout.latentChannels;
  if (typeof channels === 'number' && channels !== expected) {
    throw new RunError(say('denoiser-channels', layout.name, session.path, channels, expected));
  }
}
