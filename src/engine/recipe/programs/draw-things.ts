import { isRecord } from '../../is-record.ts';
import {
  type Fields,
  fileName,
  numberOf,
  readJson,
  type Recipe,
  seedText,
  words,
} from '../found.ts';
import { say } from '../../sentences.ts';
import { samplerOf } from '../sampler-of.ts';

/** Draw Things' files end in what their weights were made into: `sd_v1.5_f16.ckpt`. */
const WEIGHTS = /_(?:f16|q[468]p|svd|lora)(?=_|$)/g;

/** What Draw Things writes into a picture's XMP as the user's comment. */
export function fromDrawThings(said: Fields): Recipe {
  const { notes, ...sampled } = samplerOf(said['sampler']);
  const [, width, height] = /^(\d{1,5})\s*x\s*(\d{1,5})$/.exec(words(said['size'])) ?? [];
  const more: Fields = isRecord(said['v2']) ? said['v2'] : {};
  const strength = numberOf(said['strength']) ?? 1;
  const started = strength < 1;
  if (started) notes.push(say('recipe-start'));
  const listed = Array.isArray(said['lora']) ? said['lora'] : more['loras'];
  const skip = numberOf(said['clip_skip'] ?? more['clipSkip']);
  return {
    source: 'Draw Things',
    input: {
      rng: 'cpu',
      prompt: words(said['c']),
      negativePrompt: words(said['uc']),
      seed: seedText(said['seed']),
      steps: numberOf(said['steps']),
      guidanceScale: numberOf(said['scale']),
      width: numberOf(width ?? more['width']),
      height: numberOf(height ?? more['height']),
      ...sampled,
      model: plainName(said['model'] ?? more['model']),
      ...(skip !== undefined && { clipSkip: Math.max(1, skip) }),
    },
    ...(started && { denoise: strength }),
    loras: (Array.isArray(listed) ? listed.filter(isRecord) : []).flatMap((lora) => {
      const name = plainName(lora['model'] ?? lora['file']);
      return name === undefined ? [] : { name, weight: numberOf(lora['weight']) ?? 1 };
    }),
    notes,
  };
}

function plainName(file: unknown): string | undefined {
  return fileName(file)?.replaceAll(WEIGHTS, '');
}

/** The user's comment in an XMP packet, where it is an object; null in every other packet. */
export function commentInXmp(packet: string): Fields | null {
  const start = packet.indexOf('<exif:UserComment>');
  const end = packet.indexOf('</exif:UserComment>', start);
  if (start < 0 || end < 0) return null;
  const text = packet.slice(start, end).replaceAll(/<[^<>]*>/g, '');
  return readJson(unescaped(text));
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,4}));/gi, (all, ...found) => {
    const [decimal, hex, name] = found as (string | undefined)[];
    if (name !== undefined) return ENTITIES[name] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/**
 * Its text is A1111's but for the negative prompt, a line that begins with `-`, and for labels of its own. Null for texts
 * of other programs.
 */
export function asA1111(lines: readonly string[]): string[] | null {
  const fields = lines.at(-1) ?? '';
  if (!/\bSeed Mode: /.test(fields) || !/\bGuidance Scale: /.test(fields)) return null;
  const negative = lines.findLastIndex((line) => line.startsWith('-'));
  return [
    ...lines
      .slice(0, -1)
      .map((line, at) => (at === negative ? `Negative prompt: ${line.slice(1).trim()}` : line)),
    fields,
  ];
}
