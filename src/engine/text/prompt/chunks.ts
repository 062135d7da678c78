import type { Embedding, FindEmbedding } from '../embeddings.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { WeightedText } from './attention.ts';

/** One run of the text encoder: `maxLength` ids from start token to padding, and a weight for each. */
export type PromptChunk = {
  ids: number[];
  multipliers: number[];
  /** vectors that stand in for the embedding of the ids from `at` on; absent when there are none */
  inserts?: ChunkInsert[];
};

/** `from`: the first of its vectors that stands here (0), where a chunk's end cuts it in two. */
export type ChunkInsert = { at: number; embedding: Embedding; from?: number };

/** How far back A1111 looks for a comma to cut at (its default setting). */
const COMMA_BACKTRACK = 20;

/**
 * Fills chunks of `maxLength - 2` tokens. A chunk that would cut a phrase ends at the last comma instead when
 * that lies within 20 tokens; BREAK ends a chunk at once. Behaviour of modules/sd_hijack_clip.py, v1.10.1.
 */
export function chunkWeighted(
  pieces: readonly WeightedText[],
  tokenizer: Tokenizer,
  commaBacktrack = COMMA_BACKTRACK,
  findEmbedding: FindEmbedding | null = null,
): PromptChunk[] {
  const filling = fillChunks(tokenizer, commaBacktrack);
  for (const { text, weight } of pieces) {
    if (text === 'BREAK' && weight === -1) {
      filling.close();
      continue;
    }
    const tokens = tokenizer.encode(text);
    for (let at = 0; at < tokens.length; at++) {
      filling.makeRoom(tokens[at]!);
      const found = findEmbedding?.(tokens, at);
      if (!found) {
        filling.add(tokens[at]!, weight);
        continue;
      }
      filling.insert(found.embedding, weight);
      at += found.length - 1;
    }
  }
  return filling.finish();
}

/** The chunk that is being filled, and those that are. */
function fillChunks(tokenizer: Tokenizer, commaBacktrack: number) {
  const capacity = tokenizer.maxLength - 2;
  const chunks: PromptChunk[] = [];
  let ids: number[] = [];
  let multipliers: number[] = [];
  let inserts: ChunkInsert[] = [];
  let lastComma = -1;

  function close(): void {
    const sealed = padFromFirstEnd(sealChunk(ids, multipliers, tokenizer), tokenizer);
    chunks.push(inserts.length === 0 ? sealed : { ...sealed, inserts });
    [ids, multipliers, inserts, lastComma] = [[], [], [], -1];
  }

  function cutsPhrase(): boolean {
    const isFull = commaBacktrack !== 0 && ids.length === capacity;
    return isFull && lastComma !== -1 && ids.length - lastComma <= commaBacktrack;
  }

  return {
    close,
    /** before the token `id`, which may be a comma to cut at later */
    makeRoom(id: number): void {
      if (id === tokenizer.comma) lastComma = ids.length;
      else if (cutsPhrase()) {
        // As in A1111, vectors of moved places stay behind with the old chunk.
        const movedIds = ids.splice(lastComma + 1);
        const movedMultipliers = multipliers.splice(lastComma + 1);
        close();
        [ids, multipliers] = [movedIds, movedMultipliers];
      }
      if (ids.length === capacity) close();
    },
    add(id: number, weight: number): void {
      ids.push(id);
      multipliers.push(weight);
    },
    insert(embedding: ChunkInsert['embedding'], weight: number): void {
      const count = Math.min(embedding.count, capacity);
      if (ids.length + count > capacity) close();
      // Places are counted with the start token.
      inserts.push({ at: ids.length + 1, embedding });
      for (let k = 0; k < count; k++) this.add(0, weight);
    },
    finish(): PromptChunk[] {
      if (ids.length > 0 || chunks.length === 0) close();
      return chunks;
    },
  };
}

/** The plain way of diffusers: one chunk, everything behind it cut off. */
export function chunkTruncated(text: string, tokenizer: Tokenizer): PromptChunk {
  const ids = tokenizer.encodePadSpecial(text).slice(0, tokenizer.maxLength - 2);
  return sealChunk(
    ids,
    ids.map(() => 1),
    tokenizer,
  );
}

/** Adds start and end token and padding. */
export function sealChunk(
  ids: readonly number[],
  multipliers: readonly number[],
  { bos, eos, pad, maxLength }: Tokenizer,
): PromptChunk {
  const sealed = [bos, ...ids, eos];
  while (sealed.length < maxLength) sealed.push(pad);
  const weights = [1, ...multipliers];
  while (weights.length < maxLength) weights.push(1);
  return { ids: sealed, multipliers: weights };
}

/** Where the tokens differ, A1111 pads behind the first end token, also one that the text names (process_tokens). */
function padFromFirstEnd(chunk: PromptChunk, { eos, pad }: Tokenizer): PromptChunk {
  if (eos === pad) return chunk;
  return { ...chunk, ids: chunk.ids.fill(pad, chunk.ids.indexOf(eos) + 1) };
}
