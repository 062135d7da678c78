/** What several encoders and several chunks say, as one context. */
import type { EncoderPart, Hidden } from './encoder-run.ts';
import { UserError } from '../errors.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { TextEmbedding } from './text-embedding.ts';
import type { PromptPlan } from './prompt.ts';
import { sealChunk } from './prompt/chunks.ts';
import { say } from '../sentences.ts';

/**
 * Two texts for two encoders become one context: as many chunks of each, the shorter filled up with empty ones, as
 * ComfyUI's CLIPTextEncodeSDXL does. Throws UserError where they differ in parts or moments.
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

/**
 * Both encoders side by side along the feature axis. The pooled text is the second encoder's in SDXL, both in SD3,
 * where the features are filled up with zeros to the transformer's width.
 */
export function joinEncoders(layout: ModelLayout, hidden: readonly Hidden[]): Hidden {
  const [first] = hidden as [Hidden];
  const wide = layout.family === 'sd3' ? layout.contextDim : 0;
  const dim = Math.max(wide, sum(hidden.map((part) => part.dim)));
  if (dim === first.dim) return first;
  const states = new Float32Array(first.tokens * dim);
  let column = 0;
  for (const part of hidden) {
    for (let token = 0; token < first.tokens; token++) {
      const row = part.states.subarray(token * part.dim, (token + 1) * part.dim);
      states.set(row, token * dim + column);
    }
    column += part.dim;
  }
  const pooled =
    layout.family === 'sd3'
      ? Float32Array.from(hidden.flatMap((part) => [...(part.pooled ?? [])]))
      : (hidden.at(-1)?.pooled ?? null);
  return { states, tokens: first.tokens, dim, pooled };
}

/** Without its T5 encoder SD3 reads zeros in its place: as many tokens as diffusers gives it. */
const T5_TOKENS = 256;

export function joinChunks(layout: ModelLayout, rows: readonly Hidden[]): TextEmbedding {
  const [first] = rows as [Hidden];
  const absent = layout.family === 'sd3' ? T5_TOKENS : 0;
  const tokens = rows.length * first.tokens + absent;
  const context = new Float32Array(tokens * first.dim);
  for (const [index, row] of rows.entries()) context.set(row.states, index * first.states.length);
  return { context, tokens, dim: first.dim, pooled: first.pooled };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
