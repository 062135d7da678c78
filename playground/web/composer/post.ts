/** A picture that is posted as a message: chosen, dropped or pasted, shown above the line until it is sent. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Client } from '../client.ts';
import { html } from '../html.ts';
import { icons } from '../frame/icons.ts';

export type Attached = { file: File; id: string | null; shown: string };

export type Post = {
  attached: Attached | null;
  add: (file: File) => void;
  remove: () => void;
  /** Sends what is attached with these words; words about why not, or null. */
  send: (words: string) => string | null;
};

/** Keeps the picture that is about to be posted. It is uploaded at once and dropped when the channel changes. */
export function usePost(client: Client, channelId: string): Post {
  const [attached, setAttached] = useState<Attached | null>(null);
  const remove = (): void => {
    setAttached((before) => {
      if (before) URL.revokeObjectURL(before.shown);
      return null;
    });
  };
  useEffect(remove, [channelId]);
  const add = (file: File): void => {
    remove();
    const shown = URL.createObjectURL(file);
    setAttached({ file, id: null, shown });
    client.upload(file).then(
      ({ id }) => setAttached((now) => (now?.file === file ? { ...now, id } : now)),
      (error: unknown) => {
        remove();
        client.notice((error as Error).message);
      },
    );
  };
  const send = (words: string): string | null => {
    if (!attached) return null;
    if (attached.id === null) return `${attached.file.name} is still uploading.`;
    if (!client.say(words, [attached.id])) return 'The connection is down at the moment.';
    remove();
    client.notice('Right-click your picture, or hold it, for Apps: Recipe, Reimagine and more.');
    return null;
  };
  return { attached, add, remove, send };
}

/**
 * Draws the button that chooses a picture to post. Its input is emptied each time, so that the same file may be
 * chosen again.
 */
export function AttachButton({ onFile }: { onFile: (file: File) => void }): VNode {
  const input = useRef<HTMLInputElement>(null);
  const take = (): void => {
    const file = input.current?.files?.[0];
    if (file) onFile(file);
    if (input.current) input.current.value = '';
  };
  return html`<span class="attach">
    <button
      type="button"
      class="plain"
      aria-label="Post a picture"
      title="Post a picture"
      onClick=${() => input.current?.click()}
    >
      ${icons.plus()}
    </button>
    <input
      ref=${input}
      type="file"
      accept="image/png,image/jpeg,image/webp"
      tabindex="-1"
      aria-label="Picture to post"
      onChange=${take}
    />
  </span>`;
}

/** Shows the picture about to be posted, with a way to drop it; null where there is none. */
export function AttachedView({ post }: { post: Post }): VNode | null {
  const { attached } = post;
  if (!attached) return null;
  return html`<figure class="attached">
    <img src=${attached.shown} alt="" />
    <figcaption>${attached.file.name}${attached.id === null ? ' · uploading…' : ''}</figcaption>
    <button type="button" class="plain" aria-label="Do not post it" onClick=${post.remove}>
      ${icons.close()}
    </button>
  </figure>`;
}
