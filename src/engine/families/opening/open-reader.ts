/** A transformer's text encoders, opened, as one that reads prompts. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { GraphStyle } from '../../graphs/builder.ts';
import type { ModelLayout } from '../../model/layout.ts';
import { type OpenedEdit, tensorsWith, writtenWith } from '../../model/graphs/variant.ts';
import { builtSource, type GraphSource } from '../../network/graph-source.ts';
import type { ProviderName } from '../../names.ts';
import { RUNTIME_VERSION, type Session } from '../../network/session.ts';
import type { TextEmbedding } from '../../text/text-embedding.ts';
import {
  embeddingKey,
  storedEmbedding,
  storeEmbedding,
} from '../../text/language/embedding-store.ts';
import type {
  ClipPart,
  EncoderKind,
  LanguagePart,
  ReadingParts,
  ReadingWords,
  Shown,
} from '../../text/language/reader.ts';
import type { EncodeOptions } from '../../text/encoder-run.ts';
import type { TextEncoder } from '../../text/text-encoder.ts';
import { encoderGraph } from './encoder-graphs.ts';
import { visionTowerOf } from './vision-tower.ts';
import { tokenizerFor, type Tokenizing } from './tokenizers.ts';
import type { TransformerWords } from './words.ts';
import type { OpenedEncoder } from './networks/choose-encoders.ts';

/** whole prompts that are kept: rerolls and the cells of a sheet ask for the same one again */
const KEPT = 8;

/** @throws RunError for an encoder that is damaged or comes without a tokenizer */
export async function openReader(
  layout: ModelLayout,
  transformer: TransformerWords,
  { open, provider }: { open(source: GraphSource): Promise<Session>; provider: ProviderName },
  style: GraphStyle,
  edits: readonly OpenedEdit[] = [],
): Promise<TextEncoder> {
  const { family } = transformer;
  const prepared = await preparedFrom(layout, transformer, edits, style);
  // Prompts that were read before need no encoder: it is opened for the first one that was not.
  let parts: Promise<ReadingParts> | null = null;
  const openParts = (): Promise<ReadingParts> => {
    parts ??= partsOf(prepared, open).catch((error: unknown) => {
      parts = null;
      throw error;
    });
    return parts;
  };
  const kept = new Map<string, TextEmbedding>();
  // what edits change is theirs alone
  const readers =
    edits.length > 0 ? null : [family.name, provider, style, ...(await stampsOf(prepared))];

  async function read(text: string, told: ReadingWords): Promise<TextEmbedding> {
    const { model: _, shown, ...others } = told;
    const key = embeddingKey([RUNTIME_VERSION, readers, text, others, ...hashesOf(shown)]);
    const known = readers === null ? null : await storedEmbedding(key);
    if (known !== null) return known;
    const embedding = await family.reader.read(text, await openParts(), told);
    if (readers !== null) await storeEmbedding(key, embedding);
    return embedding;
  }

  return {
    async encode(text, options) {
      const told = toldOf(layout, transformer, options);
      const key = JSON.stringify([text, { ...told, shown: hashesOf(told.shown) }]);
      const known = kept.get(key) ?? (await read(text, told));
      kept.delete(key);
      kept.set(key, known);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
      return { parts: [{ weight: 1, schedule: [{ untilStep: Infinity, text: known }] }] };
    },
    zeros(like) {
      const text = like.parts[0]?.schedule[0]?.text as TextEmbedding;
      const zero = { ...text, context: new Float32Array(text.context.length) };
      return { parts: [{ weight: 1, schedule: [{ untilStep: Infinity, text: zero }] }] };
    },
  };
}

function toldOf(
  { contextDim, name }: ModelLayout,
  { family, isGuided, references, vision: limits }: TransformerWords,
  { second, third, length, pictures = [], profile, clipSkip }: EncodeOptions,
): ReadingWords {
  const vision = references?.vision;
  const isDiffusers = profile === 'diffusers';
  const usual = isDiffusers ? family.reader.pipelineLength : undefined;
  return {
    contextDim,
    isGuided,
    model: name,
    length: length ?? usual ?? null,
    // diffusers counts on from the layer that these networks are used to
    ...(isDiffusers && clipSkip > 1 && { clipSkip: clipSkip - 1 }),
    ...(second !== undefined && { second }),
    ...(third !== undefined && { third }),
    ...(family.reader.masksText && isDiffusers && { filled: true }),
    ...(vision !== undefined && pictures.length > 0 && { shown: { pictures, vision, limits } }),
  };
}

function hashesOf(shown: Shown | undefined): string[] {
  if (shown === undefined) return [];
  const hashes = shown.pictures.map((bytes) => createHash('sha256').update(bytes).digest('hex'));
  return [...hashes, shown.vision.words(hashes.length), JSON.stringify(shown.limits)];
}

/** Their graphs as `edits` leave them, none opened yet. */
async function preparedFrom(
  layout: ModelLayout,
  { family, encoders, references }: TransformerWords,
  edits: readonly OpenedEdit[],
  style: GraphStyle,
): Promise<Prepared[]> {
  const sees = references?.vision !== undefined;
  const prepared: Prepared[] = [];
  for (const encoder of encoders) {
    const { part } = encoder.wanted;
    const tensors = await tensorsWith(edits, part, encoder.tensors);
    const graph = writtenWith(edits, part, layout.name, (branches) =>
      encoderGraph({ ...encoder, tensors }, layout, {
        taps: family.reader.taps,
        masksText: family.reader.masksText ?? false,
        style,
        branches,
        sees,
      }),
    );
    const source = builtSource(encoder.path, graph);
    const visionTower = sees ? visionTowerOf(encoder, style) : null;
    prepared.push({ encoder, source, visionTower, ...(await tokenizerFor(encoder, layout.name)) });
  }
  return prepared;
}

type Prepared = Tokenizing & {
  encoder: OpenedEncoder;
  source: GraphSource;
  /** null: it has none, or nobody shows it anything */
  visionTower: GraphSource | null;
};

async function partsOf(
  prepared: readonly Prepared[],
  open: (source: GraphSource) => Promise<Session>,
): Promise<ReadingParts> {
  const parts = new Map<EncoderKind, ClipPart | LanguagePart>();
  for (const { encoder, source, tokenizer, visionTower } of prepared) {
    const part = { ...tokenizer, session: await open(source) };
    if (visionTower === null) parts.set(encoder.wanted.kind, part);
    else
      parts.set(encoder.wanted.kind, {
        ...part,
        visionTower: await open(visionTower),
      } as LanguagePart);
  }
  return parts;
}

/** Change with the encoders' files and with their tokenizers. */
async function stampsOf(prepared: readonly Prepared[]): Promise<string[]> {
  const files = prepared.flatMap(({ encoder, from }) => [encoder.path, from]);
  return Promise.all(
    files.map(async (file) => {
      const info = await stat(file).catch(() => null);
      return `${file} ${info?.size}@${info?.mtimeMs}`;
    }),
  );
}
