import { ComponentType } from 'discord.js';
import type { Job } from '../../queue/job.ts';
import { plainLine, quoted, shorten } from './markdown.ts';
import { ALT_TEXT_LIMIT, PROMPT_SHOWN, gallery, paragraph, words } from './render.ts';
import type { MessageFile, Picture, Rendered } from './render.ts';
import { readable } from '../order/stored-order.ts';
import { promptOf, recipeLine } from './render-words.ts';
import { copyRows } from './picture-rows.ts';
import type { Text } from '../text/text.ts';

/** A larger copy of one of a job's pictures, as a message of its own. */
export function renderEnlarged(
  job: Pick<Job, 'id' | 'request' | 'result'>,
  picture: Picture,
  more: {
    text: Text;
    url: string | null;
    index: number;
    asker: string;
    factor?: number;
    /** the network that made it; null: none, every pixel was carried over */
    by?: string | null;
  },
): Rendered {
  const { text, url, factor = 2, by = null } = more;
  const from = url === null ? text.anEarlierPicture : `[${text.thisPicture}](${url})`;
  const name = `darkroom-${job.id}-${more.index + 1}-${factor}x.${picture.format}`;
  const description = shorten(text.altText(plainLine(promptOf(job))), ALT_TEXT_LIMIT);
  const lines = [
    ...(quoted(promptOf(job), PROMPT_SHOWN) === ''
      ? []
      : [`> ${quoted(promptOf(job), PROMPT_SHOWN)}`]),
    `-# ${by === null ? text.enlargedFrom(from) : text.upscaledFrom(from, factor, quoted(by, 60))} · ${text.by(`<@${more.asker}>`)}`,
    ...(picture.reduced ? [`-# ${text.smallerCopy}`] : []),
  ];
  return {
    components: [
      gallery([{ name, description }]),
      paragraph(lines),
      ...copyRows(job.id, more.index, text),
    ],
    files: [{ name, description, data: picture.data, contentType: `image/${picture.format}` }],
  };
}

/** One of a job's pictures, as its owner shows it to everybody. */
export function renderPosted(
  job: Pick<Job, 'id' | 'userId' | 'request' | 'result'>,
  picture: Picture,
  { text, index }: { text: Text; index: number },
): Rendered {
  const name = `darkroom-${job.id}-${index + 1}.${picture.format}`;
  const description = shorten(text.altText(plainLine(promptOf(job))), ALT_TEXT_LIMIT);
  const lines = [
    `> ${quoted(promptOf(job), PROMPT_SHOWN) || text.emptyPrompt}`,
    `-# ${recipeLine(readable(job), job.result, text)}`,
    `-# ${text.postedFrom(`<@${job.userId}>`)}`,
    ...(picture.reduced ? [`-# ${text.smallerCopy}`] : []),
  ];
  return {
    components: [
      gallery([{ name, description }]),
      paragraph(lines),
      ...copyRows(job.id, index, text),
    ],
    files: [{ name, description, data: picture.data, contentType: `image/${picture.format}` }],
  };
}

/** A larger copy of a picture that somebody else made. */
export function renderFound(
  picture: Picture,
  { text, url, asker }: { text: Text; url: string | null; asker: string },
): Rendered {
  const from = url === null ? text.anEarlierPicture : `[${text.thisPicture}](${url})`;
  const file = {
    name: `enlarged-2x.${picture.format}`,
    description: text.enlargedAlt,
    data: picture.data,
    contentType: `image/${picture.format}`,
  };
  const lines = [
    `-# ${text.enlargedFrom(from)} · ${text.by(`<@${asker}>`)}`,
    ...(picture.reduced ? [`-# ${text.smallerCopy}`] : []),
  ];
  return { components: [gallery([file]), paragraph(lines)], files: [file] };
}

/** Words, and a file to keep rather than to look at. */
export function renderFile(lines: readonly string[], file: MessageFile | null): Rendered {
  if (file === null) return words(lines, []);
  const shown = { type: ComponentType.File as const, file: { url: `attachment://${file.name}` } };
  return { components: [paragraph(lines), shown], files: [file] };
}
