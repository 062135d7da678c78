import { ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Job } from '../../queue/job.ts';
import { customId } from '../interaction/custom-id.ts';
import { codeBlock, escapeMarkdown, plainLine, quoted, shorten } from './markdown.ts';
import { ALT_TEXT_LIMIT, gallery, paragraph, pictureFiles } from './render.ts';
import {
  failureText,
  lineageWords,
  promptOf,
  recipeLine,
  shortRecipe,
  stepsTaken,
} from './render-words.ts';
import type { MessageFile, Picture, Rendered } from './render.ts';
import { fromContext, messageUrl } from '../reply/reply-address.ts';
import { againRow, pagesRow, selectRow, showButton, stopRow } from './rows.ts';
import { doneRows } from './picture-rows.ts';
import type { Text } from '../text/text.ts';

const INFOTEXT_SHOWN = 2800;
/** Eight of them and their recipes, all escaped, fit the 4,000 characters of a message. */
const PROMPT_SHOWN = 80;

/** All that is known about one job, with its pictures; `missing` says why there are none. */
export function renderRecord(
  job: Job,
  pictures: readonly Picture[],
  text: Text,
  missing: string,
): Rendered {
  const files = pictureFiles(job, pictures, text);
  const reduced = pictures.some((picture) => picture.reduced);
  return {
    components: [
      ...(files.length > 0 ? [gallery(files)] : []),
      paragraph(recordLines(job, pictures.length > 0 ? null : missing, text)),
      ...rowsOf(job, text, reduced),
    ],
    files,
  };
}

function recordLines(job: Job, missing: string | null, text: Text): string[] {
  const address = fromContext(job.context);
  const lines = [
    text.showTitle(job.id),
    text.showFor(`<@${job.userId}>`, `<t:${Math.floor(job.createdAt / 1000)}:f>`) +
      ` · ${text.showStatus[job.status]}`,
  ];
  const lineage = address?.lineage ?? null;
  if (lineage !== null) lines.push(lineageWords(lineage, text));
  lines.push(
    job.result === null
      ? `> ${quoted(promptOf(job), 600) || text.emptyPrompt}\n-# ${recipeLine(job.request, null, text)}`
      : codeBlock(shorten(job.result.infotext, INFOTEXT_SHOWN)),
  );
  if (job.failure !== null) lines.push(failureText(job.failure, text));
  const facts = factsOf(job, text);
  const url = address === null ? null : messageUrl(address);
  if (url !== null) facts.push(text.showMessage(url));
  if (facts.length > 0) lines.push(`-# ${facts.join(' · ')}`);
  if (job.result !== null) {
    const { images, withheld = [] } = job.result;
    if (withheld.length > 0) lines.push(`-# ${text.withheld(withheld.length, images.length)}`);
    if (images.length > 0 && missing !== null) lines.push(`-# ${missing}`);
  }
  return lines;
}

function factsOf({ createdAt, startedAt, request, result }: Job, text: Text): string[] {
  const facts: string[] = [];
  if (startedAt !== null) facts.push(text.showWaited(seconds((startedAt - createdAt) / 1000)));
  if (result !== null) {
    const { resumedSteps = 0 } = result;
    const steps = request === 'unreadable' ? 0 : stepsTaken(request, result);
    const rate = Math.max(0, steps - resumedSteps) / Math.max(0.001, result.seconds);
    if (resumedSteps > 0) facts.push(text.showResumed(resumedSteps));
    facts.push(
      text.showPainted(seconds(result.seconds), seconds(rate), escapeMarkdown(result.provider)),
      text.showModelHash(escapeMarkdown(result.modelHash)),
    );
  }
  return facts;
}

