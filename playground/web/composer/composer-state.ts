/** The composer's state and how typing, choosing and moving change it. Pure. */
import type { APIApplicationCommandBasicOption } from 'discord-api-types/v10';
import { filterCommands, type SlashCommand } from './commands.ts';
import {
  addField,
  matchChoice,
  needsPick,
  parseLine,
  remaining,
  removeField,
  typedOptionName,
  withField,
  type Draft,
  type Field,
  type Picked,
} from './draft.ts';

/** Where the caret is: the text line, a field by its option's name, or the end. No option's name has a colon. */
export const TEXT = ':text';
export const END = ':end';

export type ComposerState = {
  text: string;
  draft: Draft | null;
  caret: string;
  /** what is typed after the last pill, looking for another option */
  endText: string;
  /** highlighted row of the list above; -1: none */
  at: number;
  complaint: string | null;
  /** false once Escape has closed the command list */
  open: boolean;
  /** grows whenever the caret must be put where `caret` says */
  focus: number;
};

export const emptyComposer: ComposerState = {
  text: '',
  draft: null,
  caret: TEXT,
  endText: '',
  at: 0,
  complaint: null,
  open: true,
  focus: 0,
};

/** Entries of the command list; null while it is closed. */
export function listedCommands(
  s: ComposerState,
  commands: readonly SlashCommand[],
): SlashCommand[] | null {
  if (s.draft !== null || !s.open || !s.text.startsWith('/') || s.text.includes('\n')) return null;
  return filterCommands(commands, s.text.slice(1));
}

/** Options that the text at the end lets through. */
export function listedOptions(s: ComposerState): APIApplicationCommandBasicOption[] {
  if (!s.draft) return [];
  const typed = s.endText.trim().toLowerCase();
  return remaining(s.draft).filter((option) => option.name.includes(typed));
}

/** Finds the field the caret is in; null in the text line and at the end. */
export function currentField(s: ComposerState): Field | null {
  return s.draft?.fields.find((f) => f.option.name === s.caret) ?? null;
}

export const fieldNames = (s: ComposerState): string[] =>
  s.draft?.fields.map((f) => f.option.name) ?? [];

/** At the end nothing is highlighted, so that Enter sends. */
const highlightAt = (caret: string): number => (caret === END ? -1 : 0);

/**
 * Puts the caret into an option's field, TEXT or END and gives it the focus. What was typed at the end is kept only
 * there.
 */
export function moveTo(s: ComposerState, caret: string): ComposerState {
  const endText = caret === END ? s.endText : '';
  return { ...s, caret, endText, at: highlightAt(caret), focus: s.focus + 1 };
}

/** The person put the caret there with the mouse or a finger. */
export function focused(s: ComposerState, caret: string): ComposerState {
  return s.caret === caret ? s : { ...s, caret, at: highlightAt(caret) };
}

/** One field on or back; the end comes after the last one. */
export function step(s: ComposerState, by: 1 | -1): ComposerState {
  const names = fieldNames(s);
  const here = s.caret === END ? names.length : names.indexOf(s.caret);
  return here + by < 0 ? s : moveTo(s, names[here + by] ?? END);
}

/** Begins a command, with the caret in its first empty field or at the end. */
export function begin(s: ComposerState, draft: Draft): ComposerState {
  const empty = draft.fields.find((f) => f.text === '');
  const next = { ...s, draft, text: '', complaint: null };
  return moveTo(next, empty?.option.name ?? END);
}

/** Back to the text line, with that text in it. */
export function leave(s: ComposerState, text = ''): ComposerState {
  return moveTo({ ...s, draft: null, text, open: true, complaint: null }, TEXT);
}

/** Shows a complaint until something is typed or removed. */
export function complain(s: ComposerState, complaint: string): ComposerState {
  return { ...s, complaint };
}

/** Takes a value from the list, and goes on to the next field that is still empty. */
export function pick(s: ComposerState, entry: Picked): ComposerState {
  if (!s.draft) return s;
  const draft = withField(s.draft, s.caret, entry.label, entry);
  const empty = draft.fields.find((f) => f.text === '' && f.option.name !== s.caret);
  return moveTo({ ...s, draft, complaint: null }, empty?.option.name ?? END);
}

/** Adds an option and puts the caret into it. */
export function choose(s: ComposerState, option: APIApplicationCommandBasicOption): ComposerState {
  if (!s.draft) return s;
  return moveTo({ ...s, draft: addField(s.draft, option), complaint: null }, option.name);
}

/** Takes an option away and moves to the one before it, else to the one behind. */
export function remove(s: ComposerState, name: string): ComposerState {
  if (!s.draft) return s;
  const names = fieldNames(s);
  const index = names.indexOf(name);
  const next = { ...s, draft: removeField(s.draft, name), complaint: null };
  return moveTo(next, names[index - 1] ?? names[index + 1] ?? END);
}

/** Takes what is typed in the text line; a whole command's name and a space begin it. */
export function typeText(
  s: ComposerState,
  text: string,
  commands: readonly SlashCommand[],
): ComposerState {
  const parsed = parseLine(text, commands);
  const typed = { ...s, open: true, at: 0, complaint: null };
  return parsed ? begin(typed, parsed) : { ...typed, text };
}

/**
 * Takes what is typed in an option's field. Another option's name and a colon in it end this value and begin that
 * option.
 */
export function typeField(s: ComposerState, name: string, text: string): ComposerState {
  const field = s.draft?.fields.find((f) => f.option.name === name);
  if (!s.draft || !field) return s;
  const typed = { ...s, at: 0, complaint: null };
  const named = typedOptionName(s.draft, text);
  const other = named && s.draft.command.options.find((o) => o.name === named.name);
  if (named && other && named.name !== name) {
    const match = matchChoice(field.option, named.before);
    const draft = withField(s.draft, name, match?.label ?? named.before, match);
    return choose({ ...typed, draft }, other);
  }
  // The field's own name typed into it: it stands there already.
  return { ...typed, draft: withField(s.draft, name, named ? '' : text, null) };
}

/** Takes what is typed behind the last pill; a whole option's name adds that option. */
export function typeEnd(s: ComposerState, text: string): ComposerState {
  const left = s.draft ? remaining(s.draft) : [];
  const exact = left.find((o) => text.trim() === `${o.name}:` || text === `${o.name} `);
  if (exact) return choose(s, exact);
  return { ...s, endText: text, at: text.trim() === '' ? -1 : 0, complaint: null };
}

/** Text left in a field of fixed values counts as chosen when it names one. */
export function leaveField(s: ComposerState, name: string): ComposerState {
  const field = s.draft?.fields.find((f) => f.option.name === name);
  if (!s.draft || !field || field.picked || !needsPick(field.option)) return s;
  const match = matchChoice(field.option, field.text);
  return match ? { ...s, draft: withField(s.draft, name, match.label, match) } : s;
}

/** A file has arrived at the server for that option. */
export function uploaded(s: ComposerState, name: string, file: Picked): ComposerState {
  if (!s.draft) return s;
  const next = { ...s, draft: withField(s.draft, name, file.label, file) };
  return s.caret === name ? moveTo(next, END) : next;
}
