import { readChoices } from '../order/choices.ts';
import type { Choices } from '../order/choices.ts';
import { type KeptIn, openRows } from './row-store.ts';

/** What one person wants on every server; a command's own options and a preset go before it. */
export type Preferences = {
  choices: Choices;
  /** a locale such as `de`; null: the language of their Discord */
  language: string | null;
  /** `/imagine` answers only them unless told otherwise */
  private: boolean;
};

export type PreferenceStore = {
  get(userId: string): Promise<Preferences>;
  /** @throws Error when the row could not be stored */
  set(userId: string, preferences: Preferences): Promise<void>;
  /** Nothing is known of this person any more. */
  forget(userId: string): Promise<void>;
  close(): Promise<void>;
};

const ROW_VERSION = 1;
export const NO_PREFERENCES: Preferences = { choices: {}, language: null, private: false };

/** `file`: a path, created when absent, or ':memory:'; it may be shared with other stores. */
export function openPreferences(options: KeptIn): PreferenceStore {
  const rows = openRows({ ...options, namespace: 'preferences' });
  return {
    async get(userId) {
      return readPreferences(await rows.get(userId));
    },
    set: (userId, preferences) => rows.set(userId, { version: ROW_VERSION, ...preferences }),
    forget: (userId) => rows.delete(userId),
    close: () => rows.close(),
  };
}

/** A row of any age or origin -> what of it is still good. */
export function readPreferences(row: unknown): Preferences {
  const fields = Object(row);
  return {
    choices: readChoices(fields.choices),
    language: typeof fields.language === 'string' ? fields.language : null,
    private: fields.private === true,
  };
}
