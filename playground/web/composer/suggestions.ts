/** What the list above the composer offers for the focused option, asked from the bot where it completes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { APIApplicationCommandBasicOption } from 'discord-api-types/v10';
import type { Client } from '../client.ts';
import { OPTION } from './commands.ts';
import { loose, partialValues, staticChoices, type Draft, type Picked } from './draft.ts';
import type { People } from '../form/select-entries.ts';

export type Suggestions = { entries: readonly Picked[]; state: 'none' | 'loading' | 'ready' };

const DEBOUNCE_MS = 150;
const nothing: Suggestions = { entries: [], state: 'none' };

/** For every kind but autocomplete: the fixed list that the typed text filters. */
function fixedSuggestions(
  option: APIApplicationCommandBasicOption,
  text: string,
  { guild, users }: People,
): Picked[] {
  const type = option.type as number;
  const people = users
    .filter((user) => guild === null || guild.members.includes(user.id))
    .map((user) => ({ label: user.name, value: user.id }));
  const roles = (guild?.roles ?? []).map((role) => ({ label: role.name, value: role.id }));
  const channels = (guild?.channels ?? []).map((c) => ({ label: c.name, value: c.id }));
  const all =
    type === OPTION.user
      ? people
      : type === OPTION.role
        ? roles
        : type === OPTION.mentionable
          ? [...people, ...roles]
          : type === OPTION.channel
            ? channels
            : staticChoices(option);
  const typed = text.trim().replace(/^[@#]/, '').toLowerCase();
  return all.filter((entry) => entry.label.toLowerCase().includes(typed)).slice(0, 25);
}

/**
 * Finds values for the option in focus: its fixed choices, people and channels, or what the bot answers to
 * autocomplete 150 ms after the last key. Answers to older questions are dropped.
 */
export function useSuggestions(
  client: Client,
  channelId: string,
  draft: Draft | null,
  focused: string | null,
  people: People,
): Suggestions {
  const [remote, setRemote] = useState<Suggestions>(nothing);
  const field = draft?.fields.find((f) => f.option.name === focused) ?? null;
  const asks = field !== null && loose(field.option).autocomplete === true;
  const key =
    asks && draft
      ? JSON.stringify([draft.command.key, focused, partialValues(draft, focused ?? '')])
      : '';
  const asked = useRef('');

  useEffect(() => setRemote(nothing), [focused]);
  useEffect(() => {
    asked.current = key;
    if (!asks || !draft || focused === null) return setRemote(nothing);
    setRemote((old) => ({ entries: old.entries, state: 'loading' }));
    const { commandId, path } = draft.command;
    const timer = setTimeout(
      async () => {
        const options = partialValues(draft, focused);
        const choices = await client.autocomplete({ channelId, commandId, path, options }, focused);
        // An answer to what was typed before is older than the field's text: dropped.
        if (asked.current !== key) return;
        setRemote({
          entries: choices.map((c) => ({ label: c.name, value: c.value })),
          state: 'ready',
        });
      },
      field?.text === '' ? 0 : DEBOUNCE_MS,
    );
    return () => clearTimeout(timer);
  }, [key]);
  if (!field) return nothing;
  if (field.picked !== null && field.picked.label === field.text && field.text !== '')
    return nothing;
  if (asks) return remote;
  const entries = fixedSuggestions(field.option, field.text, people);
  return { entries, state: entries.length > 0 ? 'ready' : 'none' };
}
