/** The network of a pass under guidance: one model, or two of which the second takes over. */
import type { Prompts } from '../text/conditioning.ts';
import { familyNamed } from '../families/families.ts';
import type { GuidanceWords } from '../families/family.ts';
import { type Guided, createGuidedPredict } from './guidance.ts';
import { handOver } from './handover.ts';
import { type Journal, noJournal } from '../pipeline/journal.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { negativeSkips } from './negative-guidance.ts';
import { guidanceRule } from './picture-guidance.ts';
import type { Start } from '../pipeline/start.ts';
import type { GenerateRequest } from '../request.ts';
import type { SamplingRun } from '../sampling/sampling.ts';
import { RUNTIME_VERSION } from '../network/session.ts';
import type { Unet } from '../network/unet.ts';
import { encodeRequest } from '../request/stored-request.ts';

/** Of the way graphs are written: what was answered by another one has other last bits. */
const WRITTEN = 'graphs 2';

export type NetworkHooks = {
  /** called before every network run; throws CancelledError to stop */
  checkpoint: () => Promise<void> | null;
  /** told of every evaluation, in how many rows */
  onAsk: (rows: number) => void;
  /** what stands for a model's network, where other runs ask it, too; absent: the network */
  unetOf?: ((model: LoadedModel) => Unet) | undefined;
};

/** The guided network, and where another takes over, both, as the profile hands over. */
export function networkOf(
  model: LoadedModel,
  { request, shape, extraChannels, refiner, positive, negative, conditioners }: Start,
  journal: Journal,
  { checkpoint, onAsk, unetOf = ({ unet }) => unet }: NetworkHooks,
): Guided & Pick<SamplingRun, 'refiner'> {
  const counter = { evaluations: 0 };
  const guidedBy = (network: LoadedModel, prompts: Prompts): Guided => {
    const rule = guidanceRule(network.entry.layout);
    return createGuidedPredict({
      unet: unetOf(network),
      shape,
      ...prompts,
      request,
      counter,
      skipsNegative: negativeSkips(request, network.schedule, rule),
      family: familyNamed(network.entry.layout.family),
      guidanceWords: guidanceWordsOf(network, request),
      rule,
      conditioners,
      extraChannels,
      checkpoint,
      onAsk,
      answered: journal.pass(
        journal === noJournal ? [] : questionOf(network, request, prompts, extraChannels),
      ),
    });
  };
  const first = guidedBy(model, { positive, negative });
  if (refiner === null) return first;
  const { positive: words, negative: none } = refiner;
  const second = guidedBy(refiner.model, { positive: words, negative: none });
  const { schedule } = refiner.model;
  if (request.profile !== 'a1111') {
    return { ...first, refiner: { predict: second.predict, schedule } };
  }
  const switchAt = request.refiner?.switchAt ?? 1;
  return handOver(first, second, { request, schedule: model.schedule, switchAt });
}

function guidanceWordsOf(
  { entry: { layout } }: LoadedModel,
  { distilledGuidance }: GenerateRequest,
): GuidanceWords {
  const { transformer } = layout;
  return {
    embedding: layout.guidanceEmbedding,
    distilled: transformer?.isGuided ? (distilledGuidance ?? transformer.distilledGuidance) : null,
  };
}

/** All that decides what the network answers, but for x and the timestep. */
function questionOf(
  { entry, provider, deviceIndex, loras }: LoadedModel,
  request: GenerateRequest,
  { positive, negative }: Prompts,
  extraChannels: Start['extraChannels'],
): (string | Float32Array)[] {
  const told: (string | Float32Array)[] = [
    RUNTIME_VERSION,
    // Two GPUs of a machine need not be of one kind.
    deviceIndex ? `${provider}:${deviceIndex}` : provider,
    entry.info.hash,
    ...(entry.layout.denoiser.kind === 'tensors' ? [WRITTEN] : []),
    // Their strengths stand in the prompt.
    ...loras.map(({ hash }) => hash),
    // A start picture shows in x and in the extra channels.
    encodeRequest({ ...request, init: null }),
    extraChannels ?? '',
  ];
  for (const { parts } of [positive, negative]) {
    for (const { weight, schedule } of parts) {
      for (const { untilStep, text } of schedule) {
        for (const own of text.ofImages ?? [text]) {
          told.push(`${weight} ${untilStep} ${own.timeIds?.join() ?? ''}`, own.context);
          if (own.pooled !== null) told.push(own.pooled);
        }
      }
    }
  }
  return told;
}
