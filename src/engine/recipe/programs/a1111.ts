import { requestFromInfotext } from '../infotext.ts';
import { MOST_LORA_STRENGTH } from '../../lora/tags.ts';
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { strip } from '../../text/prompt/characters.ts';
import { isRecord } from '../../is-record.ts';
import { fileName, numberOf, type Recipe, type RecipeLora, seedText, words } from '../found.ts';
import { type ParsedInfotext, parseInfotext } from '../infotext-parse.ts';
import { samplerOf } from '../sampler-of.ts';
import { asA1111 } from './draw-things.ts';

/**
 * A `parameters` text of A1111 or of one of the many programs that write such texts: Forge, SD.Next, ComfyUI's savers,
 * stable-diffusion.cpp, Fooocus, Civitai. Null when it holds no field line.
 */
export function fromInfotext(raw: string): Recipe | null {
  const { text, resources } = takeCivitaiLists(unfolded(raw));
  const parsed = parseInfotext(text);
  const value = finder(parsed);
  if (value('Steps') === undefined && value('Seed') === undefined) return null;
  const source = sourceOf(parsed, resources !== null);
  const isComfy = source === 'ComfyUI';
  const { notes, ...sampled } = samplerOf(
    value('Sampler'),
    scheduleOf(text, value),
    isComfy ? 'comfy' : 'usual',
  );
  const input = requestFromInfotext(text);
  delete input.sampler;
  delete input.schedule;
  const listed = resourcesOf(resources);
  const strength = numberOf(value('Denoising strength'));
  notes.push(...leftOut(parsed));
  // Other programs set spaces around the sign.
  const size = /^(\d{1,5})\s*[x×*]\s*(\d{1,5})$/.exec(value('Size') ?? '');
  const started = strength !== undefined && !input.hires;
  if (started) notes.push(say('recipe-start'));
  return {
    source,
    input: {
      ...input,
      ...(isComfy && { profile: 'comfy', rng: 'cpu' }),
      prompt: words(parsed['Prompt']).replace(/<hypernet:[^<>]*>$/, ''),
      steps: value('Steps'),
      guidanceScale: numberOf(value('CFG scale')) ?? value('Guidance scale'),
      seed: seedText(value('Seed')),
      width: numberOf(value('Size-1')) ?? numberOf(size?.[1]),
      height: numberOf(value('Size-2')) ?? numberOf(size?.[2]),
      model: fileName(value('Model')) ?? listed.model,
      clipSkip: clipSkipOf(value('Clip skip')),
      ...sampled,
    },
    ...(strength !== undefined && { denoise: strength }),
    infotext: raw,
    loras: [...listed.loras, ...weightsOf(parsed), ...additionalNetworks(parsed)],
    loraHashes: hashesOf(parsed, raw),
    notes,
  };
}

/** Labels differ in their capitals from program to program. */
function finder(parsed: ParsedInfotext): (label: string) => string | undefined {
  const byLabel = new Map<string, string>();
  for (const [label, value] of Object.entries(parsed)) {
    const key = label.toLowerCase();
    if (!byLabel.has(key)) byLabel.set(key, String(value));
  }
  return (label) => byLabel.get(label.toLowerCase());
}

const FIELD_LINE = /^\s*Steps: ?\d/;

/**
 * The text as A1111 lays it out: no lines behind the field line (sd-dynamic-prompts' templates), and no text whose line
 * breaks became dots or spaces.
 */
function unfolded(raw: string): string {
  const lines = strip(raw.replace(/^\uFEFF/, '').replace(/^Parameters\s{0,8}:\s{0,8}/, '')).split(
    /\r\n|\n|\r/,
  );
  const at = lines.findLastIndex((line) => FIELD_LINE.test(line));
  if (at >= 0) {
    const own = lines.slice(0, templatesEnd(lines, at));
    return (asA1111(own) ?? own).join('\n');
  }
  const single = lines.join('\n');
  // Each quantifier is bounded: any text may come here.
  return single
    .replace(/[ \t]{0,7}[.,;]?[ \t.,]{0,7}\b(Negative prompt:)/i, '\n$1')
    .replace(/[ \t]{0,7}[.,;]?[ \t.,]{0,7}\b(Steps:)(?=\s{0,3}\d{1,4}\b[^\n]{0,16000}$)/i, '\n$1');
}

