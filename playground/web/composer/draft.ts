/** A slash command while it is being filled in: fields, validation in words, pasted text. Pure. */
import type {
  APIApplicationCommandBasicOption,
  APIApplicationCommandOptionChoice,
} from 'discord-api-types/v10';
import type { CommandValue } from '../../protocol.ts';
import { OPTION, type SlashCommand } from './commands.ts';

/** `picked`: the value behind the text (a choice, a person's id, an upload's id), while the text is its label. */
export type Field = {
  option: APIApplicationCommandBasicOption;
  text: string;
  picked: Picked | null;
};
export type Picked = { label: string; value: string | number | boolean };
export type Draft = { command: SlashCommand; fields: readonly Field[] };

/** Bounds and lists that only some option types carry, read as one shape. */
type Loose = {
  choices?: readonly APIApplicationCommandOptionChoice[];
  autocomplete?: boolean;
  min_value?: number;
  max_value?: number;
  min_length?: number;
  max_length?: number;
};
export const loose = (option: APIApplicationCommandBasicOption): Loose => option as Loose;

/** Begins a command with its required options, all empty. */
export function startDraft(command: SlashCommand): Draft {
  const required = command.options.filter((option) => option.required);
  return { command, fields: required.map((option) => ({ option, text: '', picked: null })) };
}

/** Sets what an option's field says; `picked` is the listed value it stands for, null for typed words. */
export function withField(draft: Draft, name: string, text: string, picked: Picked | null): Draft {
  return {
    ...draft,
    fields: draft.fields.map((f) => (f.option.name === name ? { ...f, text, picked } : f)),
  };
}

/** Adds an empty option behind the others; one that is there stays as it is. */
export function addField(draft: Draft, option: APIApplicationCommandBasicOption): Draft {
  if (draft.fields.some((f) => f.option.name === option.name)) return draft;
  return { ...draft, fields: [...draft.fields, { option, text: '', picked: null }] };
}

/** Takes an option away. */
export function removeField(draft: Draft, name: string): Draft {
  return { ...draft, fields: draft.fields.filter((f) => f.option.name !== name) };
}

/** Options that are not in the draft yet. */
export function remaining(draft: Draft): APIApplicationCommandBasicOption[] {
  return draft.command.options.filter((o) => !draft.fields.some((f) => f.option.name === o.name));
}

/** Short words for an option's type, e.g. "whole number, 1 to 50". */
export function typeWords(option: APIApplicationCommandBasicOption): string {
  const o = loose(option);
  const type = option.type as number;
  const range = between(o.min_value, o.max_value);
  if (type === OPTION.integer) return range ? `whole number, ${range}` : 'whole number';
  if (type === OPTION.number) return range ? `number, ${range}` : 'number';
  if (type === OPTION.boolean) return 'True or False';
  if (type === OPTION.attachment) return 'a file';
  if (type === OPTION.user) return 'a person';
  if (type === OPTION.channel) return 'a channel';
  if (type === OPTION.role) return 'a role';
  if (type === OPTION.mentionable) return 'a person or role';
  return o.choices?.length
    ? 'one of the list'
    : o.autocomplete
      ? 'text or one of the list'
      : 'text';
}

function between(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max !== undefined ? `at most ${max}` : '';
}

/** What is wrong with the field, as a sentence; null when it can be sent (an empty optional one too). */
export function problem(field: Field): string | null {
  const { option, text, picked } = field;
  const o = loose(option);
  const type = option.type as number;
  if (text === '' && picked === null) {
    return option.required ? `“${option.name}” is required.` : null;
  }
  if (picked !== null && picked.label === text) return null;
  if (type === OPTION.attachment) return `“${option.name}” needs a file.`;
  if (needsPick(option)) return `Choose “${option.name}” from the list.`;
  if (type === OPTION.integer || type === OPTION.number) return numberProblem(field, o);
  if (o.min_length !== undefined && text.length < o.min_length) {
    return `“${option.name}” needs at least ${o.min_length} characters, this is ${text.length}.`;
  }
  const most = o.max_length ?? 6000;
  if (text.length > most) {
    return `“${option.name}” takes at most ${most} characters, this is ${text.length}.`;
  }
  return null;
}

function numberProblem({ option, text }: Field, o: Loose): string | null {
  const whole = (option.type as number) === OPTION.integer;
  const value = parseNumber(text);
  if (value === null || (whole && !Number.isSafeInteger(value))) {
    return `“${option.name}” must be a ${whole ? 'whole ' : ''}number, this is “${text}”.`;
  }
  const low = o.min_value !== undefined && value < o.min_value;
  const high = o.max_value !== undefined && value > o.max_value;
  if (!low && !high) return null;
  const range = between(o.min_value, o.max_value);
  return `“${option.name}” must be ${range.startsWith('at') ? '' : 'from '}${range}, this is ${text}.`;
}