/** `0.4`, `12`. */
function seconds(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

function rowsOf(job: Job, text: Text, reduced: boolean): APIMessageTopLevelComponent[] {
  switch (job.status) {
    case 'waiting':
    case 'running':
      return [stopRow(job.id, text)];
    case 'done':
      return doneRows(job.id, job.result?.images.length ?? 0, text, {
        reduced,
        // Deleting belongs to the message that everybody sees; of a private one only this may be left.
        mayDelete: fromContext(job.context)?.private === true,
        hidden: true,
      });
    case 'failed':
    case 'cancelled':
      return [againRow(job.id, text, { mayDelete: false })];
  }
}

/** What the list of a person's pictures shows beside the words; absent: only words. */
export type RecentView = {
  /** as in the ids of its buttons */
  filter?: string;
  filters?: readonly { label: string; value: string; default: boolean }[];
  /** WebP, in the order of the jobs; null: none to show here */
  thumbnails?: readonly (Uint8Array | null)[];
  /** ids of the jobs that are favourites, and of those behind a spoiler */
  starred?: ReadonlySet<string>;
  spoilers?: ReadonlySet<string>;
  /** what stands for all jobs of a sheet, by the id of the one in the list */
  sheets?: ReadonlyMap<string, { prompt: string; about: string }>;
};

/** One page of a person's own jobs, newest first, each with a way to see it whole. */
export function renderRecent(
  jobs: readonly Job[],
  page: number,
  isLast: boolean,
  text: Text,
  look: RecentView = {},
): Rendered {
  const { filter = 'a', filters = [], thumbnails = [] } = look;
  const rows: APIMessageTopLevelComponent[] =
    filters.length === 0
      ? []
      : [selectRow(customId('recent', NO_JOB, 'filter'), text.recentFilter, filters)];
  const [first] = jobs;
  if (first === undefined) {
    const words = filter === 'a' ? text.recentEmpty : text.recentNothing;
    return { components: [paragraph([words]), ...rows], files: [] };
  }
  const sections = jobs.map((job, at) => recentSection(job, thumbnails[at] ?? null, text, look));
  const pages = pagesRow(first.id, page, isLast, text, filter);
  const choose = filters.length === 0 ? [] : [chooseRow(jobs, look, text)];
  return {
    components: [
      paragraph([text.recentTitle]),
      ...sections,
      ...choose,
      ...rows,
      ...(pages === null ? [] : [pages]),
    ],
    files: thumbnailFiles(jobs, look, text),
  };
}

/** Figures, and below them a person's last sheets with what each came to. */
export function renderStats(
  lines: readonly string[],
  sheets: readonly Job[],
  look: RecentView,
  text: Text,
): Rendered {
  const words = paragraph(lines);
  if (sheets.length === 0) return { components: [words], files: [] };
  return {
    components: [
      words,
      paragraph([`**${text.statsSheets}**`]),
      ...sheets.map((job, at) => rowSection(job, look.thumbnails?.[at] ?? null, text, look)),
      chooseRow(sheets, look, text),
    ],
    files: thumbnailFiles(sheets, look, text),
  };
}

function thumbnailFiles(jobs: readonly Job[], look: RecentView, text: Text): MessageFile[] {
  return jobs.flatMap((job, at) => {
    const data = look.thumbnails?.[at];
    const description = shorten(text.altText(plainLine(promptIn(job, look))), ALT_TEXT_LIMIT);
    const name = `thumb-${job.id}.webp`;
    return data ? [{ name, data, contentType: 'image/webp', description }] : [];
  });
}

const promptIn = (job: Job, { sheets }: RecentView): string =>
  sheets?.get(job.id)?.prompt ?? promptOf(job);

/** One job of the list. */
function recentSection(
  job: Job,
  thumbnail: Uint8Array | null,
  text: Text,
  look: RecentView,
): APIMessageTopLevelComponent {
  if ((look.filters ?? []).length > 0) return rowSection(job, thumbnail, text, look);
  return {
    type: ComponentType.Section,
    components: [rowWords(job, text, look)],
    accessory: showButton(job.id, text),
  };
}

function rowWords(job: Job, text: Text, look: RecentView) {
  const { starred, sheets } = look;
  const sheet = sheets?.get(job.id);
  const prompt = quoted(promptIn(job, look), PROMPT_SHOWN) || text.emptyPrompt;
  const when = `<t:${Math.floor(job.createdAt / 1000)}:R>`;
  const mark = starred?.has(job.id) === true ? '★ ' : '';
  const what =
    sheet === undefined
      ? shortRecipe(job.request, job.result, text)
      : escapeMarkdown(shorten(plainLine(sheet.about), 120));
  const about = `-# ${when} · ${text.showStatus[job.status]} · ${what}`;
  return { type: ComponentType.TextDisplay as const, content: `${mark}${prompt}\n${about}` };
}

/** Words with a picture beside them; without one the words alone. */
function rowSection(
  job: Job,
  thumbnail: Uint8Array | null,
  text: Text,
  look: RecentView,
): APIMessageTopLevelComponent {
  const words = rowWords(job, text, look);
  if (thumbnail === null) return words;
  return {
    type: ComponentType.Section,
    components: [words],
    accessory: {
      type: ComponentType.Thumbnail,
      media: { url: `attachment://thumb-${job.id}.webp` },
      spoiler: look.spoilers?.has(job.id) === true,
    },
  };
}

function chooseRow(
  jobs: readonly Job[],
  look: RecentView,
  text: Text,
): APIMessageTopLevelComponent {
  return selectRow(
    customId('recent-show', NO_JOB),
    text.recentShow,
    jobs.map((job, at) => ({
      value: job.id,
      label: shorten(`${at + 1} · ${plainLine(promptIn(job, look)) || text.emptyPrompt}`, 100),
    })),
  );
}

/** The list belongs to no job. */
const NO_JOB = '000000000000';
