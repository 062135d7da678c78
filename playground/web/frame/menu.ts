/** The menu of one message: copy its text or id, and the bot's message commands under "Apps". */
import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { walkMenu } from './button-menu.ts';
import { useReturnFocus } from './focus.ts';
import { html } from '../html.ts';

export type MenuAt = { messageId: string; x: number; y: number };

/** Draws a message's menu at the place of the click: the bot's message commands, and copying its text. */
export function MessageMenu(props: {
  at: MenuAt;
  apps: readonly APIApplicationCommand[];
  text: string;
  onApp: (command: APIApplicationCommand) => void;
  onClose: () => void;
}): VNode {
  const { at, apps, onClose } = props;
  const { menu, place } = useMenuAt(at, onClose);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (menu.current) walkMenu(menu.current, event, onClose);
  };
  const item = (words: string, act: () => void): VNode =>
    html`<button
      type="button"
      role="menuitem"
      key=${words}
      onClick=${() => {
        act();
        onClose();
      }}
    >
      ${words}
    </button>`;
  const copy = (text: string): void => void navigator.clipboard?.writeText(text);
  return html`<div
    class="menu"
    role="menu"
    aria-label="Message"
    ref=${menu}
    style=${`left:${place.left}px;top:${place.top}px`}
    onKeyDown=${onKeyDown}
  >
    ${apps.length > 0 && html`<p class="menu-title">Apps</p>`}
    ${apps.map((command) => item(command.name, () => props.onApp(command)))}
    ${apps.length > 0 && html`<hr />`} ${props.text && item('Copy text', () => copy(props.text))}
    ${item('Copy message ID', () => copy(at.messageId))}
  </div>`;
}

/** A menu that lies where it was asked for, as far as there is room, and closes when something else is pressed. */
function useMenuAt(at: MenuAt, onClose: () => void) {
  const menu = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: at.x, top: at.y });
  useReturnFocus();
  useLayoutEffect(() => {
    const box = menu.current?.getBoundingClientRect();
    if (!box) return;
    setPlace({
      left: Math.max(8, Math.min(at.x, innerWidth - box.width - 8)),
      top: Math.max(8, Math.min(at.y, innerHeight - box.height - 8)),
    });
    menu.current?.querySelector<HTMLElement>('button')?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    const away = (event: Event): void => {
      if (!menu.current?.contains(event.target as Node)) onClose();
    };
    addEventListener('pointerdown', away);
    addEventListener('resize', onClose);
    return () => {
      removeEventListener('pointerdown', away);
      removeEventListener('resize', onClose);
    };
  }, []);
  return { menu, place };
}
