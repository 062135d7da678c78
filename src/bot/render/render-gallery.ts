import { ButtonStyle, ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent } from 'discord.js';
import type { Job } from '../../queue/job.ts';
import { customId } from '../interaction/custom-id.ts';
import type { Text } from '../text/text.ts';
import { plainLine, quoted, shorten } from './markdown.ts';
import { ALT_TEXT_LIMIT, paragraph } from './render.ts';
import type { Rendered } from './render.ts';
import { promptOf } from './render-words.ts';

/** One picture on the wall: a small copy, and where its message is. */
export type Hung = {
  job: Pick<Job, 'id' | 'userId' | 'request'>;
  index: number;
  picture: Uint8Array;
  url: string | null;
  spoiler: boolean;
};

/** A page of a server's gallery. Pure. */
export function renderGallery(
  hung: readonly Hung[],
  page: number,
  isLast: boolean,
  text: Text,
): Rendered {
  if (hung.length === 0) {
    return {
      components: [paragraph([page === 0 ? text.galleryEmpty : text.galleryEnd])],
      files: [],
    };
  }
  const files = hung.map(({ job, index, picture }, at) => ({
    name: `gallery-${at + 1}-${job.id}-${index + 1}.webp`,
    description: shorten(text.altText(plainLine(promptOf(job))), ALT_TEXT_LIMIT),
    data: picture,
    contentType: 'image/webp',
  }));
  const lines = hung.map(({ job, url }, at) => {
    const prompt = quoted(promptOf(job), 90) || text.emptyPrompt;
    const link = url === null ? '' : ` · ${text.showMessage(url)}`;
    return `${at + 1}\\. ${prompt} · ${text.by(`<@${job.userId}>`)}${link}`;
  });
  const wall: APIMessageTopLevelComponent = {
    type: ComponentType.MediaGallery,
    items: files.map(({ name, description }, at) => ({
      media: { url: `attachment://${name}` },
      description,
      ...(hung[at]?.spoiler ? { spoiler: true } : {}),
    })),
  };
  const turn = (to: number, label: string) => ({
    type: ComponentType.Button as const,
    custom_id: customId('gallery', NO_JOB, `p-${to}`),
    label,
    style: ButtonStyle.Secondary as const,
  });
  const buttons = [
    ...(page > 0 ? [turn(page - 1, text.buttonNewer)] : []),
    ...(isLast ? [] : [turn(page + 1, text.buttonOlder)]),
  ];
  const rows: APIMessageTopLevelComponent[] =
    buttons.length === 0 ? [] : [{ type: ComponentType.ActionRow, components: buttons }];
  return { components: [paragraph([text.galleryTitle]), wall, paragraph(lines), ...rows], files };
}

const NO_JOB = '000000000000';
