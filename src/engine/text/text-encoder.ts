/**
 * Prompts to what the denoiser is conditioned on. One run of a text encoder takes a chunk of 77 tokens; longer
 * prompts are several runs joined along the token axis. Results are kept: rerolling a prompt costs no encoding.
 */
import type { TextEmbedding } from './text-embedding.ts';
import { alignPlans, joinChunks, joinEncoders } from './context.ts';
import type { Embeddings, FindEmbedding } from './embeddings.ts';
import { type EncodeOptions, type EncoderPart, runEncoder } from './encoder-run.ts';
import type { Hidden } from './hidden.ts';
import type { ModelLayout } from '../model/layout.ts';
import {
  type PromptChunk,
  type PromptPart,
  type PromptPlan,
  applyComfyEmphasis,
  applyEmphasis,
  planPrompt,
} from './prompt.ts';
import { sealChunk } from './prompt/chunks.ts';

/** Parts are denoised apart and summed by weight; inside a part the text changes with the steps. */
export type Conditioning = {
  parts: readonly {
    weight: number;
    schedule: readonly { untilStep: number; text: TextEmbedding }[];
  }[];
  /** textual inversions that the text calls, in its order */
  embeddings?: readonly UsedEmbedding[];
  /** those that it calls and that are not there */
  missing?: readonly string[];
};

export type UsedEmbedding = { name: string; hash: string };

export type TextEncoder = {
  encode(text: string, options: EncodeOptions): Promise<Conditioning>;
  /** The same shapes as `like`, all zeros: SDXL's empty negative prompt. */
  zeros(like: Conditioning): Conditioning;
};

/** of each encoder */
const CACHE_ENTRIES = 64;
/** whole prompts, ready for the denoiser: rerolls and the cells of a sheet ask for the same one again */
const CACHE_PROMPTS = 8;

/** Texts -> contexts, by one text encoder or two; runs and prompts are kept while they repeat. */
export function createTextEncoder(
  layout: ModelLayout,
  parts: readonly EncoderPart[],
  embeddings: Embeddings,
): TextEncoder {
  const encoders = parts.map((part) => keepRuns(layout, part));
  const prompts = createCache<{ finders: readonly unknown[]; conditioning: Conditioning }>(
    CACHE_PROMPTS,
  );
  return {
    async encode(text, options) {
      const finders: (FindEmbedding | null)[] = [];
      for (const { tokenizer } of parts) finders.push(await embeddings.finder(tokenizer));
      const key = JSON.stringify([text, options]);
      const known = prompts.get(key);
      // A finder is a new one when a file of an embedding changed.
      if (known?.finders.every((finder, i) => finder === finders[i])) return known.conditioning;
      const missing = new Set<string>();
      const plans = parts.map(({ tokenizer }, i) =>
        planPrompt((i === 1 ? options.second : null) ?? text, tokenizer, {
          ...options,
          findEmbedding: finders[i] ?? null,
          onMissing: (name) => void missing.add(name),
        }),
      );
      if (options.second !== undefined) alignPlans(plans, parts);
      const [first] = plans as [PromptPlan];
      const encoded: Conditioning['parts'][number][] = [];
      for (const [p, { weight }] of first.parts.entries()) {
        const same = plans.map((plan) => plan.parts[p] as PromptPart);
        encoded.push({ weight, schedule: await encodeSchedule(layout, encoders, same, options) });
      }
      const conditioning = {
        parts: encoded,
        embeddings: embeddingsOf(first),
        missing: [...missing],
      };
      prompts.set(key, { finders, conditioning });
      return conditioning;
    },
    zeros: zerosLike,
  };
}

function zerosLike({ parts }: Conditioning): Conditioning {
  const text = parts[0]?.schedule[0]?.text;
  if (text === undefined) throw new Error('nothing to take the shape from');
  const { tokens, dim, pooled } = text;
  const zero: TextEmbedding = {
    context: new Float32Array(tokens * dim),
    tokens,
    dim,
    pooled: pooled && new Float32Array(pooled.length),
  };
  const untilStep = Number.POSITIVE_INFINITY;
  return { parts: [{ weight: 1, schedule: [{ untilStep, text: zero }] }] };
}

/** One encoder, and what it answered lately. */
type Encoder = {
  part: EncoderPart;
  /** a run, or the kept result of an earlier one */
  hidden(chunk: PromptChunk, options: EncodeOptions): Promise<Hidden>;
};

