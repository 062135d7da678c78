/** A person's jobs as a list with small pictures: the latest ones, and the sheets below their figures. */
import { ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Job } from '../../queue/job.ts';
import { customId } from '../interaction/custom-id.ts';
import type { Text } from '../text/text.ts';
import { escapeMarkdown, plainLine, quoted, shorten } from './markdown.ts';
import { promptOf, shortRecipe } from './render-words.ts';
import { ALT_TEXT_LIMIT, type MessageFile, paragraph, type Rendered } from './render.ts';
import { pagesRow, selectRow, showButton } from './rows.ts';

/** Eight of them and their recipes, all escaped, fit the 4,000 characters of a message. */
const PROMPT_SHOWN = 80;

/** The list belongs to no job. */
const NO_JOB = '000000000000';

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
