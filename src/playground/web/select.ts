/** A select menu as Discord draws it: a closed box, a list with a search field, one or several values. */
import type { APISelectMenuComponent } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { PlaygroundGuild, PlaygroundUser } from '../protocol.ts';
import { classes, html } from './html.ts';
import { icons } from './icons.ts';
import { spokenName } from './sidebar.ts';

export type Entry = { value: string; label: string; description: string; emoji: string };
export type People = { guild: PlaygroundGuild | null; users: readonly PlaygroundUser[] };

const SELECT = { string: 3, user: 5, role: 6, mentionable: 7, channel: 8 } as const;
/** Discord's numbers of the kinds of channels; threads are never offered. */
const KINDS = { text: 0, voice: 2, announcement: 5, forum: 15, thread: 11, 'private-thread': 12 };
const LIST_HEIGHT = 320;

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

export function defaultsOf(select: APISelectMenuComponent): string[] {
  if ('options' in select) return select.options.filter((o) => o.default).map((o) => o.value);
  return (select.default_values ?? []).map((value) => value.id);
}

export function emojiText(emoji: { id?: string; name?: string } | undefined): string {
  if (!emoji?.name) return '';
  return emoji.id ? `:${emoji.name}:` : emoji.name;
}

export function SelectMenu(props: {
  entries: readonly Entry[];
  chosen: readonly string[];
  placeholder: string;
  min: number;
  max: number;
  disabled: boolean;
  busy?: boolean;
  label?: string;
  onChoose: (values: readonly string[]) => void;
}): VNode {
  const { entries, min, max } = props;
  const [open, setOpen] = useState(false);
  const [draft, setDraft] = useState(props.chosen);
  const [search, setSearch] = useState('');
  const [at, setAt] = useState(0);
  const [up, setUp] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const several = max > 1;
  const key = props.chosen.join('\n');
  useEffect(() => setDraft(props.chosen), [key]);

  const shown = entries.filter((e) => e.label.toLowerCase().includes(search.toLowerCase()));
  const close = (focus: boolean): void => {
    setOpen(false);
    setSearch('');
    if (focus) box.current?.querySelector<HTMLElement>('.select-box')?.focus();
    if (several && draft.join('\n') !== key) {
      if (draft.length >= min) props.onChoose(draft);
      else setDraft(props.chosen);
    }
  };
  const pick = (entry: Entry | undefined): void => {
    if (!entry) return;
    if (!several) {
      setDraft([entry.value]);
      setOpen(false);
      setSearch('');
      box.current?.querySelector<HTMLElement>('.select-box')?.focus();
      props.onChoose([entry.value]);
    } else if (draft.includes(entry.value)) {
      setDraft(draft.filter((value) => value !== entry.value));
    } else if (draft.length < max) {
      setDraft([...draft, entry.value]);
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) setAt((at + move + shown.length) % Math.max(1, shown.length));
    else if (event.key === 'Enter') pick(shown[at]);
    else if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') return close(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onFocusOut = (event: FocusEvent): void => {
    if (open && !box.current?.contains(event.relatedTarget as Node | null)) close(false);
  };
  const labels = entries.filter((entry) => draft.includes(entry.value));
  const list = html`<div class=${classes('select-list', up && 'up')}>
    ${
      entries.length > 7 &&
      html`<input
        class="select-search"
        type="text"
        placeholder="Search"
        aria-label="Search the list"
        value=${search}
        onInput=${(event: InputEvent) => {
          setSearch((event.target as HTMLInputElement).value);
          setAt(0);
        }}
      />`
    }
    <ul role="listbox" id=${id} aria-multiselectable=${several}>
      ${shown.map((entry, index) => {
        const on = draft.includes(entry.value);
        return html`<li
          key=${entry.value}
          id=${`${id}-${index}`}
          role="option"
          aria-selected=${on}
          class=${classes('select-entry', index === at && 'at', on && 'on')}
          onMouseDown=${(event: MouseEvent) => event.preventDefault()}
          onClick=${() => pick(entry)}
          onMouseEnter=${() => setAt(index)}
          ref=${(node: HTMLElement | null) => index === at && node?.scrollIntoView({ block: 'nearest' })}
        >
          ${entry.emoji && html`<span class="select-emoji">${entry.emoji}</span>`}
          <span class="select-words">
            <span>${entry.label}</span>
            ${entry.description && html`<small>${entry.description}</small>`}
          </span>
          ${on && icons.check()}
        </li>`;
      })}
      ${shown.length === 0 && html`<li class="select-none">Nothing to choose from here.</li>`}
    </ul>
  </div>`;
  return html`<div
    class=${classes('select', open && 'open', props.busy && 'busy')}
    ref=${box}
    onKeyDown=${onKeyDown}
    onFocusOut=${onFocusOut}
  >
    <button
      type="button"
      class="select-box"
      role="combobox"
      aria-haspopup="listbox"
      aria-expanded=${open}
      aria-controls=${id}
      aria-activedescendant=${open ? `${id}-${at}` : undefined}
      aria-label=${props.label ?? props.placeholder}
      disabled=${props.disabled}
      onClick=${() => {
        if (open) return close(true);
        setAt(
          Math.max(
            0,
            entries.findIndex((entry) => draft.includes(entry.value)),
          ),
        );
        const bottom = box.current?.getBoundingClientRect().bottom ?? 0;
        setUp(bottom > innerHeight - LIST_HEIGHT && bottom > innerHeight / 2);
        setOpen(true);
      }}
    >
      <span class=${classes('select-value', labels.length === 0 && 'placeholder')}>
        ${
          labels.length === 0
            ? props.placeholder
            : labels.map((entry) => [entry.emoji, entry.label].filter(Boolean).join(' ')).join(', ')
        }
      </span>
      ${icons.down()}
    </button>
    ${
      !several &&
      min === 0 &&
      draft.length > 0 &&
      html`<button
        type="button"
        class="select-clear"
        aria-label="Clear"
        disabled=${props.disabled}
        onClick=${() => {
          setDraft([]);
          props.onChoose([]);
        }}
      >
        ${icons.close()}
      </button>`
    }
    ${open && list}
  </div>`;
}
