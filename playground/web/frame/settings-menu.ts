/** What Discord keeps in its settings: the channel's age flag, the language, the theme. Behind one button. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.ts';
import { useTheme } from '../theme.ts';
import { icons } from './icons.ts';

const LANGUAGES = [
  ['en-US', 'English'],
  ['de', 'Deutsch'],
] as const;

export function SettingsMenu(props: {
  restricted: boolean;
  /** null: not yours to change, or not here */
  onAge: ((restricted: boolean) => void) | null;
  locale: string;
  onLocale: (locale: string) => void;
}): VNode {
  const [theme, toggleTheme] = useTheme(localStorage);
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    box.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
    const away = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, [open]);
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector<HTMLElement>('.settings-button')?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) return;
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      return close();
    }
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const entries = [...(box.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    entries[(at + move + entries.length) % entries.length]?.focus();
  };
  const item = (role: string, words: string, checked: boolean | null, act: () => void): VNode =>
    html`<button
      type="button"
      role=${role}
      key=${words}
      aria-checked=${checked ?? undefined}
      onClick=${() => {
        act();
        close();
      }}
    >
      <span>${words}</span>${checked === true && icons.check()}
    </button>`;
  const { restricted, onAge } = props;
  return html`<div class="settings-box" ref=${box} onKeyDown=${onKeyDown}>
    <button
      type="button"
      class="plain settings-button"
      aria-label="Settings"
      aria-haspopup="menu"
      aria-expanded=${open}
      title="Settings"
      onClick=${() => setOpen(!open)}
    >
      ${icons.more()}
    </button>
    ${
      open &&
      html`<div class="menu settings-menu" role="menu" aria-label="Settings">
        ${
          onAge &&
          item('menuitemcheckbox', 'Age-restricted channel (18+)', restricted, () =>
            onAge(!restricted),
          )
        }
        ${onAge && html`<hr />`}
        <p class="menu-title">Language of your Discord</p>
        ${LANGUAGES.map(([locale, name]) =>
          item('menuitemradio', name, props.locale.split('-')[0] === locale.split('-')[0], () =>
            props.onLocale(locale),
          ),
        )}
        <hr />
        ${item('menuitem', `Switch to the ${theme === 'dark' ? 'light' : 'dark'} theme`, null, toggleTheme)}
      </div>`
    }
  </div>`;
}
