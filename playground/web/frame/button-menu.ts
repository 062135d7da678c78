/** A menu that a button opens: closed by Escape, Tab or a press elsewhere, walked through with the arrows. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export type ButtonMenu = {
  /** of the element that holds both the button and the menu */
  box: RefObject<HTMLDivElement>;
  open: boolean;
  toggle: () => void;
  /** puts the keyboard back on the button */
  close: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
};

/** Both are selectors inside the box: the button, and the entry that has the keyboard when the menu opens. */
export function useButtonMenu(selectors: { button: string; first: string }): ButtonMenu {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const focus = (selector: string): void =>
    box.current?.querySelector<HTMLElement>(selector)?.focus();
  useEffect(() => {
    if (!open) return undefined;
    focus(selectors.first);
    const away = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, [open]);
  const close = (): void => {
    setOpen(false);
    focus(selectors.button);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (open && box.current) walkMenu(box.current, event, close);
  };
  return { box, open, toggle: () => setOpen(!open), close, onKeyDown };
}

/** What a key does in an open menu: the arrows go round its entries, Escape and Tab leave it. */
export function walkMenu(menu: HTMLElement, event: KeyboardEvent, close: () => void): void {
  if (event.key === 'Escape' || event.key === 'Tab') {
    event.preventDefault();
    return close();
  }
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!move) return;
  event.preventDefault();
  const entries = [...menu.querySelectorAll<HTMLElement>('[role^=menuitem]')];
  const at = entries.indexOf(document.activeElement as HTMLElement);
  entries[(at + move + entries.length) % entries.length]?.focus();
}