/** What follows the field line is kept unless it is a template: another line of fields ends a text of A1111, too. */
function templatesEnd(lines: readonly string[], fieldLine: number): number {
  const template = lines.findIndex(
    (line, at) => at > fieldLine && /^(?:Negative )?Template:/.test(line),
  );
  return template < 0 ? lines.length : template;
}

function sourceOf(parsed: ParsedInfotext, fromCivitai: boolean): string {
  const version = String(parsed['Version'] ?? '');
  if (parsed['App'] === 'SD.Next') return 'SD.Next';
  if (/^darkroom/i.test(version)) return 'Darkroom';
  if (/comfy/i.test(version)) return 'ComfyUI';
  if (/fooocus/i.test(version)) return 'Fooocus';
  if (/stable-diffusion\.cpp/i.test(version)) return 'stable-diffusion.cpp';
  if (/^f\d|forge|^neo/i.test(version)) return 'Forge';
  if (parsed['Seed Mode'] !== undefined) return 'Draw Things';
  if (fromCivitai) return 'Civitai';
  return 'A1111';
}

/** A1111's label, which stands for something where it is absent, or Fooocus' and that of ComfyUI's savers. */
function scheduleOf(
  text: string,
  value: (label: string) => string | undefined,
): string | undefined {
  return /Schedule type:/i.test(text) ? value('Schedule type') : value('Scheduler');
}

function clipSkipOf(value: string | undefined): number | undefined {
  const layer = numberOf(value);
  return layer === undefined ? undefined : Math.max(1, Math.abs(layer));
}

const MORE_DONE: readonly (readonly [RegExp, string])[] = [
  [/^ADetailer /, 'ADetailer'],
  [/^ControlNet/, 'ControlNet'],
  [/^Face restoration$/, 'face restoration'],
  [/^(?:FreeU|freeu_enabled)/, 'FreeU'],
  [/^(?:RP Active|Regional Prompter)/, 'Regional Prompter'],
  [/^Dynamic thresholding enabled$/, 'dynamic thresholding'],
  [/^Ultimate SD upscale/, 'Ultimate SD upscale'],
  [/^Tiled Diffusion/, 'Tiled Diffusion'],
  [/^Soft inpainting/, 'soft inpainting'],
  [/^Hypernet$/, 'hypernetwork'],
  [/^Tiling$/, 'tiling'],
];

function leftOut(parsed: ParsedInfotext): Said[] {
  const labels = Object.keys(parsed);
  const more = MORE_DONE.filter(([pattern]) => labels.some((label) => pattern.test(label)));
  const names = more.map(([, name]) => name);
  const own = (label: string, usual: string): boolean =>
    parsed[label] !== undefined && parsed[label] !== '' && parsed[label] !== usual;
  if (
    own('Hires sampler', 'Use same sampler') ||
    own('Hires schedule type', 'Use same scheduler')
  ) {
    names.push("the second pass's own sampler");
  }
  if (own('Hires prompt', '') || own('Hires negative prompt', '')) {
    names.push("the second pass's own prompt");
  }
  if (own('Hires checkpoint', 'Use same checkpoint')) names.push("the second pass's own model");
  return names.length === 0 ? [] : [say('recipe-left-out', names.join(', '))];
}

/** `Civitai resources: […]` and `Civitai metadata: {…}` hold commas that are none of the field line's. */
function takeCivitaiLists(text: string): { text: string; resources: unknown } {
  let resources: unknown = null;
  let rest = text;
  for (const label of ['Civitai resources', 'Civitai metadata']) {
    const start = rest.lastIndexOf(`, ${label}: `);
    if (start < 0) continue;
    const from = start + label.length + 4;
    const end = endOfJson(rest, from);
    if (end < 0) continue;
    try {
      const value: unknown = JSON.parse(rest.slice(from, end));
      if (label === 'Civitai resources') resources = value;
    } catch {
      // Not JSON: nothing that could be read, and nothing for the field line.
    }
    rest = rest.slice(0, start) + rest.slice(end);
  }
  return { text: rest, resources };
}

