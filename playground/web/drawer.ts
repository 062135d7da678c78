/** Servers and channels on a narrow screen: a drawer over the page that keeps the keyboard to itself while open. */
import { useEffect, useState } from 'preact/hooks';

const NARROW = '(max-width: 760px)';

/**
 * Keeps whether the drawer of a narrow window is open, moves the focus in and back, and closes it once the window is
 * wide.
 */
export function useDrawer(): [open: boolean, set: (open: boolean) => void] {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (!open) return undefined;
    const drawer = document.getElementById('drawer');
    const here = drawer?.querySelector<HTMLElement>('.channel.here');
    (here ?? drawer?.querySelector('button'))?.focus({ preventScroll: true });
    const narrow = matchMedia(NARROW);
    const wider = (): void => {
      if (!narrow.matches) setOpen(false);
    };
    narrow.addEventListener('change', wider);
    return () => {
      narrow.removeEventListener('change', wider);
      const inside =
        drawer?.contains(document.activeElement) || document.activeElement === document.body;
      // The page behind is not inert any more only once this change has been drawn.
      if (inside) queueMicrotask(() => document.querySelector<HTMLElement>('.head-menu')?.focus());
    };
  }, [open]);
  return [open, setOpen];
}
