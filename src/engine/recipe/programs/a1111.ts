import { requestFromInfotext } from '../infotext.ts';
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { strip } from '../../text/prompt/characters.ts';
import { fileName, numberOf, type Recipe, seedText, words } from '../found.ts';
import { type ParsedInfotext, parseInfotext } from '../infotext-parse.ts';
import { samplerOf } from '../sampler-of.ts';
import { asA1111 } from './draw-things.ts';
import {
  additionalNetworks,
  hashesOf,
  resourcesOf,
  takeCivitaiLists,
  weightsOf,
} from './listed-files.ts';

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
