/** A select menu's state: what is open, highlighted, searched for, and chosen but not yet sent. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { movedTo, typedTo, type Entry } from './select-entries.ts';

/** From so many entries on the list has a search field. */
const SEARCHED = 8;

export type SelectProps = {
  entries: readonly Entry[];
  chosen: readonly string[];
  placeholder: string;
  min: number;
  max: number;
  disabled: boolean;
  busy?: boolean;
  label?: string;
  onChoose: (values: readonly string[]) => void;
};

export type Select = ReturnType<typeof useSelect>;

/**
 * Keeps a select menu's state: what is chosen, the open list, keys and focus. A menu of several is sent when it
 * closes and only if it changed; too few bring back what was chosen.
 */
export function useSelect(props: SelectProps) {
  const { entries, min, max } = props;
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const several = max > 1;
  const key = props.chosen.join('\n');
  const [draft, setDraft] = useState(props.chosen);
  useEffect(() => setDraft(props.chosen), [key]);
  const list = useList(entries, draft);
  const { open, shown } = list;

  const hide = (focus: boolean): void => {
    list.hide();
    if (focus) box.current?.querySelector<HTMLElement>('.select-box')?.focus();
  };
  const close = (focus: boolean): void => {
    hide(focus);
    if (!several || draft.join('\n') === key) return;
    if (draft.length >= min) props.onChoose(draft);
    else setDraft(props.chosen);
  };
  const pick = (entry: Entry | undefined): void => {
    if (!entry) return;
    if (!several) {
      setDraft([entry.value]);
      hide(true);
      props.onChoose([entry.value]);
    } else if (draft.includes(entry.value)) {
      setDraft(draft.filter((value) => value !== entry.value));
    } else if (draft.length < max) {
      setDraft([...draft, entry.value]);
    }
  };
  const keys = { ...list, shown, close, pick };
  return {
    ...keys,
    id,
    box,
    several,
    draft,
    clear(): void {
      setDraft([]);
      props.onChoose([]);
    },
    onKeyDown: (event: KeyboardEvent): void => onSelectKey(event, keys),
    onFocusOut(event: FocusEvent): void {
      if (open && isOutside(box.current, event)) close(false);
    },
  };
}

/** The list that opens: what of it is shown, searched for and highlighted. */
function useList(entries: readonly Entry[], chosen: readonly string[]) {
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState('');
  const [at, setAt] = useState(0);
  return {
    open,
    search,
    searched: entries.length >= SEARCHED,
    shown: entries.filter((e) => e.label.toLowerCase().includes(search.toLowerCase())),
    at,
    setAt,
    show(from = ''): void {
      const first = entries.findIndex((entry) => chosen.includes(entry.value));
      setAt(from ? 0 : Math.max(0, first));
      setSearch(from);
      setOpen(true);
    },
    hide(): void {
      setOpen(false);
      setSearch('');
    },
    onSearch(text: string): void {
      setSearch(text);
      setAt(0);
    },
  };
}

const isOutside = (box: HTMLElement | null, { relatedTarget }: FocusEvent): boolean =>
  !box?.contains(relatedTarget as Node | null);

type Keys = Pick<
  Select,
  'open' | 'searched' | 'shown' | 'at' | 'show' | 'close' | 'pick' | 'setAt'
>;

function onSelectKey(event: KeyboardEvent, select: Keys): void {
  const { at, shown } = select;
  const { key } = event;
  const letter =
    key.length === 1 && key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!select.open) {
    if ((event.target as Element).closest('.select-clear')) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') select.show();
    else if (letter && select.searched) select.show(key);
    else return;
  } else if (key === 'Tab') {
    return select.close(false);
  } else if (key === 'Escape') {
    select.close(true);
  } else if (key === 'Enter' || (key === ' ' && !select.searched)) {
    select.pick(shown[at]);
  } else {
    const inSearch = select.searched && (key === 'Home' || key === 'End');
    const moved = inSearch ? null : movedTo(key, at, shown.length);
    const next = moved ?? (letter && !select.searched ? typedTo(key, at, shown) : null);
    if (next === null) return;
    select.setAt(next);
  }
  event.preventDefault();
  event.stopPropagation();
}
