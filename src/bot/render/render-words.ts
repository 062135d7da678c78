import { FULL_STEPS } from '../../explore/calibration/calibration.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { Progress } from '../../engine/result.ts';
import type { Job, JobFailure, JobState, StoredResult } from '../../queue/job.ts';
import { NOTE_KINDS } from '../order/notes.ts';
import type { OrderNote } from '../order/notes.ts';
import { codeSpan, escapeMarkdown, plainLine, quoted, shorten } from './markdown.ts';
import type { AutoNote, Lineage } from '../reply/reply-address.ts';
import { spoken, type Text } from '../text/text.ts';

const BAR_CELLS = 10;
/** One pair of shapes, which every font that has one of them has at the same width. */
const [FULL_CELL, EMPTY_CELL] = ['▰', '▱'];

/** Says a wait in words: whole seconds below ten, steps of five above. */
export function waitWords(seconds: number, text: Text): string {
  const rounded = seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5;
  return text.aboutSeconds(rounded);
}

/** Where in the line a job stands, and whether the line moves. */
export function placeWords(
  { position, waitSeconds, held, lacks }: Extract<JobState, { status: 'waiting' }>,
  text: Text,
): string {
  if (held !== undefined) return text.owner.held(position, ownersWords(held.words));
  if (lacks !== undefined) return text.lacking(position, lackWords(lacks, text));
  return text.queued(position, waitSeconds === null ? null : waitWords(waitSeconds, text));
}

/** A need (engine/needs.ts) that nobody meets, in words. */
export function lackWords(need: string, text: Text): string {
  const at = need.indexOf(':');
  const kind = need.slice(0, at);
  const name = escapeMarkdown(shorten(plainLine(need.slice(at + 1)), 60));
  if (kind === 'model') return text.lackOf.model(name);
  if (kind === 'vae') return text.lackOf.vae(name);
  if (kind === 'lora') return text.lackOf.lora;
  return text.lackOf.version;
}

const OWNERS_WORDS_LIMIT = 500;

/** What the owner says to everybody, as a quotation; '' for nothing. */
export function ownersWords(words: string | null): string {
  const said = words === null ? '' : escapeMarkdown(shorten(plainLine(words), OWNERS_WORDS_LIMIT));
  return said === '' ? '' : `> ${said}`;
}

/** `left`: seconds that the remaining steps will take, as far as that is known. */
export function progressWords(
  progress: Progress | null,
  text: Text,
  left: number | null = null,
): string {
  switch (progress?.phase) {
    case undefined:
      return text.starting;
    case 'loading':
      return text.loadingModel;
    case 'encoding':
      return text.readingPrompt;
    case 'decoding':
      return text.developing;
    case 'sampling': {
      const filled = Math.round((progress.step / Math.max(1, progress.steps)) * BAR_CELLS);
      const bar = FULL_CELL.repeat(filled) + EMPTY_CELL.repeat(BAR_CELLS - filled);
      const step = text.step(progress.step, progress.steps, bar);
      return left === null ? step : `${step} · ${text.secondsToGo(waitWords(left, text))}`;
    }
  }
}

/** What the lines about a picture are made of: of a start picture only how much of it was repainted. */
export type Painted = Omit<GenerateRequest, 'init'> & {
  init: { strength: number; coverage?: number } | null;
};

/** The words of an order; none where they cannot be read. */
export function promptOf({ request }: Pick<Job, 'request'>): string {
  return request === 'unreadable' ? '' : request.prompt;
}

/** `model · 512x768 · 20 steps · dpmpp_2m karras · cfg 7 · seed 42`, escaped. What is off is left out. */
export function recipeLine(
  request: Painted | 'unreadable',
  result: StoredResult | null,
  text: Text,
): string {
  if (request === 'unreadable') return text.recipeUnreadable;
  const { variation, hires } = request;
  return joined([
    ...mainParts(request, result, text),
    variation === null ? '' : text.variationStrength(String(variation.strength)),
    initWords(request, text),
    hires ? text.hiresScale(String(hires.scale)) : '',
    request.endAfter ? text.unfinished(request.endAfter, request.steps + (hires?.steps ?? 0)) : '',
  ]);
}

/** `23 %` of a share 0-1; what is not nothing is not called nothing. */
export function percent(share: number): string {
  return `${share > 0 ? Math.max(1, Math.round(share * 100)) : 0} %`;
}

/** All that a sheet can vary, short enough for eight of them in one message; escaped. */
export function shortRecipe(
  request: Painted | 'unreadable',
  result: StoredResult | null,
  text: Text,
): string {
  if (request === 'unreadable') return text.recipeUnreadable;
  const named = { ...request, model: shorten(request.model, 30) };
  return joined([...mainParts(named, result, text), initWords(request, text)]);
}

