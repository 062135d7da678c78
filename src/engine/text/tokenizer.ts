import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { UserError } from '../errors.ts';
import { say } from '../sentences.ts';
import { readTextFile } from './text-file.ts';
import {
  CLIP_END,
  CLIP_START,
  clipDefinition,
  type TokenizerJson,
  type Vocabulary,
  withRustSpaces,
} from './tokenizer-json.ts';

/** CLIP's byte-pair encoding: text in, token ids out. */
export type Tokenizer = {
  /** ids without start and end token, of any length */
  encode(text: string): number[];
  /**
   * The same as transformers does it, where the padding token is special in a text too: SD 2 and the second encoder
   * of SDXL pad with "!", and a "!" in a prompt is that token wherever it stands. Special tokens that are not the
   * padding token are known in capitals too.
   */
  encodePadSpecial(text: string): number[];
  /** start, end and padding token; SD1 pads with the end token, SD2 and OpenCLIP with 0 */
  bos: number;
  eos: number;
  pad: number;
  /** tokens the text encoder takes, start and end included: 77 for CLIP */
  maxLength: number;
  /** id of a comma that ends a word, where long prompts are best cut */
  comma: number | null;
};

const CLIP_LENGTH = 77;

/**
 * Loads the tokenizer of a folder: tokenizer.json where there is one, else vocab.json and merges.txt as CLIPTokenizer
 * reads them; `padding` is the token where the folder does not name one.
 * @throws UserError naming the file that is missing or broken
 */
export async function loadTokenizer(folder: string, padding = CLIP_END): Promise<Tokenizer> {
  const [config, specials] = await Promise.all([
    readJson<Record<string, unknown>>(folder, 'tokenizer_config.json'),
    readJson<Record<string, unknown>>(folder, 'special_tokens_map.json'),
  ]);
  const { backend, vocabulary, lowers } = await openBackend(folder, config ?? {});
  const tokenOf = (role: string, fallback: string): string =>
    contentOf(config?.[role]) ?? contentOf(specials?.[role]) ?? fallback;
  const idOf = (role: string, fallback: string): number => {
    const token = tokenOf(role, fallback);
    const id = vocabulary[token];
    if (id === undefined) {
      throw new UserError(say('special-token-absent', folder, role, token));
    }
    return id;
  };
  const maxLength = config?.['model_max_length'];
  // JavaScript writes a capital sigma at the end of a word as ς, the reference as σ like anywhere else.
  const encode = (text: string): number[] =>
    backend.encode(lowers ? text.replaceAll('Σ', 'σ') : text, { add_special_tokens: false }).ids;
  const padToken = tokenOf('pad_token', padding);
  const pad = idOf('pad_token', padding);
  return {
    encode,
    encodePadSpecial: (text) =>
      text
        .replaceAll(/<\|(?:start|end)oftext\|>/gi, (found) => {
          const token = found.toLowerCase();
          return token === padToken ? found : token;
        })
        .split(padToken)
        .flatMap((part, i) => [...(i === 0 ? [] : [pad]), ...encode(part)]),
    bos: idOf('bos_token', CLIP_START),
    eos: idOf('eos_token', CLIP_END),
    pad,
    // Configs without a limit carry 1e30.
    maxLength: typeof maxLength === 'number' && maxLength <= 4096 ? maxLength : CLIP_LENGTH,
    comma: vocabulary[',</w>'] ?? null,
  };
}

type Backend = { backend: HuggingFaceTokenizer; vocabulary: Vocabulary; lowers: boolean };

/**
 * By what their files say, for as long as somebody has them: nearly every model of Stable Diffusion comes with the same
 * vocabulary, SDXL twice, which takes a tenth of a second and some 20 MB each time.
 */
const opened = new Map<string, WeakRef<Backend>>();

/** All that encoding by byte pairs asks a config for: the two vocabularies of SDXL differ in their padding alone. */
function ofPairs({
  remove_space,
  do_lowercase_and_remove_accent,
}: Record<string, unknown>): Record<string, unknown> {
  return { remove_space, do_lowercase_and_remove_accent };
}

async function openBackend(folder: string, config: Record<string, unknown>): Promise<Backend> {
  const whole = await readText(folder, 'tokenizer.json');
  const vocab = whole === null ? await readText(folder, 'vocab.json') : null;
  const merges = whole === null ? await readText(folder, 'merges.txt').catch(() => null) : null;
  if (whole === null && (vocab === null || merges === null)) {
    throw new UserError(say('no-tokenizer', folder));
  }
  const heard = whole === null ? ofPairs(config) : config;
  const hash = createHash('sha256').update(JSON.stringify(heard));
  for (const text of [whole, vocab, merges]) hash.update(`\0${text?.length}\0`).update(text ?? '');
  const key = hash.digest('base64');
  const known = opened.get(key)?.deref();
  if (known !== undefined) return known;
  const definition =
    whole !== null
      ? parseJson<TokenizerJson>(whole, folder, 'tokenizer.json')
      : clipDefinition(
          parseJson<Vocabulary>(vocab ?? '', folder, 'vocab.json') ?? {},
          merges ?? '',
        );
  const own = {
    backend: new HuggingFaceTokenizer(withRustSpaces(definition), heard),
    vocabulary: definition.model.vocab,
    lowers: JSON.stringify(definition['normalizer'] ?? null).includes('"Lowercase"'),
  };
  for (const [each, reference] of opened) if (reference.deref() === undefined) opened.delete(each);
  opened.set(key, new WeakRef(own));
  return own;
}

async function readJson<T>(folder: string, name: string): Promise<T | null> {
  const text = await readText(folder, name);
  return text === null ? null : parseJson<T>(text, folder, name);
}

/** Null: there is none. */
async function readText(folder: string, name: string): Promise<string | null> {
  try {
    return await readTextFile(join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseJson<T>(text: string, folder: string, name: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new UserError(say('not-json', join(folder, name)));
  }
}

/** A special token is written as a string or as an object with its content. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  if (typeof token === 'object' && token !== null && 'content' in token) {
    return typeof token.content === 'string' ? token.content : undefined;
  }
  return undefined;
}
