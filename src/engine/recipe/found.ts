/** What a program wrote about a picture, before anything is known of the installation that reads it. */
import { isRecord } from '../is-record.ts';
import type { RequestInput } from '../request.ts';
import type { Said } from '../said.ts';

/** A LoRA named outside the prompt; strengths as in `<lora:name:text:denoiser>`. */
export type RecipeLora = {
  /** the file's name without folder and kind, or what the program calls it */
  name: string;
  /** strength on the denoiser */
  weight: number;
  /** strength on the text encoders; absent: the same */
  textWeight?: number;
  /** hex digits of the file's hash, where the program wrote them */
  hash?: string;
};

export type Recipe = {
  /** the program whose words they are */
  source: string;
  /** words and numbers as they stand there, for parseRequest; what was not said or not understood is absent */
  input: RequestInput;
  /** share of the noise put on a start picture, 0-1; the picture itself is not part of a recipe */
  denoise?: number;
  /** as it stood there, where it is a text of A1111's kind */
  infotext?: string;
  /** where an encoder of two has texts of its own; `input` has them as one */
  texts?: {
    prompt?: string;
    prompt2?: string;
    prompt3?: string;
    negativePrompt?: string;
    negativePrompt2?: string;
    negativePrompt3?: string;
  };
  /** those that the prompt does not name itself */
  loras: readonly RecipeLora[];
  /** hashes of LoRAs by the name that a tag calls them */
  loraHashes?: Readonly<Record<string, string>>;
  /** what was left out or replaced, a sentence each */
  notes: readonly Said[];
};

/** An object's own fields; null for everything else. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * The object that a text says in JSON, as Python writes it: with NaN and Infinity, and with integers that a JavaScript
 * number cannot hold, which become text. Null for any other text.
 */
export function readJson(text: string): Fields | null {
  if (!/^\s*\{/.test(text)) return null;
  try {
    const value: unknown = JSON.parse(text, exactInteger);
    return isRecord(value) ? value : null;
  } catch {
    return readPythonJson(text);
  }
}

function readPythonJson(text: string): Fields | null {
  // Strings are passed over whole, so that the bare words inside them stay.
  const plain = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs, (part) =>
    part.startsWith('"') ? part : 'null',
  );
  try {
    const value: unknown = JSON.parse(plain, exactInteger);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** JSON.parse hands the source of numbers to its reviver: seeds reach 2^64. */
function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? source : value;
}

/** Text as it stands, of anything else nothing. */
export function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A plain number, also one written as text; undefined for everything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || !/^\s*[+-]?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) {
    return undefined;
  }
  return Number(value);
}

const SEEDS = 1n << 64n;

/**
 * A seed as decimal text, of -2^63 up to 2^64: a negative one counts down from 2^64, as torch takes it, and `123.0` is
 * 123, as A1111 reads it. Undefined for what is none and for -1, which asks for any.
 */
export function seedText(value: unknown): string | undefined {
  const digits =
    typeof value === 'number' || typeof value === 'bigint' ? String(value) : words(value);
  const [, sign = '', whole = ''] = /^\s*(-?)(\d{1,20})(?:\.0*)?\s*$/.exec(digits) ?? [];
  if (whole === '' || digits.trim() === '-1') return undefined;
  const seed = BigInt(whole);
  if (sign === '') return seed < SEEDS ? seed.toString() : undefined;
  return seed <= SEEDS >> 1n ? BigInt.asUintN(64, -seed).toString() : undefined;
}

/** `sd/dreamlike-1.0.safetensors` -> `dreamlike-1.0`. */
export function fileName(file: unknown): string | undefined {
  if (typeof file !== 'string') return undefined;
  const name = file
    .replace(/^.*[/\\]/s, '')
    .replace(/\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i, '')
    .trim();
  return name === '' || name === 'None' ? undefined : name;
}
