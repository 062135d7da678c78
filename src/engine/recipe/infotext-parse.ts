import { UserError } from '../errors.ts';
import { fieldsIn } from './field-line.ts';
import { parseAttention } from '../text/prompt/attention.ts';
import { strip } from '../text/prompt/characters.ts';

/** What A1111's parse_generation_parameters returns: "Prompt", "Negative prompt" and every label. */
export type ParsedInfotext = { [label: string]: string | number | boolean };

/** Longer lines are not A1111's; reading them label by label would take long. */
const MAX_FIELD_LINE = 16_384;
const ABSENT: Readonly<ParsedInfotext> = {
  'Hires sampler': 'Use same sampler',
  'Hires schedule type': 'Use same scheduler',
  'Hires checkpoint': 'Use same checkpoint',
  'Hires prompt': '',
  'Hires negative prompt': '',
  'Mask mode': 'Inpaint masked',
  'Masked content': 'original',
  'Inpaint area': 'Whole picture',
  'Masked area padding': 32,
  RNG: 'GPU',
  'Schedule type': 'Automatic',
  'Schedule max sigma': 0,
  'Schedule min sigma': 0,
  'Schedule rho': 0,
  'VAE Encoder': 'Full',
  'VAE Decoder': 'Full',
  'FP8 weight': 'Disable',
  'Refiner switch by sampling steps': false,
};

/**
 * Reads a `parameters` text as A1111 does, with everything it fills in for labels that are absent and for the
 * version that wrote it. Any text is taken: what is not a field line is prompt. Behaviour of
 * modules/infotext_utils.py and infotext_versions.py, v1.10.1.
 */
export function parseInfotext(text: string): ParsedInfotext {
  const lines = strip(text).split('\n');
  const last = lines.at(-1) ?? '';
  const pairs = last.length > MAX_FIELD_LINE ? [] : fieldsIn(last);
  const isFieldLine = pairs.length >= 3;
  const { prompt, negative } = splitPrompts(isFieldLine ? lines.slice(0, -1) : lines);
  const parsed: ParsedInfotext = {};
  if (isFieldLine) for (const { label, value } of pairs) addField(parsed, label, value);
  // Last: a field of that name is not the prompt.
  parsed['Prompt'] = prompt;
  parsed['Negative prompt'] = negative;
  parsed['Clip skip'] ??= '1';
  if (parsed['Hypernet'] !== undefined) {
    const strength = parsed['Hypernet strength'] ?? '1.0';
    parsed['Prompt'] = `${prompt}<hypernet:${parsed['Hypernet']}:${strength}>`;
  }
  if (parsed['Hires resize-1'] === undefined) {
    parsed['Hires resize-1'] = 0;
    parsed['Hires resize-2'] = 0;
  }
  restoreFirstPass(parsed);
  for (const [label, value] of Object.entries(ABSENT)) parsed[label] ??= value;
  if (usesEmphasis(prompt) || usesEmphasis(negative)) parsed['Emphasis'] ??= 'Original';
  addVersionHabits(parsed);
  return parsed;
}

function splitPrompts(lines: readonly string[]): { prompt: string; negative: string } {
  let prompt = '';
  let negative = '';
  let inNegative = false;
  for (const untrimmed of lines) {
    let line = strip(untrimmed);
    if (line.startsWith('Negative prompt:')) {
      inNegative = true;
      line = strip(line.slice('Negative prompt:'.length));
    }
    if (inNegative) negative += (negative === '' ? '' : '\n') + line;
    else prompt += (prompt === '' ? '' : '\n') + line;
  }
  return { prompt, negative };
}

function addField(parsed: ParsedInfotext, label: string, raw: string): void {
  if (raw === '') return;
  const value = unquote(raw);
  const size = /^(\d+)x(\d+)$/.exec(value);
  if (size) {
    parsed[`${label}-1`] = size[1] ?? '';
    parsed[`${label}-2`] = size[2] ?? '';
  } else parsed[label] = value;
}

function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Before hires fix had a scale, Size was the final size and "First pass size" what was drawn first. */
function restoreFirstPass(parsed: ParsedInfotext): void {
  if (parsed['First pass size-1'] === undefined || parsed['First pass size-2'] === undefined)
    return;
  const width = Number(parsed['Size-1'] ?? 512);
  const height = Number(parsed['Size-2'] ?? 512);
  let first = {
    width: Number(parsed['First pass size-1']),
    height: Number(parsed['First pass size-2']),
  };
  if (first.width === 0 || first.height === 0) {
    const scale = Math.sqrt((512 * 512) / (width * height));
    first = {
      width: Math.ceil((scale * width) / 64) * 64,
      height: Math.ceil((scale * height) / 64) * 64,
    };
  }
  parsed['Size-1'] = first.width;
  parsed['Size-2'] = first.height;
  parsed['Hires resize-1'] = width;
  parsed['Hires resize-2'] = height;
}

function usesEmphasis(prompt: string): boolean {
  try {
    return parseAttention(prompt).some(({ text, weight }) => weight !== 1 && text !== 'BREAK');
  } catch (error) {
    // A weight such as (a:1.2.3): emphasis was meant.
    if (error instanceof UserError) return true;
    throw error;
  }
}

/** How older versions of A1111 worked, so that their pictures can be repeated. */
function addVersionHabits(parsed: ParsedInfotext): void {
  const version = readVersion(String(parsed['Version'] ?? ''));
  if (!version) return;
  if (isOlder(version, [1, 6, 0, 0])) {
    if (String(parsed['Prompt']).includes('[')) parsed['Old prompt editing timelines'] = true;
    if (['DDIM', 'PLMS'].includes(String(parsed['Sampler']))) parsed['Pad conds v0'] = true;
  }
  if (isOlder(version, [1, 7, 0, 225])) parsed['Downcast alphas_cumprod'] = true;
  if (isOlder(version, [1, 8, 0, 0]) && parsed['Refiner']) {
    parsed['Refiner switch by sampling steps'] = true;
  }
}

/** "v1.7.0-225-gabcdef" -> [1, 7, 0, 225]: the last number counts commits after the release; null for others. */
function readVersion(text: string): number[] | null {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?:-(\d+))?(-?rc\d*)?(?:-.*)?$/i.exec(text);
  if (!match) return null;
  const [, major, minor, patch = 0, commits = 0, candidate] = match;
  return [Number(major), Number(minor), Number(patch), candidate ? -1 : Number(commits)];
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [at, part] of than.entries()) {
    if (version[at] !== part) return (version[at] ?? 0) < part;
  }
  return false;
}
