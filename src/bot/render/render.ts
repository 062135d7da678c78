import { ComponentType, MessageFlags } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Preview, Progress } from '../../engine/result.ts';
import type { Job, JobState, StoredResult } from '../../queue/job.ts';
import {
  autoWords,
  failureWords,
  lineageWords,
  noteLines,
  placeWords,
  progressWords,
  promptOf,
  recipeLine,
} from './render-words.ts';
import { againRow, stopRow } from './rows.ts';
import { doneRows } from './picture-rows.ts';
import { plainLine, quoted, shorten } from './markdown.ts';
import { wordsOf } from '../../engine/said.ts';
import type { OrderNote } from '../order/notes.ts';
import type { AutoNote, Lineage } from '../reply/reply-address.ts';
import type { Text } from '../text/text.ts';

/** A file of one message; `name` is what `attachment://` in the components points at. */
export type MessageFile = {
  name: string;
  data: Uint8Array;
  contentType: string;
  description: string;
  /** behind Discord's spoiler; absent: openly */
  spoiler?: boolean;
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
    notes?: readonly OrderNote[];
    /** only one person sees the message; absent: everybody */
    hidden?: boolean;
    /** of a stopped job: by whom, and how far it had come */
    stopped?: { by: string | null; reached: { step: number; steps: number } | null };
    pictures?: readonly Picture[];
    preview?: Preview | null;
    /** the same as files, one a picture, as the finished ones will lie; absent: the preview as it is */
    previewFiles?: readonly Uint8Array[];
    /** seconds that the remaining steps will take; absent or null: not known yet */
    secondsLeft?: number | null;
  },
): Rendered {
  const { text } = more;
  const about = aboutLines(job, more.lineage, state.status === 'done' ? state.result : null, text);
  if (more.auto && job.request !== 'unreadable') {
    const result = state.status === 'done' ? state.result : null;
    about.push(`-# ${autoWords(more.auto, job.request, result, text)}`);
  }
  about.push(...noteLines(more.notes ?? [], text));
  switch (state.status) {
    case 'waiting':
      return words([placeWords(state, text), ...about], [stopRow(job.id, text)]);
    case 'running':
      return renderRunning(job, state.progress, { ...more, about });
    case 'done':
      return renderDone(job, state.result, more.pictures ?? [], about, {
        text,
        hidden: more.hidden === true,
      });
    case 'failed':
      return words([failureWords(state.failure, text), ...about], [againRow(job.id, text)]);
    case 'cancelled':
      return renderStopped(job, more.stopped ?? null, about, text);
  }
}

/** The JSON of a send or an edit; a fresh object each time, because REST layers may change what they are given. */
export function messageBody(rendered: Rendered) {
  return {
    flags: MessageFlags.IsComponentsV2,
    components: rendered.components,
    attachments: rendered.files.map(({ name, description, spoiler }, index) => ({
      id: String(index),
      filename: name,
      description,
      ...(spoiler === true && { is_spoiler: true }),
    })),
    allowed_mentions: { parse: [] },
  };
}

function aboutLines(
  job: Pick<Job, 'userId' | 'request'>,
  lineage: Lineage | null,
  result: StoredResult | null,
  text: Text,
): string[] {
  const prompt = quoted(promptOf(job), PROMPT_SHOWN);
  const lines = [
    `> ${prompt === '' ? text.emptyPrompt : prompt}`,
    `-# ${recipeLine(job.request, result, text)}`,
  ];
  if (lineage !== null) {
    lines.push(`-# ${lineageWords(lineage, text)} · ${text.by(`<@${job.userId}>`)}`);
  }
  return lines;
}

function renderRunning(
  job: Pick<Job, 'id' | 'request'>,
  progress: Progress | null,
  more: {
    text: Text;
    about: readonly string[];
    preview?: Preview | null;
    previewFiles?: readonly Uint8Array[];
    secondsLeft?: number | null;
  },
): Rendered {
  const { text, about, preview = null, secondsLeft = null } = more;
  const lines = [progressWords(progress, text, secondsLeft), ...about];
  if (preview === null) return words(lines, [stopRow(job.id, text)]);
  const description = shorten(text.previewAltText(plainLine(promptOf(job))), ALT_TEXT_LIMIT);
  const parts = more.previewFiles ?? [preview.jpeg];
  const files = parts.map((data, index) => ({
    name: parts.length === 1 ? 'preview.jpg' : `preview-${index + 1}.jpg`,
    description,
    data,
    contentType: 'image/jpeg',
  }));
  // The gallery stands where the finished one will, so that nothing jumps.
  return { components: [gallery(files), paragraph(lines), stopRow(job.id, text)], files };
}

function renderStopped(
  { id, userId }: Pick<Job, 'id' | 'userId'>,
  stopped: { by: string | null; reached: { step: number; steps: number } | null } | null,
  about: readonly string[],
  text: Text,
): Rendered {
  const { by = null, reached = null } = stopped ?? {};
  const who = by === null || by === userId ? null : `<@${by}>`;
  const first =
    reached === null ? text.stopped(who) : text.stoppedAt(who, reached.step, reached.steps);
  return words([first, ...about], [againRow(id, text, { keep: reached?.step ?? null })]);
}

function renderDone(
  job: Pick<Job, 'id' | 'request'>,
  result: StoredResult,
  pictures: readonly Picture[],
  about: readonly string[],
  { text, hidden }: { text: Text; hidden: boolean },
): Rendered {
  const reduced = pictures.some((picture) => picture.reduced);
  const rows = doneRows(job.id, result.images.length, text, { reduced, mayDelete: true, hidden });
  const withheld = result.withheld?.length ?? 0;
  if (result.images.length === 0) return words([text.withheld(withheld, 0), ...about], rows);
  if (pictures.length === 0) return words([text.picturesGone, ...about], rows);
  const files = pictureFiles(job, pictures, text);
  const note = reduced ? [`-# ${text.smallerCopy}`] : [];
  if (withheld > 0) note.push(`-# ${text.withheld(withheld, result.images.length)}`);
  if (result.notes) note.push(`-# ${quoted(wordsOf(result.notes, text.said), 500)}`);
  return {
    components: [gallery(files), paragraph([...about, ...note]), ...rows],
    files,
  };
}

/** Names pictures after their job and place (from 1), with the prompt as description. */
export function pictureFiles(
  job: Pick<Job, 'id' | 'request'>,
  pictures: readonly Picture[],
  text: Text,
): MessageFile[] {
  const description = shorten(text.altText(plainLine(promptOf(job))), ALT_TEXT_LIMIT);
  return pictures.map(({ data, format }, index) => ({
    name: `darkroom-${job.id}-${index + 1}.${format}`,
    data,
    contentType: `image/${format}`,
    description,
  }));
}

/** Makes a message of Markdown lines and rows, without files. */
export function words(
  lines: readonly string[],
  rows: readonly APIMessageTopLevelComponent[],
): Rendered {
  return { components: [paragraph(lines), ...rows], files: [] };
}

/** Makes one text of Markdown lines. */
export function paragraph(lines: readonly string[]): APIMessageTopLevelComponent {
  return { type: ComponentType.TextDisplay, content: lines.join('\n') };
}

/** Shows files that are sent with the same message. */
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
