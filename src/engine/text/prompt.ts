import type { FindEmbedding } from './embeddings.ts';
import type { EmphasisName, ProfileName } from '../names.ts';
import { parseAttention } from './prompt/attention.ts';
import { chunkTruncated, chunkWeighted, sealChunk, type PromptChunk } from './prompt/chunks.ts';
import { chunkComfy, parseComfyWeights } from './prompt/comfy.ts';
import { parseComposition } from './prompt/composition.ts';
import { parseTimeline } from './prompt/timeline.ts';
import type { Tokenizer } from './tokenizer.ts';

export { applyComfyEmphasis, applyEmphasis } from './prompt/emphasis.ts';
export type { PromptChunk };

/** What the text encoder has to encode for one prompt, and when each encoding holds. */
export type PromptPlan = { parts: PromptPart[] };

/** One member of a composition ("a AND b"); its guided difference is summed with this weight. */
export type PromptPart = {
  weight: number;
  /**
   * In order of time; the first entry with step <= untilStep holds (A1111 counts the running step from 0). All entries have the
   * same number of chunks. A1111 encodes all entries of a part as one batch per chunk, so that emphasis
   * restores the mean over all of them: see prompt/emphasis.ts.
   */
  schedule: PromptMoment[];
};

export type PromptMoment = {
  untilStep: number;
  /** equal keys mean equal embeddings under the same model and clip skip */
  conditioningKey: string;
  /** one run of the text encoder each; the embeddings are joined along the tokens */
  chunks: PromptChunk[];
};

export type PromptOptions = {
  emphasis: EmphasisName;
  profile: ProfileName;
  steps: number;
  /** of the second pass, when the prompt is planned for that one: `steps` are the first's then */
  hiresSteps?: number;
  /** names of textual inversions that A1111's rules replace by their vectors */
  findEmbedding?: FindEmbedding | null;
  /** a negative prompt is never a composition: AND is a word there */
  negative?: boolean;
};

/**
 * Reads a prompt after the profile's rules: a1111 = composition, prompt editing, emphasis, BREAK and chunks of 75
 * tokens; comfy = ComfyUI's weights and chunks; diffusers = plain text cut at 75 tokens, unless emphasis is
 * asked for (then as a1111). Throws UserError for a weight that is no number.
 */
export function planPrompt(text: string, tokenizer: Tokenizer, options: PromptOptions): PromptPlan {
  const { emphasis, profile } = options;
  if (profile === 'comfy') {
    const pieces = emphasis === 'none' ? [{ text, weight: 1 }] : parseComfyWeights(text);
    return singlePart(options, text, chunkComfy(pieces, tokenizer, options.findEmbedding));
  }
  if (profile === 'diffusers' && emphasis === 'none') {
    return singlePart(options, text, [chunkTruncated(text, tokenizer)]);
  }
  const composed = options.negative ? [{ text, weight: 1 }] : parseComposition(text);
  return {
    parts: composed.map((part) => ({
      weight: part.weight,
      schedule: planSchedule(part.text, tokenizer, options),
    })),
  };
}

function singlePart(options: PromptOptions, text: string, chunks: PromptChunk[]): PromptPlan {
  const conditioningKey = JSON.stringify([options.profile, options.emphasis, text]);
  return {
    parts: [{ weight: 1, schedule: [{ untilStep: options.steps, conditioningKey, chunks }] }],
  };
}

function planSchedule(
  text: string,
  tokenizer: Tokenizer,
  { steps, hiresSteps, emphasis, findEmbedding = null }: PromptOptions,
): PromptMoment[] {
  const timeline = parseTimeline(text, steps, hiresSteps === undefined ? {} : { hiresSteps });
  const byText = new Map<string, PromptChunk[]>();
  for (const moment of timeline) {
    if (byText.has(moment.text)) continue;
    const pieces =
      emphasis === 'none' ? [{ text: moment.text, weight: 1 }] : parseAttention(moment.text);
    byText.set(moment.text, chunkWeighted(pieces, tokenizer, undefined, findEmbedding));
  }
  const longest = Math.max(...[...byText.values()].map((chunks) => chunks.length));
  for (const chunks of byText.values()) {
    while (chunks.length < longest) chunks.push(sealChunk([], [], tokenizer));
  }
  // The mean that emphasis restores is taken over the whole timeline, so its texts belong to the key.
  const context = timeline.length > 1 ? [text, steps, hiresSteps] : [];
  return timeline.map((moment) => ({
    untilStep: moment.untilStep,
    conditioningKey: JSON.stringify(['a1111', emphasis, moment.text, ...context]),
    chunks: byText.get(moment.text) ?? [],
  }));
}
