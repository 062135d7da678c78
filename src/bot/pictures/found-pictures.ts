import type { ImageSize } from '../../engine/request.ts';
import { type KeptIn, openRows } from '../stores/row-store.ts';

/** The pictures of somebody's message that a person points at while a form about them is open. */
export type FoundPictures = {
  messageId: string;
  /** for the lineage; null where nobody else could follow it */
  messageUrl: string | null;
  /** only that person sees the message, and what comes of it */
  hidden: boolean;
  /** `url`: signed by Discord, good for about a day */
  pictures: readonly { url: string; size: ImageSize }[];
  /** what could be read of how it was made; absent: nothing */
  words?: FoundWords;
};

/** As they stand in a form. */
export type FoundWords = { prompt: string; negative: string; size: string; steps: string };

/** One row a person: the message they pointed at last. It outlives a restart, as the form does. */
export type FoundStore = {
  /** @throws Error when the row could not be stored */
  keep(userId: string, found: FoundPictures): Promise<void>;
  /** null when they pointed at another message since */
  of(userId: string, messageId: string): Promise<FoundPictures | null>;
  /** Nothing is known of this person any more. */
  forget(userId: string): Promise<void>;
  close(): Promise<void>;
};

const ROW_VERSION = 1;

/** `file`: a path, created when absent, or ':memory:'; it may be shared with other stores. */
export function openFound(options: KeptIn): FoundStore {
  const rows = openRows({ ...options, namespace: 'found' });
  return {
    keep: (userId, found) => rows.set(userId, { version: ROW_VERSION, ...found }),
    async of(userId, messageId) {
      const found = readFound(await rows.get(userId));
      return found?.messageId === messageId ? found : null;
    },
    forget: (userId) => rows.delete(userId),
    close: () => rows.close(),
  };
}

/** A row of any age or origin -> what it says, or null. */
function readFound(row: unknown): FoundPictures | null {
  const { messageId, messageUrl, hidden, pictures, words } = Object(row);
  if (typeof messageId !== 'string' || !Array.isArray(pictures)) return null;
  const good = pictures.flatMap((one: unknown) => {
    const { url, size } = Object(one);
    const { width, height } = Object(size);
    const fits = typeof url === 'string' && width > 0 && height > 0;
    return fits ? [{ url, size: { width: Number(width), height: Number(height) } }] : [];
  });
  return {
    messageId,
    messageUrl: typeof messageUrl === 'string' ? messageUrl : null,
    hidden: hidden === true,
    pictures: good,
    ...(typeof words === 'object' && words !== null && { words: readWords(words) }),
  };
}

function readWords(row: object): FoundWords {
  const text = (name: string): string => {
    const value: unknown = Object(row)[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    prompt: text('prompt'),
    negative: text('negative'),
    size: text('size'),
    steps: text('steps'),
  };
}