function keepRuns(layout: ModelLayout, part: EncoderPart): Encoder {
  const cache = createCache<Hidden>(CACHE_ENTRIES);
  return {
    part,
    async hidden(chunk, options) {
      const inserts = (chunk.inserts ?? []).map(
        ({ at, embedding, from = 0 }) => `${at}:${embedding.hash}:${from}`,
      );
      const key = [options.clipSkip, options.profile, chunk.ids, inserts].join('|');
      const known = cache.get(key);
      if (known !== undefined) return known;
      const hidden = await runEncoder(layout, part, chunk, options);
      cache.set(key, hidden);
      return hidden;
    },
  };
}

/** The chunks that stand at one place in every moment of a schedule: emphasis restores their common mean. */
async function weighColumn(
  encoder: Encoder,
  column: readonly PromptChunk[],
  options: EncodeOptions,
): Promise<Hidden[]> {
  const hidden: Hidden[] = [];
  for (const chunk of column) hidden.push(await encoder.hidden(chunk, options));
  if (column.every(({ multipliers }) => multipliers.every((weight) => weight === 1))) {
    return hidden;
  }
  const [{ tokens, dim }] = hidden as [Hidden];
  const span = tokens * dim;
  const z = new Float32Array(hidden.length * span);
  for (const [i, { states }] of hidden.entries()) z.set(states, i * span);
  const shape = [hidden.length, tokens, dim] as const;
  const multipliers = column.map((chunk) => chunk.multipliers);
  let weighed: Float32Array;
  if (options.profile === 'comfy') {
    const empty = await encoder.hidden(sealChunk([], [], encoder.part.tokenizer), options);
    weighed = applyComfyEmphasis(z, empty.states, shape, multipliers);
  } else {
    weighed = applyEmphasis(z, shape, multipliers, options.emphasis);
  }
  return hidden.map((own, i) => ({ ...own, states: weighed.slice(i * span, (i + 1) * span) }));
}

/** `plans`: of one part of the composition, for each encoder. */
async function encodeSchedule(
  layout: ModelLayout,
  encoders: readonly Encoder[],
  plans: readonly PromptPart[],
  options: EncodeOptions,
): Promise<Conditioning['parts'][number]['schedule']> {
  const [{ schedule }] = plans as [PromptPart];
  const rows: Hidden[][] = schedule.map(() => []);
  const chunks = Math.max(...plans.map((plan) => plan.schedule[0]?.chunks.length ?? 0));
  for (let at = 0; at < chunks; at++) {
    const perEncoder: Hidden[][] = [];
    for (const [index, plan] of plans.entries()) {
      const column = plan.schedule.map((moment) => moment.chunks[at] as PromptChunk);
      perEncoder.push(await weighColumn(encoders[index] as Encoder, column, options));
    }
    for (const [moment, row] of rows.entries()) {
      const own = perEncoder.map((column) => column[moment] as Hidden);
      row.push(joinEncoders(layout, own));
    }
  }
  return schedule.map(({ untilStep }, moment) => ({
    untilStep,
    text: joinChunks(layout, rows[moment] as Hidden[]),
  }));
}

/** The youngest `most` entries; asking for one makes it young again, since a Map keeps the order of insertion. */
function createCache<T>(most: number): Pick<Map<string, T>, 'get' | 'set'> {
  const entries = new Map<string, T>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.set(key, value);
      if (entries.size > most) entries.delete(entries.keys().next().value as string);
      return entries;
    },
  };
}

function embeddingsOf({ parts }: PromptPlan): UsedEmbedding[] {
  const used = new Map<string, UsedEmbedding>();
  for (const { schedule } of parts) {
    for (const { embedding } of schedule.flatMap(({ chunks }) =>
      chunks.flatMap(({ inserts }) => inserts ?? []),
    )) {
      used.set(embedding.name, { name: embedding.name, hash: embedding.hash });
    }
  }
  return [...used.values()];
}

/**
 * The embedding that holds after `step` finished steps: A1111 compares this count, from 0, with the schedule's
 * numbers, from 1 (prompt_parser.py reconstruct_cond_batch), so that a text holds one step longer than written.
 * @throws Error for an empty schedule
 */
export function textAt(part: Conditioning['parts'][number], step: number): TextEmbedding {
  const entry = part.schedule.find(({ untilStep }) => step <= untilStep) ?? part.schedule.at(-1);
  if (entry === undefined) throw new Error('an empty prompt schedule');
  return entry.text;
}
