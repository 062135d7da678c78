/** What the network is told beside the noise: prompt, negative prompt and, for SDXL, sizes. */
import { needsNegative } from './guidance.ts';
import type { ModelLayout } from './model/layout.ts';
import type { LoadedModel } from './model/loader.ts';
import type { ProfileName, SamplerName } from './names.ts';
import { stripComments } from './prompt/comments.ts';
import type { GenerateRequest } from './request.ts';
import { SAMPLER_TABLE } from './samplers/samplers.ts';
import type { Conditioning } from './text-encoder.ts';

export type Prompts = { positive: Conditioning; negative: Conditioning };

/**
 * The length that fractions in prompt editing refer to: A1111 counts network evaluations, two a step for samplers of
 * second order (sd_samplers_kdiffusion.py, second_order).
 */
function promptSteps(sampler: SamplerName | null, steps: number): number {
  return sampler !== null && SAMPLER_TABLE[sampler].evaluations === 2 ? 2 * steps : steps;
}

/** `hiresSteps`: for the second pass, which prompt editing counts apart from the first. */
export async function encodePrompts(
  request: GenerateRequest,
  model: LoadedModel,
  hiresSteps?: number,
): Promise<Prompts> {
  const { each } = request;
  if (!each || each.every(({ clipSkip }) => clipSkip === request.clipSkip)) {
    return encodeShared(request, model, hiresSteps);
  }
  const own: Prompts[] = [];
  for (const { clipSkip } of each) {
    own.push(await encodeShared({ ...request, clipSkip }, model, hiresSteps));
  }
  return {
    positive: sideBySide(own.map(({ positive }) => positive)),
    negative: sideBySide(own.map(({ negative }) => negative)),
  };
}

/** What is said to each image of a batch, as one: the same words, so the parts and their moments are the same. */
function sideBySide(ofImages: readonly Conditioning[]): Conditioning {
  const [first] = ofImages as [Conditioning];
  const parts = first.parts.map(({ weight, schedule }, p) => ({
    weight,
    schedule: schedule.map(({ untilStep, text }, moment) => ({
      untilStep,
      text: {
        ...text,
        ofImages: ofImages.map((own) => own.parts[p]?.schedule[moment]?.text ?? text),
      },
    })),
  }));
  return { ...first, parts };
}

/** The prompts by the request's own clip skip. */
async function encodeShared(
  request: GenerateRequest,
  { textEncoder, entry }: LoadedModel,
  hiresSteps?: number,
): Promise<Prompts> {
  const { layout } = entry;
  const { emphasis, profile, clipSkip, sampler } = request;
  const written = (text: string): string => (profile === 'a1111' ? stripComments(text) : text);
  const options = {
    emphasis,
    profile,
    clipSkip,
    steps: promptSteps(sampler, request.steps),
    ...(hiresSteps === undefined ? {} : { hiresSteps: promptSteps(sampler, hiresSteps) }),
  };
  const encoded = await textEncoder.encode(written(request.prompt), {
    ...options,
    negative: false,
  });
  const positive = withSizes(encoded, request, layout, AESTHETIC_SCORE.positive);
  const asked = needsNegative(request, layout.guidanceEmbedding, positive.parts.length);
  // CFG++ takes the unconditional answer at every scale.
  if (!asked && sampler !== 'ddim_cfgpp') return { positive, negative: positive };
  const text = written(request.negativePrompt);
  const negative = zeroesNegative(text, profile, layout)
    ? textEncoder.zeros(positive)
    : await textEncoder.encode(text, {
        ...options,
        // diffusers counts clip skip for the prompt alone.
        clipSkip: profile === 'diffusers' ? 1 : clipSkip,
        negative: true,
      });
  return { positive, negative: withSizes(negative, request, layout, AESTHETIC_SCORE.negative) };
}

/** diffusers goes by the folder's model_index.json, A1111 does it for every SDXL (sd_models_xl.py), ComfyUI never. */
function zeroesNegative(text: string, profile: ProfileName, layout: ModelLayout): boolean {
  if (text !== '' || profile === 'comfy') return false;
  const isXl = layout.family === 'sdxl' || layout.family === 'sdxl-refiner';
  return layout.zeroEmptyNegative || (profile === 'a1111' && isXl);
}

/** What the SDXL refiner is told about the picture's beauty: the defaults of diffusers and A1111 alike. */
const AESTHETIC_SCORE = { positive: 6, negative: 2.5 };

/** SDXL's size conditioning: original size, crop corner, then the target size, or the refiner's aesthetic score. */
function withSizes(
  conditioning: Conditioning,
  { width, height }: GenerateRequest,
  { family }: ModelLayout,
  aestheticScore: number,
): Conditioning {
  if (family !== 'sdxl' && family !== 'sdxl-refiner') return conditioning;
  const last = family === 'sdxl' ? [height, width] : [aestheticScore];
  const timeIds = [height, width, 0, 0, ...last];
  const parts = conditioning.parts.map(({ weight, schedule }) => ({
    weight,
    schedule: schedule.map(({ untilStep, text }) => ({ untilStep, text: { ...text, timeIds } })),
  }));
  return { ...conditioning, parts };
}
