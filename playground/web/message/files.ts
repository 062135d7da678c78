/** Attachments of a message as pictures or file cards. */
import type { APIAttachment, APIUnfurledMediaItem } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import type { Picture } from './media.ts';

const SPOILER_FLAG = 8;

/** Is it a picture, by its content type or else by its name's ending? */
export function isPicture(file: { content_type?: string | null; filename?: string }): boolean {
  if (file.content_type) return file.content_type.startsWith('image/');
  return /\.(?:png|jpe?g|webp|gif|avif)$/i.test(file.filename ?? '');
}

/** Takes an attachment as a picture to show. */
export function pictureOfAttachment(file: APIAttachment): Picture {
  return {
    url: file.proxy_url || file.url,
    alt: file.description ?? '',
    width: file.width ?? null,
    height: file.height ?? null,
    spoiler: file.filename.startsWith('SPOILER_') || ((file.flags ?? 0) & SPOILER_FLAG) !== 0,
    name: file.filename,
  };
}

/** Takes a gallery's item as a picture to show; what it lacks is read from the attachment it names. */
export function pictureOfMedia(
  item: { media: APIUnfurledMediaItem; description?: string | null; spoiler?: boolean },
  attachments: readonly APIAttachment[],
): Picture {
  const { media } = item;
  const file = attachmentOf(media.url, attachments);
  return {
    url: safeUrl(media.proxy_url || (file ? file.proxy_url || file.url : media.url)),
    alt: item.description ?? file?.description ?? '',
    width: media.width ?? file?.width ?? null,
    height: media.height ?? file?.height ?? null,
    spoiler: item.spoiler ?? false,
    name: fileNameOf(media.url),
  };
}

function attachmentOf(
  url: string,
  attachments: readonly APIAttachment[],
): APIAttachment | undefined {
  if (!url.startsWith('attachment://')) return undefined;
  const name = url.slice('attachment://'.length);
  return attachments.find((file) => file.filename === name);
}

/** Only what a picture may be loaded from: http(s) and the page's own server. */
export function safeUrl(url: string): string {
  return /^(?:https?:|blob:|\/)/.test(url) ? url : '';
}

/** Reads the file's name from an address, as it is spelt where it cannot be decoded. */
export function fileNameOf(url: string): string {
  const path = url.split(/[?#]/)[0] ?? '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** 1 KB = 1024 bytes, as Discord writes it. */
export function sizeWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(2)} MB`;
}

/** Draws a file to download, with its size in bytes as words where it is known. */
export function FileCard(props: { name: string; size: number | null; url: string }): VNode {
  return html`<a
    class="file-card"
    href=${safeUrl(props.url)}
    download=${props.name}
    target="_blank"
    rel="noopener noreferrer"
  >
    ${icons.file()}
    <span class="file-words">
      <span class="file-name">${props.name}</span>
      ${props.size !== null && html`<span class="file-size">${sizeWords(props.size)}</span>`}
    </span>
  </a>`;
}
