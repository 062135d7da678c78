/** The two halves of the composer while a command is filled in: the pills, and the list above them. */
import type { VNode } from 'preact';
import { OPTION, type SlashCommand } from './commands.ts';
import { CommandList, FieldHelp, OptionList, SuggestionList } from './composer-list.ts';
import { EndField, Pill } from './composer-pill.ts';
import {
  begin,
  choose,
  END,
  focused,
  leaveField,
  listedOptions,
  pick,
  remove,
  typeEnd,
  typeField,
  type ComposerState,
} from './composer-state.ts';
import { problem, remaining, startDraft, type Draft, type Field } from './draft.ts';
import { html } from '../html.ts';
import type { Suggestions } from './suggestions.ts';

export type SetState = (change: (s: ComposerState) => ComposerState) => void;

type LineProps = {
  s: ComposerState;
  set: SetState;
  draft: Draft;
  suggestions: Suggestions;
  uploading: string | null;
  onFile: (file: File) => void;
};

/** Draws a command being written: its name, a pill for each option, the end where more can be typed. */
export function CommandLine({ s, set, draft, suggestions, uploading, onFile }: LineProps): VNode {
  const pill = (field: Field): VNode => {
    const { name, required, type } = field.option;
    const active = s.caret === name;
    return html`<${Pill}
      key=${name}
      field=${field}
      active=${active}
      wrong=${s.complaint !== null && problem(field) !== null}
      listed=${active && suggestions.entries.length > 0 ? s.at : null}
      uploading=${(type as number) === OPTION.attachment ? uploading : null}
      onFocus=${() => set((now) => focused(now, name))}
      onBlur=${() => set((now) => leaveField(now, name))}
      onText=${(text: string) => set((now) => typeField(now, name, text))}
      onRemove=${required ? null : () => set((now) => remove(now, name))}
      onFile=${onFile}
    />`;
  };
  return html`<span class="composer-command">/${draft.command.name}</span>
    ${draft.fields.map(pill)}
    <${EndField}
      id=${END}
      text=${s.endText}
      more=${remaining(draft).length}
      active=${s.caret === END}
      onFocus=${() => set((now) => focused(now, END))}
      onText=${(text: string) => set((now) => typeEnd(now, text))}
    />`;
}

/** Draws what stands above the line: commands, a value's list, or options to add, with help below. */
export function Popup(own: {
  s: ComposerState;
  set: SetState;
  botName: string;
  /** every command of the server */
  all: readonly SlashCommand[];
  lists: { commands: readonly SlashCommand[] | null; suggestions: Suggestions };
  uploading: string | null;
}): VNode | null {
  const { s, set, lists, botName } = own;
  const onAt = (at: number): void => set((now) => ({ ...now, at }));
  if (s.draft) {
    const list =
      s.caret === END
        ? html`<${OptionList}
            options=${listedOptions(s)}
            at=${s.at}
            onAt=${onAt}
            onPick=${(option: Field['option']) => set((now) => choose(now, option))}
          />`
        : html`<${SuggestionList}
            suggestions=${lists.suggestions}
            at=${s.at}
            onAt=${onAt}
            onPick=${(entry: Parameters<typeof pick>[1]) => set((now) => pick(now, entry))}
          />`;
    return html`<div class="popup">
      <${FieldHelp} draft=${s.draft} caret=${s.caret} complaint=${s.complaint} />
      ${list}
    </div>`;
  }
  if (lists.commands && lists.commands.length > 0) {
    return html`<${CommandList}
      commands=${lists.commands}
      at=${s.at}
      botName=${botName}
      onAt=${onAt}
      onPick=${(command: SlashCommand) => set((now) => begin(now, startDraft(command)))}
    />`;
  }
  if (s.complaint) return html`<p class="composer-complaint" role="alert">${s.complaint}</p>`;
  if (!lists.commands) return null;
  const none =
    own.all.length === 0
      ? `${botName} has no commands here yet. They appear when it is ready.`
      : `No command matches “${s.text}”.`;
  return html`<div class="popup"><p class="popup-none" role="status">${none}</p></div>`;
}
