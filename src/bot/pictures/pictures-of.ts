import type { Attachment, Message } from 'discord.js';
import { UserError } from '../../engine/errors.ts';
import type { StorablePicture } from '../../engine/picture/enlarge.ts';
import type { PictureReader } from '../../engine/picture/picture-reader.ts';
import { parseCustomId } from '../interaction/custom-id.ts';
import { DOWNLOAD_LIMIT } from './media.ts';
import type { Media } from './media.ts';
import type { Text } from '../text/text.ts';
import { createMutex } from '../../engine/mutex.ts';

/** Work on whole pictures, one after the other over all interactions: decoded pixels are large. */
export const inTurn = createMutex();

/**
 * A picture somebody attached: what it says of its type and size is not believed, what it holds is.
 * @throws UserError when it cannot be fetched, is no still PNG, JPEG or WebP, is damaged or too large
 */
export async function attachedPicture(
  attachment: Pick<Attachment, 'url' | 'size'>,
  { media, reader, text }: { media: Media; reader: PictureReader; text: Text },
): Promise<StorablePicture> {
  if (attachment.size > DOWNLOAD_LIMIT) {
    throw new UserError(text.fileTooLarge(DOWNLOAD_LIMIT / 1024 / 1024));
  }
  return reader.start(await media.download(attachment.url, text));
}

const PICTURE_NAME = /\.(png|jpe?g|webp)$/i;

type Showing = Pick<Message, 'attachments' | 'embeds' | 'components'>;
/** A forwarded message holds copies of what it forwards. */
type WithForwarded = Showing & { messageSnapshots?: ReadonlyMap<string, Partial<Showing>> };

/** Links of the pictures a message shows or forwards: files, embeds, galleries; only those that Discord keeps itself. */
export function pictureLinks(message: WithForwarded, media: Media): string[] {
  const sources = [message, ...(message.messageSnapshots?.values() ?? [])];
  const all = sources.flatMap(linksIn).filter((url) => media.trusts(url));
  const byPath = new Map(all.map((url) => [new URL(url).pathname, url]));
  return [...byPath.values()].slice(0, 10);
}

function linksIn({ attachments, embeds, components }: Partial<Showing>): string[] {
  const files = [...(attachments?.values() ?? [])]
    .filter(({ name, contentType }) => contentType?.startsWith('image/') || PICTURE_NAME.test(name))
    .map(({ url }) => url);
  const inEmbeds = (embeds ?? []).flatMap(({ image, thumbnail }) =>
    [image?.url ?? thumbnail?.url].filter((url) => url !== undefined),
  );
  const shown = (components ?? []).flatMap((component) => mediaLinks(component.toJSON()));
  return [...files, ...inEmbeds, ...shown];
}

function mediaLinks(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(mediaLinks);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'media' in value ? Object(value.media).url : undefined;
  return [
    ...(typeof own === 'string' ? [own] : []),
    ...Object.values(value).flatMap((inner) =>
      typeof inner === 'object' ? mediaLinks(inner) : [],
    ),
  ];
}

/** The job that one of our own messages shows, by its buttons; null for any other message. */
export function jobIdOf(
  message: Pick<Message, 'author' | 'components'>,
  ourUserId: string,
): string | null {
  if (message.author.id !== ourUserId) return null;
  const json = JSON.stringify(message.components.map((component) => component.toJSON()));
  for (const [, text = ''] of json.matchAll(/"custom_id":"([^"\\]+)"/g)) {
    const parsed = parseCustomId(text);
    if (parsed.kind === 'valid') return parsed.id.jobId;
  }
  return null;
}
