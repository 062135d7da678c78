/** Where the keyboard's focus goes when something that lay above the page is gone. */
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/**
 * Puts the focus back where it was when this part appeared; where that has left the page (a button of a message
 * that was edited), into the composer. Called before any effect that moves the focus.
 */
export function useReturnFocus(): void {
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    return () => {
      // Hooks end before their elements go: a modal still keeps the focus from the page behind it.
      queueMicrotask(() => giveFocus(before));
    };
  }, []);
}

/** Takes the focus to `box` when what had it inside is not drawn any more: a button that is gone, a message deleted. */
export function useKeptFocus(box: RefObject<HTMLElement>): void {
  const had = box.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (had && lost) box.current?.focus({ preventScroll: true });
  });
}

function giveFocus(before: HTMLElement | null): void {
  const now = document.activeElement;
  if (now !== null && now !== document.body && now !== before) return;
  const there = before !== null && before !== document.body && before.isConnected;
  const back = there ? before : document.querySelector<HTMLElement>('.composer textarea');
  back?.focus({ preventScroll: true });
}
