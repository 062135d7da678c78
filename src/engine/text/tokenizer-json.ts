/** What a tokenizer.json says, brought into a form that means the same to a tokenizer in JavaScript. */

export type Vocabulary = Record<string, number>;

export type TokenizerJson = {
  model: { vocab: Vocabulary; [key: string]: unknown };
  [key: string]: unknown;
};

export const CLIP_START = '<|startoftext|>';

export const CLIP_END = '<|endoftext|>';

/** The tokenizer.json that transformers builds from CLIP's vocab.json and merges.txt. */
export function clipDefinition(vocab: Vocabulary, merges: string): TokenizerJson {
  const special = (content: string): object => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(CLIP_START), special(CLIP_END)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: {
            Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
          },
          behavior: 'Removed',
          invert: true,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: CLIP_END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: merges
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#version'))
        .map((line) => line.trimEnd()),
    },
  };
}

/** What \s is in Rust, where these patterns come from: with U+0085, without U+FEFF. */
const SPACES = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;

/** The definition with \s spelled out in every pattern: JavaScript's own means other characters. */
export function withRustSpaces(definition: TokenizerJson): TokenizerJson {
  const rewritten = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.flatMap(splitBytes).map(rewritten);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        key === 'Regex' && typeof each === 'string' ? spellSpaces(each) : rewritten(each),
      ]),
    );
  };
  const { normalizer = null, pre_tokenizer = null } = definition;
  return {
    ...definition,
    normalizer: rewritten(normalizer),
    pre_tokenizer: rewritten(pre_tokenizer),
  };
}

/** GPT-2's pattern, which a byte level that uses a regex splits by. */
const GPT_2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** The pattern inside a byte level as a step of its own, where its \s can be spelled out too. */
function splitBytes(step: unknown): unknown[] {
  if (typeof step !== 'object' || step === null || !('type' in step)) return [step];
  if (step.type !== 'ByteLevel' || ('use_regex' in step && step.use_regex === false)) return [step];
  const split = { type: 'Split', pattern: { Regex: GPT_2 }, behavior: 'Isolated', invert: false };
  return [split, { ...step, use_regex: false }];
}

function spellSpaces(pattern: string): string {
  let inClass = false;
  return pattern.replaceAll(/\\.|[[\]]/gsu, (token) => {
    if (token === '[') inClass = true;
    else if (token === ']') inClass = false;
    else if (token === '\\s') return inClass ? SPACES : `[${SPACES}]`;
    else if (token === '\\S' && !inClass) return `[^${SPACES}]`;
    return token;
  });
}