function mainParts(request: Painted, result: StoredResult | null, text: Text): string[] {
  return [
    request.model,
    `${request.width}x${request.height}`,
    text.steps(stepsTaken(request, result)),
    pathWords(request),
    guidanceWords(request, text),
    request.pagScale ? text.pag(String(request.pagScale)) : '',
    request.vae ? text.vae(shorten(request.vae, 30)) : '',
    seedWords(request, result, text),
  ];
}

function initWords({ init }: Painted, text: Text): string {
  if (init === null) return '';
  const start = text.initStrength(String(init.strength));
  const { coverage } = init;
  return coverage === undefined ? start : `${start}, ${text.maskCovers(percent(coverage))}`;
}

function joined(parts: readonly string[]): string {
  return escapeMarkdown(
    parts
      .filter((part) => part !== '')
      .map((part) => shorten(plainLine(part), 80))
      .join(' · '),
  );
}

function pathWords({ sampler, schedule }: Painted): string {
  return [sampler, schedule === 'automatic' ? null : schedule]
    .filter((name) => name !== null)
    .join(' ');
}

/** Of a batch of a sheet's cells: each scale once. */
function guidanceWords({ guidanceScale, each }: Painted, text: Text): string {
  const scales = new Set(each?.map((own) => own.guidanceScale) ?? [guidanceScale]);
  // Guidance of 1 is none.
  return scales.size === 1 && scales.has(1) ? '' : text.cfg([...scales].join(', '));
}

/** What was planned, or fewer where the rest was re-planned. */
export function stepsTaken({ steps }: Pick<Painted, 'steps'>, result: StoredResult | null): number {
  const replan = result?.replan;
  return replan ? replan.after + replan.rest : steps;
}

function seedWords(request: Painted, result: StoredResult | null, text: Text): string {
  const shown = result?.images.map((image) => image.seed) ?? [];
  const seeds = [...new Set(shown.length > 0 ? shown : [String(request.seed)])];
  return text.seed(seeds.length <= 4 ? seeds.join(', ') : `${seeds[0]} … ${seeds.at(-1)}`);
}

/** Says what automatic steps did. Before the end of a run that may still shorten itself only its most is known. */
export function autoWords(
  auto: AutoNote,
  request: Painted,
  result: StoredResult | null,
  text: Text,
): string {
  const { steps, sampler, replan } = request;
  if ('why' in auto) return text.autoKept[auto.why](steps, escapeMarkdown(String(sampler)));
  if (result === null && replan) return text.autoAtMost(steps);
  // The note was written when the most demanding case was all that was known.
  const taken = stepsTaken(request, result);
  const seconds = (auto.seconds * (FULL_STEPS - taken)) / Math.max(1, FULL_STEPS - steps);
  return text.autoSaved(taken, seconds.toFixed(1));
}

/** What became of an order's words, one quiet line a kind. */
export function noteLines(notes: readonly OrderNote[], text: Text): string[] {
  return NOTE_KINDS.flatMap((kind) => {
    const of = notes.filter((note) => note.kind === kind);
    if (of.length === 0) return [];
    const list = shorten(of.map(({ what }) => codeSpan(what, 60)).join(', '), 400);
    const said = {
      'unknown-switch': text.unknownSwitches(list),
      'overruled-switch': text.overruledSwitches(list),
      'wildcards-off': text.wildcardsAreOff,
      recipe: quoted(of.map(({ what }) => what).join(' '), 900),
    }[kind];
    return [`-# ${said}`];
  });
}

/** `Reroll of this picture`, with a link where its message is known. */
export function lineageWords({ kind, url }: Lineage, text: Text): string {
  const of = {
    reroll: text.rerollOf,
    vary: text.variationOf,
    again: text.againOf,
    remix: text.remixOf,
    init: text.initOf,
    reimagine: text.reimagineOf,
    zoom: text.zoomOf,
    pan: text.panOf,
    region: text.regionOf,
    redo: text.redoOf,
    edit: text.editing.of,
    keep: text.keptOf,
  }[kind];
  return of(url === null ? text.anEarlierPicture : `[${text.thisPicture}](${url})`);
}

/** Why it failed, in the language of `text`, escaped. */
export function failureText(failure: JobFailure, text: Text): string {
  return escapeMarkdown(shorten(plainLine(spoken(failure, text)), 600));
}

/** Says why a job failed, with the reference that the owner finds it by, where there is one. */
export function failureWords(failure: JobFailure, text: Text): string {
  const words = text.failed(failureText(failure, text));
  return failure.reference === null ? words : `${words}\n${text.reference(failure.reference)}`;
}
