/** The vocabulary that a GGUF brings along, as the tokenizer.json that it was made from (llama.cpp, gguf-py's vocab.py). */
import { openGguf } from '../../checkpoint/file/gguf.ts';
import { languageTokenizer, type LanguageTokenizer } from './language-tokenizer.ts';

const KEY = 'tokenizer.ggml.';
const LISTS = new Set(
  ['tokens', 'merges', 'scores', 'token_type', 'precompiled_charsmap'].map((name) => KEY + name),
);

/** Kinds of tokens that are known as a whole, whatever stands around them: control and user-defined. */
const WHOLE = new Set([3, 4]);

/** Null: the file brings none, or one of another kind than byte pairs and T5's unigrams. */
export async function ggufTokenizer(path: string): Promise<LanguageTokenizer | null> {
  const { keys, lists } = await openGguf(path, LISTS);
  const list = (name: string): readonly (string | number)[] => lists.get(KEY + name) ?? [];
  const tokens = list('tokens').map(String);
  if (tokens.length === 0) return null;
  const model = keys.get(`${KEY}model`);
  const merges = list('merges').map(String);
  const types = list('token_type').map(Number);
  const marks = model === 'gpt2' ? marksIn(tokens, merges) : new Set();
  const added = tokens.flatMap((content, id) => {
    const type = types[id] ?? 1;
    return WHOLE.has(type) || marks.has(content)
      ? [{ id, content, special: type !== 4, ...AS_IT_IS }]
      : [];
  });
  const pad = Number(keys.get(`${KEY}padding_token_id`) ?? 0);
  const config = { pad_token: tokens[pad] ?? '' };
  if (model === 'gpt2') {
    return languageTokenizer({ ...bytePairs(tokens, merges), added_tokens: added }, config);
  }
  if (model !== 't5') return null;
  const end = Number(keys.get(`${KEY}eos_token_id`) ?? 1);
  const unknown = Number(keys.get(`${KEY}unknown_token_id`) ?? 2);
  const scores = list('scores').map(Number);
  const map = Buffer.from(list('precompiled_charsmap').map(Number));
  const definition = unigrams(tokens, { scores, end, unknown, map });
  return languageTokenizer({ ...definition, added_tokens: added }, config);
}

/** Tokens such as `<|im_start|>` and `</think>` that no merge makes: some converters leave out what kind each is. */
function marksIn(tokens: readonly string[], merges: readonly string[]): ReadonlySet<string> {
  const made = new Set(merges.map((merge) => merge.replace(' ', '')));
  const isMark = (token: string): boolean => /^<(?:\|[\w-]+\||\/?[a-z_]+)>$/.test(token);
  return new Set(tokens.filter((token) => isMark(token) && !made.has(token)));
}

const AS_IT_IS = { single_word: false, lstrip: false, rstrip: false, normalized: false };

/** Qwen2's and Qwen3's own. */
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

function bytePairs(tokens: readonly string[], merges: readonly string[]): Record<string, unknown> {
  const bytes = {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: false,
    use_regex: false,
  };
  const split = { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Isolated', invert: false };
  return {
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, bytes] },
    post_processor: bytes,
    decoder: bytes,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((merge) => merge.split(' ')),
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
    },
  };
}

type Unigrams = { scores: readonly number[]; end: number; unknown: number; map: Buffer };

function unigrams(
  tokens: readonly string[],
  { scores, end, unknown, map }: Unigrams,
): Record<string, unknown> {
  const spaces = {
    type: 'Metaspace',
    replacement: '\u2581',
    prepend_scheme: 'always',
    split: true,
  };
  const last = tokens[end] ?? '</s>';
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const single = [text, { SpecialToken: { id: last, type_id: 0 } }];
  return {
    normalizer:
      map.length === 0
        ? { type: 'NFKC' }
        : { type: 'Precompiled', precompiled_charsmap: map.toString('base64') },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, spaces] },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: single,
      special_tokens: { [last]: { id: last, ids: [end], tokens: [last] } },
    },
    decoder: spaces,
    model: {
      type: 'Unigram',
      unk_id: unknown,
      vocab: tokens.map((token, id) => [token, scores[id] ?? 0]),
      byte_fallback: false,
    },
  };
}
