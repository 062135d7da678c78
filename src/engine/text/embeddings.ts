/**
 * Textual inversion (Gal et al. 2022): learned token vectors in files, called by their name in a prompt. Files lie in
 * `embeddings/` inside the model's folder or beside it.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { EMBEDDINGS_FOLDER, type NamedFile, namedFiles } from '../model/named-files.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { readPngTexts } from '../picture/file/png-text.ts';
import { somethingElse } from '../checkpoint/wrong-place.ts';
import { readSafetensors, type Tensor } from '../checkpoint/safetensors.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The two text encoders that vectors are made for: SD 1 and 2 have the first, the SDXL refiner only the second. */
export type EncoderName = 'clip_l' | 'clip_g';

export type Embedding = {
  name: string;
  /** first 12 hex digits of the file's SHA-256, as A1111 shows it */
  hash: string;
  /** token places it fills */
  count: number;
  /** [count, width] per encoder; vectors without an encoder's name are for the only one of the model */
  vectors: Partial<Record<EncoderName | 'any', Tensor>>;
};

/**
 * The embedding whose name begins at this place of the token ids, and how many ids its name takes; the longest name
 * wins.
 * @throws UserError when its file cannot be used
 */
export type FindEmbedding = (
  ids: readonly number[],
  at: number,
) => { embedding: Embedding; length: number } | null;

export type Embeddings = {
  /** Null when there is none. Looks at the folders anew; reads only files that are new or changed. */
  finder(tokenizer: Tokenizer): Promise<FindEmbedding | null>;
};

/** A file that cannot be used matters only to a prompt that asks for it. */
type Loaded = Embedding | { name: string; problem: Said };

/**
 * `beside`: see ModelLayout; the first folder that holds a name wins. `bundled`: from LoRAs, where no folder has their
 * name.
 */
export function openEmbeddings(
  beside: readonly string[],
  bundled: readonly Embedding[] = [],
): Embeddings {
  const folders = beside.map((each) => join(each, EMBEDDINGS_FOLDER));
  const kept = new Map<string, { stamp: string; loaded: Loaded | null }>();
  const finders = new Map<Tokenizer, { stamp: string; find: FindEmbedding | null }>();

  async function load({ name, file, stamp }: NamedFile): Promise<Loaded | null> {
    const before = kept.get(file);
    if (before?.stamp === stamp) return before.loaded;
    const loaded = await readEmbedding(file, name);
    kept.set(file, { stamp, loaded });
    return loaded;
  }

  return {
    async finder(tokenizer) {
      const files = (await Promise.all(folders.map(filesOf))).flat();
      const stamp = files.map((each) => `${each.file}:${each.stamp}`).join();
      const before = finders.get(tokenizer);
      if (before?.stamp === stamp) return before.find;
      const byIds = new Map<string, { ids: number[]; loaded: Loaded }>();
      for (const file of files) {
        const loaded = await load(file);
        const ids = loaded === null ? [] : tokenizer.encode(loaded.name);
        const key = ids.join();
        if (loaded !== null && key !== '' && !byIds.has(key)) byIds.set(key, { ids, loaded });
      }
      for (const loaded of bundled) {
        const ids = tokenizer.encode(loaded.name);
        if (ids.length > 0 && !byIds.has(ids.join())) byIds.set(ids.join(), { ids, loaded });
      }
      const find = byIds.size === 0 ? null : createFinder([...byIds.values()]);
      finders.set(tokenizer, { stamp, find });
      return find;
    },
  };
}

/** Greedy over token sequences, as A1111's find_embedding_at_position. */
function createFinder(entries: readonly { ids: number[]; loaded: Loaded }[]): FindEmbedding {
  const byFirst = Map.groupBy(
    entries.toSorted((a, b) => b.ids.length - a.ids.length),
    ({ ids }) => ids[0],
  );
  return (ids, at) => {
    const found = byFirst
      .get(ids[at])
      ?.find((entry) => entry.ids.every((id, i) => id === ids[at + i]));
    if (found === undefined) return null;
    if ('problem' in found.loaded) throw new UserError(found.loaded.problem);
    return { embedding: found.loaded, length: found.ids.length };
  };
}

/** What can be read comes first, so that a converted file hides the one it was made from. */
/** A card's text is its owner's file: dozens of vectors, not a recipe. */
const CARD = { keywords: new Set(['sd-ti-embedding']), bytes: 64 * 1024 * 1024 };
const KINDS = ['.safetensors', '.png', '.pt', '.bin'];

async function filesOf(folder: string): Promise<NamedFile[]> {
  const files = await namedFiles(folder, KINDS);
  return files.filter(({ name }) => !name.endsWith('.preview'));
}

