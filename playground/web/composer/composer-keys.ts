/** What each key does in the composer. Pure: the keyboard event is read, never changed. */
import type { SlashCommand } from './commands.ts';
import {
  begin,
  choose,
  complain,
  currentField,
  END,
  fieldNames,
  leave,
  listedOptions,
  pick,
  remove,
  step,
  type ComposerState,
} from './composer-state.ts';
import { startDraft } from './draft.ts';
import type { Suggestions } from './suggestions.ts';

export type Key = {
  key: string;
  shift: boolean;
  /** the field's text and whether the caret is at its very start or end */
  value: string;
  atStart: boolean;
  atEnd: boolean;
};
export type Lists = { commands: readonly SlashCommand[] | null; suggestions: Suggestions };

/** A new state, something to do, or null: the browser's own answer to the key stands. */
export type KeyAnswer = ComposerState | 'submit' | 'say' | 'recall' | 'hush' | null;

/**
 * Answers a key. Arrows move through the list above; Escape leaves the command, closes the list, or ("hush") puts a
 * notice away.
 */
export function answerKey(s: ComposerState, key: Key, lists: Lists): KeyAnswer {
  if (key.key === 'ArrowDown' || key.key === 'ArrowUp') return highlight(s, key, lists);
  if (key.key === 'Escape') {
    if (s.draft) return leave(s);
    return lists.commands ? { ...s, open: false } : 'hush';
  }
  return s.draft ? inCommand(s, key, lists) : inText(s, key, lists);
}

function highlight(s: ComposerState, { key }: Key, lists: Lists): KeyAnswer {
  if (key === 'ArrowUp' && !s.draft && s.text === '') return 'recall';
  const rows = rowCount(s, lists);
  if (rows === 0) return null;
  const by = key === 'ArrowDown' ? 1 : s.at < 0 ? 0 : -1;
  return { ...s, at: (s.at + by + rows) % rows };
}

function rowCount(s: ComposerState, lists: Lists): number {
  if (lists.commands) return lists.commands.length;
  return s.caret === END ? listedOptions(s).length : lists.suggestions.entries.length;
}

function inText(s: ComposerState, { key, shift }: Key, { commands }: Lists): KeyAnswer {
  if (shift || (key !== 'Enter' && key !== 'Tab')) return null;
  const command = commands?.[s.at] ?? commands?.[0];
  if (command) return begin(s, startDraft(command));
  return key === 'Enter' ? 'say' : null;
}

function inCommand(s: ComposerState, key: Key, lists: Lists): KeyAnswer {
  switch (key.key) {
    case 'Enter':
      return enter(s, lists);
    case 'Tab':
      return tab(s, key, lists);
    case 'Backspace':
      return key.value === '' ? backspace(s) : null;
    case 'ArrowLeft':
      return key.atStart && s.caret !== fieldNames(s)[0] ? step(s, -1) : null;
    case 'ArrowRight':
      return key.atEnd && s.caret !== END ? step(s, 1) : null;
    default:
      return null;
  }
}

function enter(s: ComposerState, { suggestions }: Lists): KeyAnswer {
  if (s.caret === END) {
    const option = listedOptions(s)[s.at];
    if (option) return choose(s, option);
    const typed = s.endText.trim();
    return typed
      ? complain(s, `/${s.draft?.command.name ?? ''} has no option “${typed}”.`)
      : 'submit';
  }
  // While the bot is still asked, its last list belongs to other text: the text itself is what counts.
  const entry = suggestions.state === 'ready' ? suggestions.entries[s.at] : undefined;
  return entry ? pick(s, entry) : 'submit';
}

function tab(s: ComposerState, { shift }: Key, { suggestions }: Lists): KeyAnswer {
  const names = fieldNames(s);
  if (shift) {
    const first = s.caret === names[0] || (s.caret === END && names.length === 0);
    return first ? null : step(s, -1);
  }
  if (s.caret === END) {
    const option = listedOptions(s)[s.at];
    return option ? choose(s, option) : null;
  }
  const entry = suggestions.state === 'ready' ? suggestions.entries[s.at] : undefined;
  return entry && currentField(s)?.text !== '' ? pick(s, entry) : step(s, 1);
}

function backspace(s: ComposerState): KeyAnswer {
  const field = currentField(s);
  if (field && !field.option.required) return remove(s, s.caret);
  const names = fieldNames(s);
  if (names.length > 0 && s.caret !== names[0]) return step(s, -1);
  const untouched = s.draft?.fields.every((f) => f.text === '') ?? false;
  return untouched ? leave(s, `/${s.draft?.command.name ?? ''}`) : null;
}
