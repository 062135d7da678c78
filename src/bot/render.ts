import { ComponentType, MessageFlags } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import { FULL_STEPS } from '../explore/calibration.ts';
import type { GenerateRequest, Preview, Progress } from '../engine/request.ts';
import type { Job, JobFailure, JobState, StoredResult } from '../queue/job.ts';
import { againRow, doneRows, stopRow } from './rows.ts';
import { escapeMarkdown, plainLine, quoted, shorten } from './markdown.ts';
import type { AutoNote, Lineage } from './reply-address.ts';
import { spoken, type Text } from './text.ts';

/** A file of one message; `name` is what `attachment://` in the components points at. */
export type MessageFile = {
  name: string;
  data: Uint8Array;
  contentType: string;
  description: string;
};

/** One whole message: an edit with it replaces everything the message held before. */
export type Rendered = {
  components: APIMessageTopLevelComponent[];
  files: MessageFile[];
};

/** A finished picture as it goes to Discord: the stored PNG, or a smaller copy of it. */
export type Picture = { data: Uint8Array; format: 'png' | 'webp'; reduced: boolean };

export const PROMPT_SHOWN = 300;
/** Discord's limit for an attachment's alt text. */
export const ALT_TEXT_LIMIT = 1024;
const BAR_CELLS = 10;

/**
 * Job and state -> message. Pure. `pictures` belong to a done state, in the result's order; `preview` is the
 * newest one of a running state, which may be older than its progress.
 */
export function render(
  job: Pick<Job, 'id' | 'userId' | 'request'>,
  state: JobState,
  more: {
    text: Text;
    lineage: Lineage | null;
    auto?: AutoNote | null;
    pictures?: readonly Picture[];
    preview?: Preview | null;
  },
): Rendered {
  const { text } = more;
  const about = aboutLines(job, more.lineage, state.status === 'done' ? state.result : null, text);
  if (more.auto) {
    const result = state.status === 'done' ? state.result : null;
    about.push(`-# ${autoWords(more.auto, job.request, result, text)}`);
  }
  switch (state.status) {
    case 'waiting': {
      const wait = state.waitSeconds === null ? null : waitWords(state.waitSeconds, text);
      return words([text.queued(state.position, wait), ...about], [stopRow(job.id, text)]);
    }
    case 'running':
      return renderRunning(job, state.progress, more.preview ?? null, about, text);
    case 'done':
      return renderDone(job, state.result, more.pictures ?? [], about, text);
    case 'failed':
      return words([failureWords(state.failure, text), ...about], [againRow(job.id, text)]);
    case 'cancelled':
      return words([text.stopped, ...about], [againRow(job.id, text)]);
  }
}

/** The JSON of a send or an edit; a fresh object each time, because REST layers may change what they are given. */
export function messageBody(rendered: Rendered) {
  return {
    flags: MessageFlags.IsComponentsV2,
    components: rendered.components,
    attachments: rendered.files.map(({ name, description }, index) => ({
      id: String(index),
      filename: name,
      description,
    })),
    allowed_mentions: { parse: [] },
  };
}

export function waitWords(seconds: number, text: Text): string {
  const rounded = seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5;
  return text.aboutSeconds(rounded);
}

export function progressWords(progress: Progress | null, text: Text): string {
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
      const bar = '▓'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
      return text.step(progress.step, progress.steps, bar);
    }
  }
}

/** `model · 512x768 · 20 steps · dpmpp_2m karras · cfg 7 · seed 42`, escaped. */
export function recipeLine(
  request: GenerateRequest,
  result: StoredResult | null,
  text: Text,
): string {
  const shown = result?.images.map((image) => image.seed) ?? [];
  const seeds = shown.length > 0 ? shown : [String(request.seed)];
  const path = [request.sampler, request.schedule === 'automatic' ? null : request.schedule];
  const parts = [
    request.model,
    `${request.width}x${request.height}`,
    text.steps(stepsTaken(request, result)),
    path.filter((name) => name !== null).join(' '),
    text.cfg(String(request.guidanceScale)),
    text.seed(seedWords(seeds)),
    request.variation === null ? '' : text.variationStrength(String(request.variation.strength)),
    request.init === null ? '' : text.initStrength(String(request.init.strength)),
    request.hires ? text.hiresScale(String(request.hires.scale)) : '',
  ];
  return escapeMarkdown(
    parts
      .filter((part) => part !== '')
      .map((part) => shorten(plainLine(part), 80))
      .join(' · '),
  );
}

