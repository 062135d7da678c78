import { createHash } from 'node:crypto';
import { UserError } from '../../src/engine/errors.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { LIST_NAME_LIMIT } from '../../src/bot/stores/wildcard-store.ts';
import { entriesIn } from '../../src/bot/wildcards/lists.ts';
import type { WildcardList } from '../../src/bot/wildcards/lists.ts';
import { stored } from '../personal/presets.ts';
import { line } from '../picture/remix.ts';

/** A form of the panel, filled in with what holds now. */
export type PanelForm = { title: string; id?: string; lines: ReturnType<typeof line>[] };

/** Stands for a list's name in an id, which takes few signs. */
export function listKey(name: string): string {
  return createHash('sha256').update(name.toLowerCase()).digest('hex').slice(0, 16);
}

/** The form of one list; `key` null: of a new one. @throws UserError when the list is gone */
export async function listForm(
  key: string | null,
  guildId: string,
  { wildcardStore, text }: Scene,
): Promise<PanelForm> {
  const lists = await wildcardStore.list(guildId);
  const list = key === null ? null : lists.find(({ name }) => listKey(name) === key);
  if (list === undefined) throw new UserError(text.wildcards.deleted);
  const { pages, fields } = text.panel;
  const name = line('name', fields.listName, list?.name ?? '', false, true, LIST_NAME_LIMIT);
  const entries = line('entries', fields.listEntries, list?.entries.join('\n') ?? '', true);
  return { title: pages.lists, id: `list-${key ?? 'new'}`, lines: [name, entries] };
}

/** Stores what was typed; no entries delete the list. @throws UserError for what cannot be */
export async function applyList(
  key: string,
  typed: { name: string; entries: string },
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { wildcardStore, text } = scene;
  const before =
    (await wildcardStore.list(guildId)).find(({ name }) => listKey(name) === key)?.name ?? null;
  const list: WildcardList = { name: typed.name, entries: entriesIn(typed.entries) };
  if (list.entries.length > 0) {
    await stored(scene, () => wildcardStore.save(guildId, before, list, text));
  } else if (before === null) throw new UserError(text.wildcards.empty);
  else await stored(scene, () => wildcardStore.remove(guildId, before));
}
