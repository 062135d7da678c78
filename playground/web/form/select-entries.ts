/** What a select menu offers and how its keys move. Pure. */
import type { APISelectMenuComponent } from 'discord-api-types/v10';
import type { PlaygroundGuild, PlaygroundUser } from '../../protocol.ts';
import { spokenName } from '../frame/sidebar.ts';

export type Entry = { value: string; label: string; description: string; emoji: string };
export type People = { guild: PlaygroundGuild | null; users: readonly PlaygroundUser[] };

const SELECT = { string: 3, user: 5, role: 6, mentionable: 7, channel: 8 } as const;
/** Discord's numbers of the kinds of channels; threads are never offered. */
const KINDS = { text: 0, voice: 2, announcement: 5, forum: 15, thread: 11, 'private-thread': 12 };

/** What a select offers: its own options, or the server's people, roles and text channels. */
export function entriesOf(select: APISelectMenuComponent, { guild, users }: People): Entry[] {
  if ('options' in select) {
    return select.options.map((o) => ({
      value: o.value,
      label: o.label,
      description: o.description ?? '',
      emoji: emojiText(o.emoji),
    }));
  }
  const entry = (value: string, label: string): Entry => ({
    value,
    label,
    description: '',
    emoji: '',
  });
  const people = users
    .filter((user) => guild?.members.includes(user.id))
    .map((user) => entry(user.id, user.name));
  const roles = (guild?.roles ?? []).map((role) =>
    entry(role.id, `@${role.name.replace(/^@/, '')}`),
  );
  const type = select.type as number;
  if (type === SELECT.user) return people;
  if (type === SELECT.role) return roles;
  if (type === SELECT.mentionable) return [...people, ...roles];
  const kinds =
    'channel_types' in select ? (select.channel_types as number[] | undefined) : undefined;
  return (guild?.channels ?? [])
    .filter((channel) => !channel.parentId)
    .filter(({ kind = 'text' }) => !kinds || kinds.length === 0 || kinds.includes(KINDS[kind]))
    .map((channel) => entry(channel.id, spokenName(channel, channel.name)));
}

/** Lists the values that a select menu begins with. */
export function defaultsOf(select: APISelectMenuComponent): string[] {
  if ('options' in select) return select.options.filter((o) => o.default).map((o) => o.value);
  return (select.default_values ?? []).map((value) => value.id);
}

/** Writes an emoji as text; a server's own by its name between colons, as its picture is not here. */
export function emojiText(emoji: { id?: string; name?: string } | undefined): string {
  if (!emoji?.name) return '';
  return emoji.id ? `:${emoji.name}:` : emoji.name;
}

/** Where a key takes the highlight among `count` entries; null when the key does not move it. */
export function movedTo(key: string, at: number, count: number): number | null {
  const last = Math.max(0, count - 1);
  switch (key) {
    case 'ArrowDown':
      return at >= last ? 0 : at + 1;
    case 'ArrowUp':
      return at <= 0 ? last : at - 1;
    case 'PageDown':
      return Math.min(last, at + 8);
    case 'PageUp':
      return Math.max(0, at - 8);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

/** The next entry after `at` that begins with the typed letter; null when none does. */
export function typedTo(letter: string, at: number, entries: readonly Entry[]): number | null {
  const typed = letter.toLowerCase();
  const order = entries.map((_, index) => (at + 1 + index) % entries.length);
  return order.find((index) => entries[index]!.label.toLowerCase().startsWith(typed)) ?? null;
}
