/** What Discord keeps in its settings: the channel's age flag, the language, the theme. Behind one button. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { FromPage } from '../../protocol.ts';
import { html } from '../html.ts';
import { useTheme } from '../theme.ts';
import { useButtonMenu } from './button-menu.ts';
import type { ManageEntry } from './manage.ts';
import { icons } from './icons.ts';

const LANGUAGES = [
  ['en-US', 'English'],
  ['de', 'Deutsch'],
] as const;

/** What an entry is, says, whether it is on (null: neither), and does; `stay`: the menu does not close. */
type Entry = [role: string, words: string, checked: boolean | null, act: () => void | 'stay'];

function menuItem([role, words, checked, act]: Entry, close: () => void): VNode {
  return html`<button
    type="button"
    role=${role}
    key=${words}
    aria-checked=${checked ?? undefined}
    onClick=${() => {
      if (act() !== 'stay') close();
    }}
  >
    <span>${words}</span>${checked === true && icons.check()}
  </button>`;
}

/** Draws the menu of the page's settings. Destructive entries ask once more in place. */
export function SettingsMenu(props: {
  restricted: boolean;
  /** null: not yours to change, or not here */
  onAge: ((restricted: boolean) => void) | null;
  manage: readonly ManageEntry[];
  onManage: (change: FromPage) => void;
  locale: string;
  onLocale: (locale: string) => void;
}): VNode {
  /** the entry that was pressed once and asks whether one is sure */
  const [asked, setAsked] = useState<string | null>(null);
  const [theme, toggleTheme] = useTheme(localStorage);
  const { box, open, toggle, close, onKeyDown } = useButtonMenu({
    button: '.settings-button',
    first: '[role^=menuitem]',
  });
  useEffect(() => setAsked(null), [open]);
  const item = (...entry: Entry): VNode => menuItem(entry, close);
  const { restricted, onAge } = props;
  return html`<div class="settings-box" ref=${box} onKeyDown=${onKeyDown}>
    <button
      type="button"
      class="plain settings-button"
      aria-label="Settings"
      aria-haspopup="menu"
      aria-expanded=${open}
      title="Settings"
      onClick=${toggle}
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
        ${props.manage.map(({ words, sure, change }) =>
          item('menuitem', asked === words && sure !== null ? sure : words, null, () => {
            if (sure === null || asked === words) return props.onManage(change);
            setAsked(words);
            return 'stay';
          }),
        )}
        ${(onAge !== null || props.manage.length > 0) && html`<hr />`}
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
