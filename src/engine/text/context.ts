/** What several encoders and several chunks say, as one context. */
import type { EncoderPart } from './encoder-run.ts';
import { UserError } from '../errors.ts';
import { clipReading } from '../families/families.ts';
import type { Hidden } from './hidden.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { TextEmbedding } from './text-embedding.ts';
import type { PromptPlan } from './prompt.ts';
import { sealChunk } from './prompt/chunks.ts';
import { say } from '../sentences.ts';

/**
 * Two texts for two encoders become one context: as many chunks of each, the shorter filled up with empty ones, as
 * ComfyUI's CLIPTextEncodeSDXL does.
 * @throws UserError where they differ in parts or moments
 */
export function alignPlans(plans: readonly PromptPlan[], parts: readonly EncoderPart[]): void {
  const shapeOf = (plan: PromptPlan): string =>
    plan.parts.map(({ schedule }) => schedule.map(({ untilStep }) => untilStep).join()).join(';');
  const [first] = plans as [PromptPlan];
  if (plans.some((plan) => shapeOf(plan) !== shapeOf(first))) {
    throw new UserError(say('second-prompt-shape'));
  }
  for (const [p, { schedule }] of first.parts.entries()) {
    for (const m of schedule.keys()) {
      const rows = plans.map((plan) => plan.parts[p]?.schedule[m]?.chunks ?? []);
      const longest = Math.max(...rows.map((chunks) => chunks.length));
      for (const [i, chunks] of rows.entries()) {
        const { tokenizer } = parts[i] as EncoderPart;
        while (chunks.length < longest) chunks.push(sealChunk([], [], tokenizer));
      }
    }
  }
}

/** All encoders' states of one chunk as the family's network takes them. */
export function joinEncoders(layout: ModelLayout, hidden: readonly Hidden[]): Hidden {
  return clipReading(layout.family).join(hidden, layout.contextDim);
}

/** Chunks of a text, one behind the other: a context [tokens, dim], pooled by the first. */
export function joinChunks(layout: ModelLayout, rows: readonly Hidden[]): TextEmbedding {
  const [first] = rows as [Hidden];
  const tokens = rows.length * first.tokens + clipReading(layout.family).behind;
  const context = new Float32Array(tokens * first.dim);
  for (const [index, row] of rows.entries()) context.set(row.states, index * first.states.length);
  return { context, tokens, dim: first.dim, pooled: first.pooled };
}
