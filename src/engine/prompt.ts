import type { EmphasisName, ProfileName } from './names.ts';
import { parseAttention } from './prompt/attention.ts';
import { chunkTruncated, chunkWeighted, sealChunk, type PromptChunk } from './prompt/chunks.ts';
import { chunkComfy, parseComfyWeights } from './prompt/comfy.ts';
import { parseComposition } from './prompt/composition.ts';
import { parseTimeline } from './prompt/timeline.ts';
import type { Tokenizer } from './tokenizer.ts';

export type { PromptChunk };

/** What the text encoder has to encode for one prompt, and when each encoding holds. */
export type PromptPlan = { parts: PromptPart[] };

/** One member of a composition ("a AND b"); its guided difference is summed with this weight. */
export type PromptPart = {
  weight: number;
  /**
   * In order of time; the first entry with step <= untilStep holds (steps count from 1). All entries have the
   * same number of chunks. A1111 encodes all entries of a part as one batch per chunk, so that emphasis
   * restores the mean over all of them: see applyEmphasis.
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
  /** a negative prompt is never a composition: AND is a word there */
  negative?: boolean;
};

/**
 * Reads a prompt after the profile's rules: a1111 = composition, prompt editing, emphasis, BREAK and chunks of 75
 * tokens; comfy = ComfyUI's weights and chunks; diffusers = plain text cut at 75 tokens, unless emphasis is
 * asked for (then as a1111). Throws UserError for a weight that is no number.
 */
export function planPrompt(text: string, tokenizer: Tokenizer, options: PromptOptions): PromptPlan {
  const { emphasis, profile, steps } = options;
  if (profile === 'comfy') {
    const pieces = emphasis === 'none' ? [{ text, weight: 1 }] : parseComfyWeights(text);
    return singlePart(options, text, chunkComfy(pieces, tokenizer));
  }
  if (profile === 'diffusers' && emphasis === 'none') {
    return singlePart(options, text, [chunkTruncated(text, tokenizer)]);
  }
  const composed = options.negative ? [{ text, weight: 1 }] : parseComposition(text);
  return {
    parts: composed.map((part) => ({
      weight: part.weight,
      schedule: planSchedule(part.text, tokenizer, steps, emphasis),
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
  steps: number,
  emphasis: EmphasisName,
): PromptMoment[] {
  const timeline = parseTimeline(text, steps);
  const byText = new Map<string, PromptChunk[]>();
  for (const moment of timeline) {
    if (byText.has(moment.text)) continue;
    const pieces =
      emphasis === 'none' ? [{ text: moment.text, weight: 1 }] : parseAttention(moment.text);
    byText.set(moment.text, chunkWeighted(pieces, tokenizer));
  }
  const longest = Math.max(...[...byText.values()].map((chunks) => chunks.length));
  for (const chunks of byText.values()) {
    while (chunks.length < longest) chunks.push(sealChunk([], [], tokenizer));
  }
  // The mean that emphasis restores is taken over the whole timeline, so its texts belong to the key.
  const context = timeline.length > 1 ? [text, steps] : [];
  return timeline.map((moment) => ({
    untilStep: moment.untilStep,
    conditioningKey: JSON.stringify(['a1111', emphasis, moment.text, ...context]),
    chunks: byText.get(moment.text) ?? [],
  }));
}

/**
 * Weights a text embedding z [B,T,C] by token. `original` multiplies and restores the mean of the whole tensor
 * (A1111's default), `no_norm` only multiplies, `ignore` and `none` return z itself. B = the entries of one
 * part's schedule, T = tokens of one chunk, multipliers [B][T]. Behaviour of modules/sd_emphasis.py, v1.10.1.
 */
export function applyEmphasis(
  z: Float32Array,
  shape: readonly [number, number, number],
  multipliers: readonly number[][],
  mode: EmphasisName,
): Float32Array {
  if (mode === 'ignore' || mode === 'none') return z;
  const [, tokens, channels] = shape;
  const weighted = new Float32Array(z.length);
  for (let row = 0; row * channels < z.length; row++) {
    const factor = Math.fround(multipliers[Math.floor(row / tokens)]?.[row % tokens] ?? 1);
    for (let at = row * channels; at < (row + 1) * channels; at++)
      weighted[at] = (z[at] ?? 0) * factor;
  }
  if (mode === 'no_norm') return weighted;
  const restore = Math.fround(Math.fround(mean(z)) / Math.fround(mean(weighted)));
  return weighted.map((value) => value * restore);
}

/**
 * ComfyUI's emphasis: moves each token's embedding away from (or towards) that of the empty prompt,
 * empty + weight (z - empty). z [B,T,C], empty [T,C], multipliers [B][T].
 */
export function applyComfyEmphasis(
  z: Float32Array,
  empty: Float32Array,
  shape: readonly [number, number, number],
  multipliers: readonly number[][],
): Float32Array {
  const [, tokens, channels] = shape;
  const span = tokens * channels;
  return z.map((value, at) => {
    const weight = multipliers[Math.floor(at / span)]?.[Math.floor((at % span) / channels)] ?? 1;
    const base = empty[at % span] ?? 0;
    return weight === 1 ? value : base + Math.fround(value - base) * weight;
  });
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