function parseNumber(text: string): number | null {
  const clean = text.trim().replace(/^([+-]?\d+),(\d+)$/, '$1.$2');
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(clean) ? Number(clean) : null;
}

/** Whether only a value from a list will do. */
export function needsPick(option: APIApplicationCommandBasicOption): boolean {
  const type = option.type as number;
  const lists: readonly number[] = [
    OPTION.boolean,
    OPTION.user,
    OPTION.channel,
    OPTION.role,
    OPTION.mentionable,
  ];
  return lists.includes(type) || (loose(option).choices?.length ?? 0) > 0;
}

/** The fields as they cross the wire; empty optional ones are left out. Call it when nothing is a problem. */
export function values(draft: Draft): CommandValue[] {
  const out: CommandValue[] = [];
  for (const field of draft.fields) {
    if (field.text === '' && field.picked === null) continue;
    out.push({ name: field.option.name, type: field.option.type, value: valueOf(field) });
  }
  return out;
}

function valueOf({ option, text, picked }: Field): string | number | boolean {
  if (picked !== null && picked.label === text) return picked.value;
  const type = option.type as number;
  if (type === OPTION.integer || type === OPTION.number) return parseNumber(text) ?? text;
  return text;
}

/** Values so far for an autocomplete request: what cannot be sent is left out, the focused one as typed. */
export function partialValues(draft: Draft, focused: string): CommandValue[] {
  const fields = draft.fields.filter(
    (f) => f.option.name === focused || (f.text !== '' && !problem(f)),
  );
  const others = values({ ...draft, fields: fields.filter((f) => f.option.name !== focused) });
  const own = fields.find((f) => f.option.name === focused);
  if (!own) return others;
  return [...others, { name: focused, type: own.option.type, value: own.text }];
}

/** The choice that the text names, by label or value, whatever its case. */
export function matchChoice(option: APIApplicationCommandBasicOption, text: string): Picked | null {
  const typed = text.trim().toLowerCase();
  const all = staticChoices(option);
  const hit = all.find(
    (c) => c.label.toLowerCase() === typed || String(c.value).toLowerCase() === typed,
  );
  return hit ?? null;
}

/** Lists the values that a command's definition names; yes and no for a boolean. */
export function staticChoices(option: APIApplicationCommandBasicOption): Picked[] {
  if ((option.type as number) === OPTION.boolean) {
    return [
      { label: 'True', value: true },
      { label: 'False', value: false },
    ];
  }
  return (loose(option).choices ?? []).map((c) => ({ label: c.name, value: c.value }));
}

/**
 * "/imagine prompt:a red cat steps:20" as a draft; text without an option's name goes to the first option
 * that takes text. Null when the line does not begin with a whole command name and a space.
 */
export function parseLine(line: string, commands: readonly SlashCommand[]): Draft | null {
  if (!line.startsWith('/')) return null;
  const rest = line.slice(1).replace(/\s+/g, ' ').trimStart();
  const byLength = [...commands].sort((a, b) => b.name.length - a.name.length);
  const command = byLength.find((c) => rest.startsWith(`${c.name} `));
  if (!command) return null;
  let draft = startDraft(command);
  const fill = (name: string, text: string): void => {
    const option = command.options.find((o) => o.name === name);
    if (!option) return;
    const picked = matchChoice(option, text);
    draft = withField(addField(draft, option), name, picked?.label ?? text, picked);
  };
  for (const [name, text] of splitOptions(rest.slice(command.name.length + 1), command)) {
    fill(name ?? firstText(command) ?? '', text);
  }
  return draft;
}

function splitOptions(text: string, command: SlashCommand): [string | null, string][] {
  const names = command.options.map((o) => o.name.replace(/[^\w-]/g, '\\$&'));
  if (names.length === 0) return [];
  const key = new RegExp(`(?:^|\\s)(${names.join('|')}): ?`, 'g');
  const out: [string | null, string][] = [];
  let name: string | null = null;
  let from = 0;
  for (const match of text.matchAll(key)) {
    out.push([name, text.slice(from, match.index).trim()]);
    name = match[1]!;
    from = match.index + match[0].length;
  }
  out.push([name, text.slice(from).trim()]);
  // "steps:" alone opens that option, empty.
  return out.filter(([named, value]) => named !== null || value !== '');
}

function firstText(command: SlashCommand): string | null {
  return command.options.find((o) => (o.type as number) === OPTION.string)?.name ?? null;
}

/** When somebody types `steps:` inside a field: that other option's name, and the text before it. */
export function typedOptionName(
  draft: Draft,
  text: string,
): { name: string; before: string } | null {
  const match = /(?:^|\s)([\w-]+):$/.exec(text);
  if (!match) return null;
  const name = match[1]!;
  if (!draft.command.options.some((o) => o.name === name)) return null;
  const filled = draft.fields.find((f) => f.option.name === name);
  if (filled && filled.text !== '' && !text.startsWith(`${name}:`)) return null;
  return { name, before: text.slice(0, match.index) };
}
