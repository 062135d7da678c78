/** One run of a text encoder: a chunk of tokens in, its hidden states out, with vectors in place of tokens. */
import type { Embedding, EncoderName } from './embeddings.ts';
import { UserError } from '../errors.ts';
import { clipReading } from '../families/families.ts';
import type { Hidden } from './hidden.ts';
import { say } from '../sentences.ts';
import type { ModelLayout } from '../model/layout.ts';
import type { TextEncoderEdit } from '../model/graphs/text-encoder-edit.ts';
import type { EmphasisName, ProfileName } from '../names.ts';
import { VECTOR_INPUTS } from '../onnx/token-embedding.ts';
import type { ChunkInsert, PromptChunk } from './prompt/chunks.ts';
import type { Tensor } from '../checkpoint/safetensors.ts';
import type { Feed, Output, Session } from '../network/session.ts';
import type { Tokenizer } from './tokenizer.ts';

export type EncodeOptions = {
  emphasis: EmphasisName;
  profile: ProfileName;
  clipSkip: number;
  steps: number;
  hiresSteps?: number;
  negative: boolean;
  /** what SDXL's second encoder reads in place of the text */
  second?: string;
  /** what the third encoder of Stable Diffusion 3 reads in place of the text */
  third?: string;
  /** what encoders that see are shown beside the text; absent: nothing */
  pictures?: readonly Uint8Array[];
  /** tokens that a text is filled up to by families that do that; absent: as many as they are used to */
  length?: number;
};

/** One network of the folder with its tokenizer. */
export type EncoderPart = {
  session: Session;
  tokenizer: Tokenizer;
  /** transformer layers, from its config */
  layers: number;
  /** numbers in the embedding of a token, from its config */
  width: number;
  /** what textual inversions call it */
  name: EncoderName;
  /** the same network with other ends; opened once for each edit */
  edited(edit: TextEncoderEdit): Promise<Session>;
};

/** The states that the family reads. */
export async function runEncoder(
  layout: ModelLayout,
  part: EncoderPart,
  { ids, inserts = [] }: PromptChunk,
  options: EncodeOptions,
): Promise<Hidden> {
  const normed = isNormed(layout);
  const endAfter = normed ? endOf(layout, part, options.clipSkip) : null;
  const vectors = inserts.length > 0;
  const session =
    endAfter === null && !vectors ? part.session : await part.edited({ endAfter, vectors });
  const states = normed ? 'last_hidden_state' : `hidden_states.${penultimate(part, options)}`;
  const pooled = !normed && session.outputs.has('text_embeds') ? 'text_embeds' : null;
  const [input = ''] = session.inputs.keys();
  const results = await session.run(
    {
      [input]: { data: ids, shape: [1, ids.length] },
      ...(vectors ? vectorFeeds(part, inserts, ids.length, layout) : {}),
    },
    pooled === null ? [states] : [states, pooled],
  );
  const { data, shape } = results[states] as Output;
  const [, tokens = 0, dim = 0] = shape;
  return { states: data, tokens, dim, pooled: (pooled && results[pooled]?.data) ?? null };
}

/** A1111's clip skip leaves SDXL alone; diffusers counts further down from the layer before the last. */
function penultimate(part: EncoderPart, { profile, clipSkip }: EncodeOptions): number {
  const further = profile === 'diffusers' ? clipSkip - 1 : 0;
  return Math.max(0, part.layers - 1 - further);
}

function isNormed({ family }: ModelLayout): boolean {
  return clipReading(family).states === 'normed';
}

/** The layer to end after; null for the last. */
function endOf(layout: ModelLayout, part: EncoderPart, clipSkip: number): number | null {
  if (clipSkip === 1) return null;
  if (clipSkip <= part.layers) return part.layers + 1 - clipSkip;
  throw new UserError(say('clip-skip-too-far', clipSkip, layout.name, part.layers));
}

/** Every vector at its place; what would reach beyond the chunk falls away. */
function vectorFeeds(
  part: EncoderPart,
  inserts: readonly ChunkInsert[],
  tokens: number,
  layout: ModelLayout,
): Record<string, Feed> {
  const places = new Float32Array(tokens);
  const vectors = new Float32Array(tokens * part.width);
  for (const { at, embedding, from = 0 } of inserts) {
    const { shape, data } = vectorsFor(part, embedding, layout);
    const [count = 0, width = 0] = shape;
    const fitting = Math.min(count - from, tokens - at);
    places.fill(1, at, at + fitting);
    vectors.set(data.subarray(from * width, (from + fitting) * width), at * width);
  }
  return {
    [VECTOR_INPUTS.places]: { data: places, shape: [1, tokens, 1] },
    [VECTOR_INPUTS.vectors]: { data: vectors, shape: [1, tokens, part.width] },
  };
}

function vectorsFor(part: EncoderPart, embedding: Embedding, layout: ModelLayout): Tensor {
  const { name, vectors } = embedding;
  const own = vectors[part.name] ?? (isNormed(layout) ? vectors.any : undefined);
  if (own !== undefined && own.shape[1] === part.width) return own;
  const found = Object.entries(vectors)
    .map(([encoder, { shape }]) => (encoder === 'any' ? '' : `${encoder} `) + shape[1])
    .join(' and ');
  throw new UserError(say('embedding-misfit', name, found, layout.name, part.width, part.name));
}
