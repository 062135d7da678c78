/** A classic embed. */
import type { APIAttachment, APIEmbed, APIEmbedField } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { pictureOfMedia, safeUrl } from './files.ts';
import { html } from '../html.ts';
import { Gallery, SteadyImage } from './media.ts';
import { Markdown } from './text.ts';
import { messageTime } from './time.ts';

export const hexColour = (colour: number): string => `#${colour.toString(16).padStart(6, '0')}`;

/** Draws an embed; its pictures may be the message's own files. */
export function Embed({
  embed,
  files,
}: {
  embed: APIEmbed;
  files: readonly APIAttachment[];
}): VNode {
  const colour = embed.color === undefined ? '' : `--accent:${hexColour(embed.color)}`;
  const image = (media: {
    url: string;
    width?: number;
    height?: number;
  }): ReturnType<typeof pictureOfMedia> =>
    pictureOfMedia({ media, description: embed.title ?? null }, files);
  const when = embed.timestamp ? messageTime(new Date(embed.timestamp), new Date()) : '';
  const footer = [embed.footer?.text, when].filter(Boolean).join(' • ');
  return html`<article class="embed" style=${colour}>
    <div class="embed-main">
      ${embed.author && html`<div class="embed-author">${maybeLink(embed.author.name, embed.author.url)}</div>`}
      ${embed.title && html`<div class="embed-title">${maybeLink(embed.title, embed.url)}</div>`}
      ${embed.description && html`<${Markdown} text=${embed.description} />`}
      ${embed.fields?.length ? html`<div class="embed-fields">${embed.fields.map(field)}</div>` : null}
      ${embed.image && html`<${Gallery} pictures=${[image(embed.image)]} />`}
      ${footer && html`<div class="embed-footer">${footer}</div>`}
    </div>
    ${
      embed.thumbnail &&
      html`<${SteadyImage} class="embed-thumbnail" src=${image(embed.thumbnail).url} alt="" />`
    }
  </article>`;
}

function field(entry: APIEmbedField): VNode {
  return html`<div class=${entry.inline ? 'embed-field inline' : 'embed-field'}>
    <div class="embed-field-name"><${Markdown} text=${entry.name} /></div>
    <${Markdown} text=${entry.value} />
  </div>`;
}

function maybeLink(text: string, url: string | undefined): VNode | string {
  const href = url && /^https?:/.test(url) ? safeUrl(url) : '';
  if (!href) return text;
  return html`<a class="link" href=${href} target="_blank" rel="noopener noreferrer">${text}</a>`;
}
