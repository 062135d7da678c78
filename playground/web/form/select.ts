/** A select menu as Discord draws it: a closed box, a list with a search field, one or several values. */
import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import type { Entry } from './select-entries.ts';
import { useSelect, type Select, type SelectProps } from './select-state.ts';

const LIST_HEIGHT = 320;

/** Draws a select menu with search, for one value or several. */
export function SelectMenu(props: SelectProps): VNode {
  const select = useSelect(props);
  const { box, draft, open, several } = select;
  const clearable = !several && props.min === 0 && draft.length > 0;
  return html`<div
    class=${classes('select', open && 'open', props.busy && 'busy')}
    ref=${box}
    onKeyDown=${select.onKeyDown}
    onFocusOut=${select.onFocusOut}
  >
    <${SelectBox} ...${props} select=${select} />
    ${
      clearable &&
      html`<button
        type="button"
        class="select-clear"
        aria-label="Clear"
        disabled=${props.disabled}
        onClick=${select.clear}
      >
        ${icons.close()}
      </button>`
    }
    ${open && html`<${SelectList} select=${select} label=${props.label ?? props.placeholder} />`}
  </div>`;
}

/** The closed box. While a search field is open, that field is what the keyboard and a screen reader talk to. */
function SelectBox(props: SelectProps & { select: Select }): VNode {
  const { select } = props;
  const { id, open, at, shown } = select;
  const labels = props.entries.filter((entry) => select.draft.includes(entry.value));
  const words = labels.map((entry) => [entry.emoji, entry.label].filter(Boolean).join(' '));
  const name = props.label ?? props.placeholder;
  return html`<button
    type="button"
    class="select-box"
    role="combobox"
    aria-haspopup="listbox"
    aria-expanded=${open}
    aria-controls=${id}
    aria-activedescendant=${open && shown.length > 0 ? `${id}-${at}` : undefined}
    aria-label=${words.length > 0 && name !== words.join(', ') ? `${name}: ${words.join(', ')}` : name}
    disabled=${props.disabled}
    onClick=${() => (open ? select.close(true) : select.show())}
  >
    <span class=${classes('select-value', labels.length === 0 && 'placeholder')}>
      ${labels.length === 0 ? props.placeholder : words.join(', ')}
    </span>
    ${icons.down()}
  </button>`;
}

function SelectList({ select, label }: { select: Select; label: string }): VNode {
  const { id, at, shown, draft, search } = select;
  const list = useRef<HTMLDivElement>(null);
  const [up, setUp] = useState(false);
  useLayoutEffect(() => {
    const bottom = select.box.current?.getBoundingClientRect().bottom ?? 0;
    setUp(bottom > innerHeight - LIST_HEIGHT && bottom > innerHeight / 2);
    // On a touch screen the focus would push the keyboard up over the list.
    if (!matchMedia('(hover: hover)').matches) return;
    const field = list.current?.querySelector('input');
    field?.focus({ preventScroll: true });
    field?.setSelectionRange(search.length, search.length);
  }, []);
  const field =
    select.searched &&
    html`<input
      class="select-search"
      type="text"
      role="combobox"
      placeholder="Search"
      autocomplete="off"
      aria-label=${`Search: ${label}`}
      aria-expanded="true"
      aria-controls=${id}
      aria-activedescendant=${shown.length > 0 ? `${id}-${at}` : undefined}
      value=${search}
      onInput=${(event: InputEvent) => select.onSearch((event.target as HTMLInputElement).value)}
    />`;
  return html`<div class=${classes('select-list', up && 'up')} ref=${list}>
    ${field}
    <ul role="listbox" id=${id} aria-label=${label} aria-multiselectable=${select.several}>
      ${shown.map(
        (entry, index) =>
          html`<${SelectEntry}
            key=${entry.value}
            id=${`${id}-${index}`}
            entry=${entry}
            at=${index === at}
            on=${draft.includes(entry.value)}
            several=${select.several}
            onAt=${() => select.setAt(index)}
            onPick=${() => select.pick(entry)}
          />`,
      )}
    </ul>
    ${shown.length === 0 && html`<p class="select-none" role="status">Nothing to choose from here.</p>`}
  </div>`;
}

function SelectEntry(props: {
  id: string;
  entry: Entry;
  at: boolean;
  on: boolean;
  several: boolean;
  onAt: () => void;
  onPick: () => void;
}): VNode {
  const { entry, at, on } = props;
  return html`<li
    id=${props.id}
    role="option"
    aria-selected=${on}
    class=${classes('select-entry', at && 'at', on && 'on')}
    onMouseDown=${(event: MouseEvent) => event.preventDefault()}
    onClick=${props.onPick}
    onMouseEnter=${props.onAt}
    ref=${(node: HTMLElement | null) => at && node?.scrollIntoView({ block: 'nearest' })}
  >
    ${entry.emoji && html`<span class="select-emoji">${entry.emoji}</span>`}
    <span class="select-words">
      <span>${entry.label}</span>
      ${entry.description && html`<small>${entry.description}</small>`}
    </span>
    ${props.several ? html`<span class=${classes('select-tick', on && 'on')}>${on && icons.check()}</span>` : on && icons.check()}
  </li>`;
}
