/** What opens above the composer: commands, the focused option's help, its values, further options. */
import type { APIApplicationCommandBasicOption } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import type { SlashCommand } from './commands.ts';
import { loose, typeWords, type Draft, type Picked } from './draft.ts';
import { classes, html } from '../html.ts';
import { Aperture } from '../frame/icons.ts';
import type { Suggestions } from './suggestions.ts';

type RowProps = {
  index: number;
  at: number;
  onAt: (at: number) => void;
  onPick: () => void;
  children?: unknown;
};

function Row({ index, at, onAt, onPick, children }: RowProps): VNode {
  const on = index === at;
  return html`<li
    id=${`composer-entry-${index}`}
    role="option"
    aria-selected=${on}
    class=${classes('popup-row', on && 'at')}
    onMouseMove=${() => !on && onAt(index)}
    onMouseDown=${(event: MouseEvent) => event.preventDefault()}
    onClick=${onPick}
    ref=${(node: HTMLElement | null) => on && node?.scrollIntoView({ block: 'nearest' })}
  >
    ${children}
  </li>`;
}

/** Lists the commands that fit what is typed; row `at` is highlighted. */
export function CommandList(props: {
  commands: readonly SlashCommand[];
  at: number;
  botName: string;
  onAt: (at: number) => void;
  onPick: (command: SlashCommand) => void;
}): VNode {
  return html`<div class="popup">
    <p class="popup-title">${props.botName}</p>
    <ul role="listbox" id="composer-list" aria-label="Commands">
      ${props.commands.map(
        (command, index) =>
          html`<${Row}
            key=${command.key}
            index=${index}
            at=${props.at}
            onAt=${props.onAt}
            onPick=${() => props.onPick(command)}
          >
            <${Aperture} size=${28} />
            <span class="popup-words">
              <span class="popup-name"
                >/${command.name}
                ${command.options
                  .filter((o) => o.required)
                  .map((o) => html`<span class="popup-option">${o.name}</span>`)}
              </span>
              <small>${command.description}</small>
            </span>
          <//>`,
      )}
    </ul>
  </div>`;
}

/** Explains the option the caret is in, or the command, and says what is wrong with it. */
export function FieldHelp(props: { draft: Draft; caret: string; complaint: string | null }): VNode {
  const option = props.draft.command.options.find((o) => o.name === props.caret);
  const { max_length: most, min_length: least } = option ? loose(option) : {};
  const length = [least ? `at least ${least}` : '', most ? `at most ${most}` : '']
    .filter(Boolean)
    .join(', ');
  const { command } = props.draft;
  const head = option ? option.name : `/${command.name}`;
  const words = option ? option.description : command.description;
  const facts = option
    ? `· ${typeWords(option)}${length ? `, ${length} characters` : ''}${option.required ? ' · required' : ''}`
    : '· Enter sends, Esc leaves';
  return html`<div class="popup-help" id="composer-help">
    <p><b>${head}</b> ${words}<small>${facts}</small></p>
    ${props.complaint && html`<p class="failed-words" role="alert">${props.complaint}</p>`}
  </div>`;
}

/** Lists values of an option. It is null where the option has no list at all. */
export function SuggestionList(props: {
  suggestions: Suggestions;
  at: number;
  onAt: (at: number) => void;
  onPick: (entry: Picked) => void;
}): VNode | null {
  const { entries, state } = props.suggestions;
  if (entries.length === 0) {
    if (state === 'none') return null;
    const words =
      state === 'loading' ? 'Loading options…' : 'Nothing in the list fits; what you type counts.';
    return html`<p class="popup-none" role="status">${words}</p>`;
  }
  return html`<ul
    role="listbox"
    id="composer-list"
    aria-label="Values"
    class=${state === 'loading' ? 'stale' : ''}
  >
    ${entries.map(
      (entry, index) =>
        html`<${Row}
          key=${String(entry.value)}
          index=${index}
          at=${props.at}
          onAt=${props.onAt}
          onPick=${() => props.onPick(entry)}
          ><span class="popup-value">${entry.label}</span><//
        >`,
    )}
  </ul>`;
}

/** Lists options that can be added to a command. */
export function OptionList(props: {
  options: readonly APIApplicationCommandBasicOption[];
  at: number;
  onAt: (at: number) => void;
  onPick: (option: APIApplicationCommandBasicOption) => void;
}): VNode | null {
  if (props.options.length === 0) return null;
  return html`<ul role="listbox" id="composer-list" aria-label="Options">
    ${props.options.map(
      (option, index) =>
        html`<${Row}
          key=${option.name}
          index=${index}
          at=${props.at}
          onAt=${props.onAt}
          onPick=${() => props.onPick(option)}
        >
          <span class="popup-option">${option.name}</span>
          <small>${option.description}</small>
        <//>`,
    )}
  </ul>`;
}
