/** What a request says, as the networks read it: all that a pass starts from. */
import { ignoredGuidance } from '../guidance/ignored.ts';
import { beginConditioners } from '../guidance/conditioners.ts';
import { checkRefiner } from '../guidance/handover.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { RunClock } from '../network/session.ts';
import { createNoiseSource } from '../noise/noise.ts';
import type { GenerateRequest } from '../request.ts';
import type { Said } from '../said.ts';
import { planSampling } from '../samplers/samplers.ts';
import type { LatentShape, NoiseSource } from '../sampling/sampling.ts';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { enlargeLatents, secondPass } from '../start/hires.ts';
import { pictureToEdit } from '../start/edited-picture.ts';
import { encodeInit, type EncodedInit } from '../start/init.ts';
import { encodePrompts } from '../text/conditioning.ts';
import type { Conditioning, UsedEmbedding } from '../text/text-encoder.ts';
import type { Pass, Start } from './start.ts';

/** The model, and the one that takes over on the way; null: nobody does. */
export type Models = { model: LoadedModel; refiner: LoadedModel | null };

export type Plan = { first: Pass; second: Pass | null; steps: number };

/** @throws UserError for a request that the models cannot serve */
export function planPasses(request: GenerateRequest, { model, refiner }: Models): Plan {
  const { hires = null } = request;
  if (refiner !== null) checkRefiner(model, refiner);
  // A1111's default: with hires fix the refiner works in the second pass alone.
  const first = planPass(request, model, hires ? null : refiner);
  const { layout } = model.entry;
  const second = hires && planPass(secondPass(request, hires, layout), model, refiner);
  return { first, second, steps: first.sampling.steps + (second?.sampling.steps ?? 0) };
}

function planPass(request: GenerateRequest, model: LoadedModel, refiner: LoadedModel | null): Pass {
  const shape = latentShape(request, model);
  const sampling = planSampling(request, model.schedule, refiner?.schedule ?? null);
  return { request, shape, sampling };
}

function latentShape(request: GenerateRequest, { entry }: LoadedModel): LatentShape {
  const { layout } = entry;
  for (const side of ['width', 'height'] as const) {
    if (request[side] % layout.sizeFactor !== 0 || request[side] <= 0) {
      throw new UserError(say('side-misfit', side, request[side], layout.name, layout.sizeFactor));
    }
    const { mostSide = Infinity } = layout;
    if (request[side] > mostSide) {
      throw new UserError(say('side-beyond-places', side, request[side], layout.name, mostSide));
    }
  }
  return [
    request.count,
    layout.latentChannels,
    request.height / layout.vaeFactor,
    request.width / layout.vaeFactor,
  ];
}

export type ReadRequest = {
  first: Start;
  /** of the second pass, from the first one's latents; null: there is none */
  second: ((latents: Float32Array, clock: RunClock) => Promise<Start>) | null;
  init: EncodedInit | null;
  /** what was left out */
  notes: readonly Said[];
  embeddings: readonly UsedEmbedding[];
};

/** @throws UserError for prompts and pictures that the models cannot read */
export async function readRequest(
  request: GenerateRequest,
  { model, refiner }: Models,
  { first, second }: Plan,
): Promise<ReadRequest> {
  const { hires = null } = request;
  const prompts = await encodePrompts(request, model);
  const takesOver = refiner && {
    model: refiner,
    ...(await encodePrompts(request, refiner, hires?.steps)),
  };
  const noise = noiseOf(first, model);
  const init = await encodeInit(request, model, noise, first.shape);
  const shown = await pictureToEdit(request, model, first.shape);
  const conditioners = await beginConditioners(request, model);
  const both = [prompts.positive, prompts.negative];
  const missing = new Set(both.flatMap((each) => each.missing ?? []));
  return {
    first: {
      ...first,
      ...prompts,
      noise: init?.noise ?? noise,
      init,
      extraChannels: shown ?? init?.extraChannels ?? null,
      conditioners,
      refiner: hires ? null : takesOver,
    },
    second:
      hires &&
      second &&
      (async (latents, clock) => ({
        ...second,
        init: await fromLatents(latents, { first, second, hires }, model, clock),
        extraChannels: await pictureToEdit(second.request, model, second.shape),
        ...(await encodePrompts(request, model, hires.steps)),
        noise: noiseOf(second, model),
        conditioners,
        refiner: takesOver,
      })),
    init,
    notes: [
      ...model.loras.flatMap(({ note }) => note ?? []),
      ...ignoredGuidance(request, model.entry.layout),
      ...cutTexts(both),
      ...[...missing].map((name) => say('embedding-left-out', name.slice(0, 40))),
    ],
    embeddings: both.flatMap((each) => each.embeddings ?? []),
  };
}

/** Of prompt and negative prompt what their encoders could not read. */
function cutTexts(both: readonly Conditioning[]): Said[] {
  const texts = new Set(both.flatMap(({ parts }) => parts.flatMap(({ schedule }) => schedule)));
  const said = new Map<string, Said>();
  for (const { text } of texts) {
    const { reader, most, found } = text.cut ?? {};
    if (reader === undefined || most === undefined || found === undefined) continue;
    said.set(`${reader} ${most} ${found}`, say('text-cut', reader, most, found));
  }
  return [...said.values()];
}

function noiseOf({ request, shape }: Pass, model: LoadedModel): NoiseSource {
  const sizeFactor = model.entry.layout.vaeFactor;
  return createNoiseSource(request, shape, { dtype: model.unet.dtype, sizeFactor });
}

/** The second pass starts from latents that need no picture. */
async function fromLatents(
  latents: Float32Array,
  {
    first,
    second,
    hires,
  }: { first: Pass; second: Pass; hires: NonNullable<GenerateRequest['hires']> },
  model: LoadedModel,
  clock: RunClock,
): Promise<Start['init']> {
  const requests = { first: first.request, second: second.request, hires };
  const enlarged = await enlargeLatents(latents, first.shape, second.shape, requests, model, clock);
  return {
    start: { latents: enlarged, strength: second.request.init?.strength ?? 1 },
    mask: null,
    finish: (decoded) => Promise.resolve(decoded),
  };
}
