import { UserError } from '../../engine/errors.ts';
import { plainLine, quoted } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';
import { entriesIn } from '../wildcards/lists.ts';
import type { WildcardList } from '../wildcards/lists.ts';
import { type KeptIn, openRows } from './row-store.ts';

/** The lists of words that a server curates for `__name__` in prompts. */
export type WildcardStore = {
  /** of one server, by name; none in direct messages */
  list(guildId: string | null): Promise<readonly WildcardList[]>;
  /**
   * Replaces the list `before` (null: none), or the one of the same name. @throws UserError when there are too many or
   * its name is none, Error when not stored
   */
  save(guildId: string, before: string | null, list: WildcardList, text: Text): Promise<void>;
  /** False when there was none. */
  remove(guildId: string, name: string): Promise<boolean>;
  close(): Promise<void>;
};

/** What one select of the panel holds. */
export const LIST_LIMIT = 25;
export const LIST_NAME_LIMIT = 40;
const ROW_VERSION = 1;
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} _./-]*[\p{L}\p{N}])?$/u;

/** `file`: a path, created when absent, or ':memory:'; it may be shared with other stores. */
export function openWildcardStore(options: KeptIn): WildcardStore {
  const rows = openRows({ ...options, namespace: 'wildcards' });

  const list = async (guildId: string | null) =>
    guildId === null ? [] : readLists(await rows.get(guildId));
  const store = (guildId: string, lists: readonly WildcardList[]) =>
    rows.set(guildId, { version: ROW_VERSION, lists });
  const same = (a: string, b: string) => a.trim().toLowerCase() === b.trim().toLowerCase();

  return {
    list,
    async save(guildId, before, { name, entries }, text) {
      const plain = plainLine(name).replaceAll(/^_+|_+$/g, '');
      if (plain.length > LIST_NAME_LIMIT || !NAME.test(plain)) {
        throw new UserError(text.wildcards.badName(quoted(name, 60), LIST_NAME_LIMIT));
      }
      const others = (await list(guildId)).filter(
        (one) => !same(one.name, plain) && (before === null || !same(one.name, before)),
      );
      if (others.length >= LIST_LIMIT) throw new UserError(text.wildcards.tooMany(LIST_LIMIT));
      const lists = [...others, { name: plain, entries }].toSorted((a, b) =>
        a.name.localeCompare(b.name, 'en'),
      );
      await store(guildId, lists);
    },
    async remove(guildId, name) {
      const all = await list(guildId);
      const kept = all.filter((one) => !same(one.name, name));
      if (kept.length === all.length) return false;
      await store(guildId, kept);
      return true;
    },
    close: () => rows.close(),
  };
}

/** A row of any age or origin -> what of it is still good. */
function readLists(row: unknown): WildcardList[] {
  const stored: unknown = Object(row).lists;
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((value: unknown) => {
    const { name, entries } = Object(value);
    if (typeof name !== 'string' || name.length > LIST_NAME_LIMIT || !NAME.test(name)) return [];
    if (!Array.isArray(entries)) return [];
    return [
      { name, entries: entriesIn(entries.filter((one) => typeof one === 'string').join('\n')) },
    ];
  });
}
