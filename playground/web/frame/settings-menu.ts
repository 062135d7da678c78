/** What Discord keeps in its settings: the channel's age flag, the language, the theme. Behind one button. */
import type { VNode } from 'preact';
import { html } from '../html.ts';
import { useTheme } from '../theme.ts';
import { useButtonMenu } from './button-menu.ts';
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
  const { box, open, toggle, close, onKeyDown } = useButtonMenu({
    button: '.settings-button',
    first: '[role^=menuitem]',
  });
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
