/**
 * Whether rows of several people in one evaluation, or in several side by side (lanes), are quicker than one after the
 * other: measured once a device and model.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { familyNamed } from '../../families/families.ts';
import type { ModelLayout } from '../../model/layout.ts';
import type { LoadedModel } from '../../model/loaded-model.ts';
import type { ModelInfo } from '../../request.ts';
import { encodePrompts } from '../../text/conditioning.ts';
import { parseAccepted } from '../../request-codec.ts';
import { textAt } from '../../text/text-encoder.ts';
import { writeWhole } from '../../whole-file.ts';
import type { Question } from '../feeds.ts';
import { RUNTIME_VERSION, type Session } from '../session.ts';
import { threadsInAll } from '../threads.ts';

/** People in one evaluation, two rows each (with and without the prompt). */
const PEOPLE = [1, 2, 4, 8] as const;
/** What the best of them must gain over one at a time, as a share. */
const LEAST_GAIN = 1.15;
/** A larger batch that gains less than this over the one before is the last that is tried. */
const STILL_GAINS = 1.03;
/** Where one evaluation takes so long, the device is busy with one picture; milliseconds. */
const SLOW_MS = 2000;
const RUNS = 3;
const RUNS_MS = 100;
/** Evaluations side by side that are tried, each with its share of the cores. */
const LANES = [2, 4, 8] as const;

/** `ms`: of one evaluation for so many people; `people`: as many as are painted together at the model's own size, 1: none. */
export type SharingFigures = {
  people: number;
  ms: Readonly<Record<number, number>>;
  /** absent: not measured, by an earlier version or for want of room; null: they gain nothing */
  lanes?: LaneFigures | null;
};

/** `ms`: of `count` evaluations side by side for so many people in all. */
export type LaneFigures = { count: number; people: number; ms: number };

/** What was measured on this machine before; `folder` null: nothing is kept. */
export function rememberedSharing(folder: string | null) {
  const file = folder === null ? null : join(folder, 'sharing.json');
  let known: Promise<Record<string, SharingFigures>> | null = null;

  async function read(): Promise<Record<string, SharingFigures>> {
    if (file === null) return {};
    try {
      return JSON.parse(await readFile(file, 'utf8')) as Record<string, SharingFigures>;
    } catch {
      // Not there, or not whole: it is measured again.
      return {};
    }
  }

  const keyOf = ({ provider, deviceIndex, entry }: LoadedModel): string =>
    [provider, deviceIndex ?? 0, RUNTIME_VERSION, entry.info.hash].join(' ');

  return {
    /** null: it was never measured */
    async known(model: LoadedModel): Promise<SharingFigures | null> {
      const all = await (known ??= read());
      const key = keyOf(model);
      return Object.hasOwn(all, key) ? (all[key] ?? null) : null;
    },
    /** `room`: for lanes, bytes */
    async measure(model: LoadedModel, room: number): Promise<SharingFigures> {
      const all = await (known ??= read());
      const figures = await measureSharing(model, room);
      all[keyOf(model)] = figures;
      if (file === null) return figures;
      try {
        await writeWhole(file, JSON.stringify(all, null, 1), { mode: 0o600, durable: false });
      } catch {
        // It is measured again at the next start.
      }
      return figures;
    },
  };
}

/** Whether there is a reason to measure lanes, and room for the fewest of them, bytes. */
export function mayHaveLanes({ lanes, unet }: LoadedModel, room: number): boolean {
  const fewest = LANES[0];
  return (
    lanes !== null &&
    unet.takesTimesteps &&
    threadsInAll() >= fewest &&
    fewest * lanes.bytesEach <= room
  );
}

/** A few evaluations at the model's own size; as soon as more people gain nothing, no more are tried. */
async function measureSharing(model: LoadedModel, room: number): Promise<SharingFigures> {
  const { unet, entry } = model;
  const { inpainting, edits } = entry.layout;
  if (!unet.takesTimesteps || inpainting || edits) return { people: 1, ms: {}, lanes: null };
  const question = await questions(model);
  const together = await measureTogether(model, question);
  if (!mayHaveLanes(model, room)) return together;
  const lanes = await measureLanes(model, question, { together, room });
  return { ...together, lanes };
}

async function measureTogether(model: LoadedModel, question: Asking): Promise<SharingFigures> {
  const { unet, provider } = model;
  const ms: Record<number, number> = {};
  const most = rowsAtOnce(model);
  let reference: Float32Array | null = null;
  let best = 1;
  for (const people of PEOPLE) {
    if (2 * people > most) break;
    const asked = question(people);
    const began = performance.now();
    const answer = await unet.predict(asked);
    if (performance.now() - began > SLOW_MS) break;
    reference ??= answer.slice();
    // Where a processor's rows depend on how many there are, a picture would not be what it is alone.
    if (provider === 'cpu' && !startsWith(answer, reference)) break;
    ms[people] = await quickest(() => unet.predict(asked));
    const each = (count: number): number => ms[count]! / count;
    if (people > 1 && each(best) / each(people) < STILL_GAINS) break;
    best = people;
  }
  const gain = best === 1 ? 1 : ms[1]! / (ms[best]! / best);
  return { people: gain >= LEAST_GAIN ? best : 1, ms };
}