/** What was planned, or fewer where the rest was re-planned. */
export function stepsTaken({ steps }: GenerateRequest, result: StoredResult | null): number {
  const replan = result?.replan;
  return replan ? replan.after + replan.rest : steps;
}

function seedWords(seeds: readonly string[]): string {
  const distinct = [...new Set(seeds)];
  if (distinct.length <= 4) return distinct.join(', ');
  return `${distinct[0]} … ${distinct.at(-1)}`;
}

function aboutLines(
  job: Pick<Job, 'userId' | 'request'>,
  lineage: Lineage | null,
  result: StoredResult | null,
  text: Text,
): string[] {
  const prompt = quoted(job.request.prompt, PROMPT_SHOWN);
  const lines = [
    `> ${prompt === '' ? text.emptyPrompt : prompt}`,
    `-# ${recipeLine(job.request, result, text)}`,
  ];
  if (lineage !== null) {
    lines.push(`-# ${lineageWords(lineage, text)} · ${text.by(`<@${job.userId}>`)}`);
  }
  return lines;
}

function autoWords(
  auto: AutoNote,
  request: GenerateRequest,
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

/** `Reroll of this picture`, with a link where its message is known. */
export function lineageWords({ kind, url }: Lineage, text: Text): string {
  const of = {
    reroll: text.rerollOf,
    vary: text.variationOf,
    again: text.againOf,
    remix: text.remixOf,
    init: text.initOf,
    reimagine: text.reimagineOf,
  }[kind];
  return of(url === null ? text.anEarlierPicture : `[${text.thisPicture}](${url})`);
}

function renderRunning(
  job: Pick<Job, 'id' | 'request'>,
  progress: Progress | null,
  preview: Preview | null,
  about: readonly string[],
  text: Text,
): Rendered {
  const lines = [progressWords(progress, text), ...about];
  if (preview === null) return words(lines, [stopRow(job.id, text)]);
  const description = shorten(text.previewAltText(plainLine(job.request.prompt)), ALT_TEXT_LIMIT);
  const name = 'preview.jpg';
  return {
    components: [paragraph(lines), gallery([{ name, description }]), stopRow(job.id, text)],
    files: [{ name, description, data: preview.jpeg, contentType: 'image/jpeg' }],
  };
}

function renderDone(
  job: Pick<Job, 'id' | 'request'>,
  result: StoredResult,
  pictures: readonly Picture[],
  about: readonly string[],
  text: Text,
): Rendered {
  const reduced = pictures.some((picture) => picture.reduced);
  const rows = doneRows(job.id, result.images.length, text, { reduced, mayDelete: true });
  const withheld = result.withheld?.length ?? 0;
  if (result.images.length === 0) return words([text.withheld(withheld, 0), ...about], rows);
  if (pictures.length === 0) return words([text.picturesGone, ...about], rows);
  const files = pictureFiles(job, pictures, text);
  const note = reduced ? [`-# ${text.smallerCopy}`] : [];
  if (withheld > 0) note.push(`-# ${text.withheld(withheld, result.images.length)}`);
  return {
    components: [gallery(files), paragraph([...about, ...note]), ...rows],
    files,
  };
}

export function pictureFiles(
  job: Pick<Job, 'id' | 'request'>,
  pictures: readonly Picture[],
  text: Text,
): MessageFile[] {
  const description = shorten(text.altText(plainLine(job.request.prompt)), ALT_TEXT_LIMIT);
  return pictures.map(({ data, format }, index) => ({
    name: `darkroom-${job.id}-${index + 1}.${format}`,
    data,
    contentType: `image/${format}`,
    description,
  }));
}

/** Why it failed, in the language of `text`, escaped. */
export function failureText(failure: JobFailure, text: Text): string {
  return escapeMarkdown(shorten(plainLine(spoken(failure, text)), 600));
}

function failureWords(failure: JobFailure, text: Text): string {
  const words = text.failed(failureText(failure, text));
  return failure.reference === null ? words : `${words}\n${text.reference(failure.reference)}`;
}

export function words(
  lines: readonly string[],
  rows: readonly APIMessageTopLevelComponent[],
): Rendered {
  return { components: [paragraph(lines), ...rows], files: [] };
}

export function paragraph(lines: readonly string[]): APIMessageTopLevelComponent {
  return { type: ComponentType.TextDisplay, content: lines.join('\n') };
}

export function gallery(
  files: readonly { name: string; description: string }[],
): APIMessageTopLevelComponent {
  return {
    type: ComponentType.MediaGallery,
    items: files.map(({ name, description }) => ({
      media: { url: `attachment://${name}` },
      description,
    })),
  };
}
