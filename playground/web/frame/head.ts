/** The bar above the messages, and what is said when something is missing. */
import type { VNode } from 'preact';
import { classes, html } from '../html.ts';
import { icons } from './icons.ts';
import type { FromPage, PlaygroundChannel } from '../../protocol.ts';
import type { ManageEntry } from './manage.ts';
import { channelIcon } from './sidebar.ts';
import type { BotState, State } from '../state.ts';
import { SettingsMenu } from './settings-menu.ts';

/** Draws the bar above a channel: its name, whether the bot is there, settings, the members' switch. */
export function Head(props: {
  name: string;
  direct: boolean;
  channel: PlaygroundChannel | null;
  bot: BotState;
  /** the page has its connection to the server */
  connected: boolean;
  locale: string;
  onLocale: (locale: string) => void;
  /** null: not yours to change, or not here */
  onAge: ((restricted: boolean) => void) | null;
  /** what the server offers this person to do with it */
  manage: readonly ManageEntry[];
  onManage: (change: FromPage) => void;
  drawer: boolean;
  onDrawer: () => void;
  membersShown: boolean;
  onMembers: (() => void) | null;
}): VNode {
  return html`<header class="head">
    <button
      type="button"
      class="plain head-menu"
      aria-label="Servers and channels"
      aria-expanded=${props.drawer}
      aria-controls="drawer"
      onClick=${props.onDrawer}
    >
      ${icons.menu()}
    </button>
    <h2 class="head-name">
      ${!props.direct && channelIcon(props.channel ?? {})}<span>${props.name}</span>
    </h2>
    ${
      props.channel?.ageRestricted === true &&
      html`<span class="age" title="Age-restricted channel">18+</span>`
    }
    <${Readiness} bot=${props.bot} connected=${props.connected} />
    <span class="head-space"></span>
    ${props.onMembers && html`<${MembersButton} shown=${props.membersShown} onPress=${props.onMembers} />`}
    <${SettingsMenu}
      restricted=${props.channel?.ageRestricted ?? false}
      onAge=${props.onAge}
      manage=${props.manage}
      onManage=${props.onManage}
      locale=${props.locale}
      onLocale=${props.onLocale}
    />
  </header>`;
}

function MembersButton({ shown, onPress }: { shown: boolean; onPress: () => void }): VNode {
  return html`<button
    type="button"
    class=${classes('plain', shown && 'on')}
    aria-label="Members"
    aria-pressed=${shown}
    title="Members"
    onClick=${onPress}
  >
    ${icons.people()}
  </button>`;
}

function Readiness({ bot, connected }: { bot: BotState; connected: boolean }): VNode {
  // What is behind a lost connection nobody knows.
  const online = connected && bot.online;
  const state = !connected
    ? 'No connection'
    : bot.online
      ? `${bot.name} is ready`
      : bot.wasOnline
        ? `${bot.name} is coming back…`
        : `${bot.name} is starting…`;
  return html`<span class=${classes('bot-state', online && 'online')} role="status"
    ><i></i><span>${state}</span></span
  >`;
}

/** Says that the playground or the bot is away; null while both are there. */
export function Banner({ state, bot }: { state: State; bot: BotState }): VNode | null {
  if (state.connection !== 'open') {
    return html`<p class="banner" role="status">
      The connection to the playground is gone. Trying again…
    </p>`;
  }
  if (bot.online) return null;
  const words = bot.wasOnline
    ? `${bot.name} went away for a moment and is coming back. What was queued is kept.`
    : `${bot.name} is waking up and loading its model. Commands work in a moment.`;
  return html`<p class="banner" role="status">${words}</p>`;
}

/** Fills the page while there is no channel to show. */
export function Opening({ state }: { state: State }): VNode {
  const words =
    state.connection === 'lost'
      ? 'Waiting for the playground to answer…'
      : 'Opening the playground…';
  return html`<main class="opening">
    <p role="status">${state.you ? 'There is no channel to show for this person.' : words}</p>
  </main>`;
}