/** Null for a picture that carries no embedding. */
async function readEmbedding(file: string, name: string): Promise<Loaded | null> {
  const kind = extname(file).toLowerCase();
  if (kind === '.pt' || kind === '.bin') {
    return {
      name,
      problem: say('embedding-runs-programs', name, kind),
    };
  }
  try {
    const bytes = await readFile(file);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
    if (kind === '.safetensors') {
      return { name, hash, ...arrange(readSafetensors(bytes, basename(file))) };
    }
    const data = readPngTexts(bytes, CARD)[0]?.text;
    if (data === undefined) return null;
    const { called, tensors } = readA1111Data(data);
    return { name: called ?? name, hash, ...arrange(tensors) };
  } catch (error) {
    const [damage] = error instanceof UserError ? error.said : [];
    const problem = damage ?? (await somethingElse(file, 'file-is-embedding'));
    if (problem !== null) return { name, problem };
    const said = error instanceof Error ? error.message : String(error);
    return {
      name,
      problem: say('embedding-unreadable', name, basename(file), said),
    };
  }
}

/** How programs call the vectors of SDXL's two encoders: A1111 and kohya, diffusers' trainers, and by its own parts. */
const ENCODERS: readonly (readonly [RegExp, EncoderName])[] = [
  [/^(?:clip_l|text_encoders?_0|text_encoder|text_encoder_1|te1)$/, 'clip_l'],
  [/^(?:clip_g|text_encoders_1|text_encoder_2|te2)$/, 'clip_g'],
];

/**
 * SDXL's files have a tensor for each encoder, under names of three kinds or to be told apart by their widths alone; all
 * others hold one tensor under any name.
 */
function arrange(tensors: ReadonlyMap<string, Tensor>): Pick<Embedding, 'count' | 'vectors'> {
  // What is added behind the encoder (OneTrainer) has no place here.
  const inner = [...tensors].filter(([name]) => !name.endsWith('_out'));
  const of = (encoder: EncoderName): Tensor | undefined =>
    inner.find(([name]) =>
      ENCODERS.some(([pattern, each]) => each === encoder && pattern.test(name)),
    )?.[1];
  let [clipL, clipG] = [of('clip_l'), of('clip_g')];
  if (clipL === undefined && clipG === undefined && inner.length === 2) {
    const [narrow, wide] = inner
      .map(([, tensor]) => tensor)
      .toSorted((a, b) => widthOf(a) - widthOf(b));
    if (narrow && wide && widthOf(narrow) < widthOf(wide)) [clipL, clipG] = [narrow, wide];
  }
  const isNamed = clipL !== undefined || clipG !== undefined;
  const [only, ...others] = inner.map(([, tensor]) => tensor);
  if (!isNamed && (only === undefined || others.length > 0)) {
    throw new Error(
      `it holds ${tensors.size} tensors where one, or clip_l and clip_g, were expected`,
    );
  }
  const vectors: Embedding['vectors'] = isNamed
    ? { ...(clipL && { clip_l: asRows(clipL) }), ...(clipG && { clip_g: asRows(clipG) }) }
    : { any: asRows(only as Tensor) };
  const counts = new Set(Object.values(vectors).map(({ shape }) => shape[0] ?? 0));
  const [count = 0] = counts;
  if (counts.size !== 1 || count < 1)
    throw new Error('its tensors differ in their number of vectors');
  return { count, vectors };
}

const widthOf = ({ shape }: Tensor): number => shape.at(-1) ?? 0;

/** One that came inside another file. @throws Error when its tensors are none */
export function bundledEmbedding(
  name: string,
  hash: string,
  tensors: ReadonlyMap<string, Tensor>,
): Embedding {
  return { name, hash, ...arrange(tensors) };
}

/** A single vector may come without the dimension that counts vectors. */
function asRows({ shape, data }: Tensor): Tensor {
  if (shape.length === 1) return { shape: [1, ...shape], data };
  if (shape.length === 2) return { shape, data };
  throw new Error(
    `its tensor has the shape [${shape.join(', ')}] where [vectors, width] was expected`,
  );
}

/** A1111's own pictures carry base64 of JSON with nested lists (textual_inversion/image_embedding.py). */
function readA1111Data(base64: string): { called: string | null; tensors: Map<string, Tensor> } {
  const data = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as {
    name?: unknown;
    string_to_param?: Record<string, { TORCHTENSOR?: unknown }>;
  };
  const tensors = new Map<string, Tensor>();
  for (const [key, { TORCHTENSOR: rows }] of Object.entries(data.string_to_param ?? {})) {
    const list = Array.isArray(rows) ? (rows as number[][]) : [];
    const shape = [list.length, list[0]?.length ?? 0];
    tensors.set(key, { shape, data: Float32Array.from(list.flat()) });
  }
  return { called: typeof data.name === 'string' ? data.name : null, tensors };
}