/** Eight people in two, four, … lanes: the best of them, where that gains over all in one evaluation. */
async function measureLanes(
  model: LoadedModel,
  question: Asking,
  { together: { people, ms }, room }: { together: SharingFigures; room: number },
): Promise<LaneFigures | null> {
  const { unet, lanes } = model;
  const all = PEOPLE.at(-1)!;
  if (lanes === null || ms[1] === undefined || 2 * all > rowsAtOnce(model)) return null;
  const alone = (await unet.predict(question(1))).slice();
  let best = { count: 1, people, ms: ms[people]! };
  for (const count of LANES) {
    if (count > threadsInAll() || count * lanes.bytesEach > room) break;
    const asked = question(all / count);
    const expected = (await unet.predict(asked)).slice();
    const { unets: side, vaeDecoders } = await lanes.open(count);
    const answers = await Promise.all(side.map((lane) => lane.predict(asked)));
    // As above: a picture must be what it is alone.
    const isSame = (answer: Float32Array): boolean =>
      startsWith(answer, expected) && startsWith(answer, alone);
    if (!answers.every(isSame) || !(await decodeAlike(model, vaeDecoders[0]!))) break;
    const took = await quickest(() => Promise.all(side.map((lane) => lane.predict(asked))));
    // Fewest lanes need gain nothing by themselves: they leave the engine's thread to everything else.
    const least = best.count === 1 ? 1 / STILL_GAINS : STILL_GAINS;
    if (best.ms / best.people / (took / all) < least) break;
    best = { count, people: all, ms: took };
  }
  const gain = ms[1] / (best.ms / best.people);
  const pays = best.count > 1 && gain >= LEAST_GAIN;
  // Those that pay are about to be wanted.
  if (!pays) await lanes.close();
  return pays ? best : null;
}

async function decodeAlike(
  { vaeDecoder, entry: { info, layout } }: LoadedModel,
  other: Session,
): Promise<boolean> {
  const [height, width] = latentSize(info, layout);
  const [input = ''] = vaeDecoder.inputs.keys();
  const shape = [1, layout.latentChannels, height, width];
  const feeds = { [input]: { data: waves(layout.latentChannels * height * width), shape } };
  const outputs = [...vaeDecoder.outputs.keys()].slice(0, 1);
  const [own, others] = await Promise.all(
    [vaeDecoder, other].map((decoder) => decoder.run(feeds, outputs)),
  );
  return outputs.every((name) => startsWith(others![name]!.data, own![name]!.data));
}

function startsWith(answer: Float32Array, first: Float32Array): boolean {
  return first.every((value, at) => value === answer[at]);
}

/** Rows that one run may have at the model's own size. */
function rowsAtOnce({ unet, entry: { info, layout } }: LoadedModel): number {
  return unet.mostRows(...latentSize(info, layout));
}

function latentSize(
  { nativeSize: { height, width } }: ModelInfo,
  { vaeFactor }: ModelLayout,
): [height: number, width: number] {
  return [height / vaeFactor, width / vaeFactor];
}

/** Numbers between -1 and 1 that have no meaning, the same ones every time. */
function waves(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => ((at * 7919) % 2003) / 1000 - 1);
}

/** Milliseconds of the quickest of a few runs, and of more where they are short. */
async function quickest(run: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  const until = performance.now() + RUNS_MS;
  while (took.length < RUNS || performance.now() < until) {
    const began = performance.now();
    await run();
    took.push(performance.now() - began);
  }
  return Math.min(...took);
}

type Asking = (people: number) => Question;

/** Questions whose first rows are the same, whatever follows them. */
async function questions(model: LoadedModel): Promise<Asking> {
  const { layout, info } = model.entry;
  const request = parseAccepted({ prompt: 'a picture', seed: 1, guidanceScale: 5 }, info);
  const { positive } = await encodePrompts(request, model);
  const text = textAt(positive.parts[0]!, 0);
  const [height, width] = latentSize(info, layout);
  const words = {
    embedding: layout.guidanceEmbedding,
    distilled: layout.transformer?.isGuided ? layout.transformer.distilledGuidance : null,
  };
  return (people) => {
    const rows = 2 * people;
    const shape = [rows, layout.latentChannels, height, width] as const;
    const data = waves(rows * shape[1] * height * width);
    const said = { count: rows, text: () => text, scale: () => 5, perturbed: 0 };
    return {
      sample: { data, shape },
      timestep: 500,
      timesteps: Float32Array.from({ length: rows }, (_, row) => 999 - 60 * (row >> 1)),
      feeds: new Map(familyNamed(layout.family).feeds(said, words)),
    };
  };
}
