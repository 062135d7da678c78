/** Whether rows of several people in one evaluation are quicker than one after the other: measured once a device and model. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { familyNamed } from '../families/families.ts';
import type { LoadedModel } from '../model/loader.ts';
import { encodePrompts } from '../text/conditioning.ts';
import { parseAccepted } from '../request-codec.ts';
import { textAt } from '../text/text-encoder.ts';
import type { Question } from './feeds.ts';
import { RUNTIME_VERSION } from './session.ts';

/** People in one evaluation, two rows each (with and without the prompt). */
const PEOPLE = [1, 2, 4, 8] as const;
/** What the best of them must gain over one at a time, as a share. */
const LEAST_GAIN = 1.15;
/** A larger batch that gains less than this over the one before is the last that is tried. */
const STILL_GAINS = 1.03;
/** Where one evaluation takes so long, the device is busy with one picture; milliseconds. */
const SLOW_MS = 2000;
const RUNS = 3;

/** `ms`: of one evaluation for so many people; `people`: as many as are painted together at the model's own size, 1: none. */
export type SharingFigures = { people: number; ms: Readonly<Record<number, number>> };

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
    async measure(model: LoadedModel): Promise<SharingFigures> {
      const all = await (known ??= read());
      const figures = await measureSharing(model);
      all[keyOf(model)] = figures;
      if (file === null) return figures;
      try {
        await writeFile(`${file}.part`, JSON.stringify(all, null, 1), { mode: 0o600 });
        await rename(`${file}.part`, file);
      } catch {
        // It is measured again at the next start.
      }
      return figures;
    },
  };
}

/** A few evaluations at the model's own size; as soon as more people gain nothing, no more are tried. */
async function measureSharing(model: LoadedModel): Promise<SharingFigures> {
  const ms: Record<number, number> = {};
  const alone: SharingFigures = { people: 1, ms };
  const { unet, entry, provider } = model;
  const { inpainting, edits } = entry.layout;
  if (!unet.takesTimesteps || inpainting || edits) return alone;
  const question = await questions(model);
  const { height, width } = entry.info.nativeSize;
  const { vaeFactor } = entry.layout;
  const most = unet.mostRows(height / vaeFactor, width / vaeFactor);
  const first = question(1);
  let reference: Float32Array | null = null;
  let best = 1;
  for (const people of PEOPLE) {
    if (2 * people > most) break;
    const asked = people === 1 ? first : question(people);
    const began = performance.now();
    const answer = await unet.predict(asked);
    if (performance.now() - began > SLOW_MS) break;
    reference ??= answer.slice();
    // Where a processor's rows depend on how many there are, a picture would not be what it is alone.
    if (provider === 'cpu' && !reference.every((value, at) => value === answer[at])) break;
    const took: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const began = performance.now();
      await unet.predict(asked);
      took.push(performance.now() - began);
    }
    ms[people] = Math.min(...took);
    const each = (count: number): number => ms[count]! / count;
    if (people > 1 && each(best) / each(people) < STILL_GAINS) break;
    best = people;
  }
  const gain = best === 1 ? 1 : ms[1]! / (ms[best]! / best);
  return gain >= LEAST_GAIN ? { people: best, ms } : alone;
}

/** Questions whose first rows are the same, whatever follows them. */
async function questions(model: LoadedModel): Promise<(people: number) => Question> {
  const { layout, info } = model.entry;
  const request = parseAccepted({ prompt: 'a picture', seed: 1, guidanceScale: 5 }, info);
  const { positive } = await encodePrompts(request, model);
  const text = textAt(positive.parts[0]!, 0);
  const [height, width] = [info.nativeSize.height, info.nativeSize.width].map(
    (side) => side / layout.vaeFactor,
  ) as [number, number];
  const words = {
    embedding: layout.guidanceEmbedding,
    distilled: layout.transformer?.isGuided ? layout.transformer.distilledGuidance : null,
  };
  return (people) => {
    const rows = 2 * people;
    const shape = [rows, layout.latentChannels, height, width] as const;
    const data = new Float32Array(rows * shape[1] * height * width);
    for (let at = 0; at < data.length; at++) data[at] = ((at * 7919) % 2003) / 1000 - 1;
    const said = { count: rows, text: () => text, scale: () => 5, perturbed: 0 };
    return {
      sample: { data, shape },
      timestep: 500,
      timesteps: Float32Array.from({ length: rows }, (_, row) => 999 - 60 * (row >> 1)),
      feeds: new Map(familyNamed(layout.family).feeds(said, words)),
    };
  };
}