/** Behind the bracket that closes the one at `from`; -1 when none does. */
function endOfJson(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const sign = text[at] ?? '';
    if (sign === '\\' && quoted) at++;
    else if (sign === '"') quoted = !quoted;
    else if (!quoted && '[{'.includes(sign)) depth++;
    else if (!quoted && ']}'.includes(sign) && --depth === 0) return at + 1;
    if (depth === 0 && !quoted) return -1;
  }
  return -1;
}

function resourcesOf(list: unknown): { model: string | undefined; loras: RecipeLora[] } {
  const entries = Array.isArray(list) ? list.filter(isRecord) : [];
  const nameOf = (entry: (typeof entries)[number]): string | undefined =>
    fileName(entry['modelName']) ?? fileName(entry['air']);
  const typeOf = (entry: (typeof entries)[number]): string =>
    (
      words(entry['type']) ||
      (/:(lora|checkpoint):/i.exec(words(entry['air']))?.[1] ?? '')
    ).toLowerCase();
  const checkpoint = entries.find((entry) => ['checkpoint', 'model'].includes(typeOf(entry)));
  return {
    model: checkpoint && nameOf(checkpoint),
    loras: entries.flatMap((entry) => {
      const name = nameOf(entry);
      const isLora = ['lora', 'locon', 'lycoris', 'dora'].includes(typeOf(entry));
      return isLora && name !== undefined
        ? { name, weight: numberOf(entry['weight'] ?? entry['strength']) ?? 1 }
        : [];
    }),
  };
}

/** Fooocus' `Lora weights: "ink: 0.5, mist: 1.0"`. */
function weightsOf(parsed: ParsedInfotext): RecipeLora[] {
  return pairsIn(parsed['Lora weights']).map(([name, weight]) => ({
    name,
    weight: numberOf(weight) ?? 1,
  }));
}

function pairsIn(list: unknown): [string, string][] {
  return words(list)
    .split(',')
    .flatMap((pair) => {
      const at = pair.lastIndexOf(':');
      const name = pair.slice(0, Math.max(at, 0)).trim();
      return name === '' ? [] : [[name, pair.slice(at + 1).trim()] as [string, string]];
    });
}

/** sd-webui-additional-networks, as A1111 takes it over (Lora/scripts/lora_script.py, infotext_pasted). */
function additionalNetworks(parsed: ParsedInfotext): RecipeLora[] {
  return Object.entries(parsed).flatMap(([label, value]) => {
    const number = /^AddNet Model (\d+)$/.exec(label)?.[1];
    if (number === undefined || parsed[`AddNet Module ${number}`] !== 'LoRA') return [];
    const name = String(value).replace(/\s*\([0-9a-fA-F]+\)$/, '');
    const [unet, text] = ['A', 'B'].map((each) => {
      const weight = parsed[`AddNet Weight ${each} ${number}`] ?? parsed[`AddNet Weight ${number}`];
      const strength = numberOf(weight) ?? 1;
      return Math.min(Math.max(strength, -MOST_LORA_STRENGTH), MOST_LORA_STRENGTH);
    });
    if (name === 'None') return [];
    return {
      name,
      weight: unet ?? 1,
      ...(text !== undefined && text !== unet && { textWeight: text }),
    };
  });
}

/** By name: `Lora hashes: "ink: 0123…"` (12 digits), else those of `Hashes: {"lora:ink": …}` (10 digits). */
function hashesOf(parsed: ParsedInfotext, raw: string): Record<string, string> {
  const hashes: [string, string][] = [];
  for (const [, name = '', hash = ''] of raw.matchAll(
    /"lora:([^"\\]{1,200})": ?"([0-9a-fA-F]{8,64})"/g,
  )) {
    hashes.push([name, hash.toLowerCase()]);
  }
  for (const [name, hash] of pairsIn(parsed['Lora hashes'])) {
    if (/^[0-9a-fA-F]{8,64}$/.test(hash)) hashes.push([name, hash.toLowerCase()]);
  }
  return Object.fromEntries(hashes);
}
