/** The whole page, laid out. */
import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { ClientContext, type Client } from './client.ts';
import { messageCommands, slashCommands } from './commands.ts';
import { Composer } from './composer.ts';
import { classes, html } from './html.ts';
import { icons } from './icons.ts';
import { parseMarkdown, plainText } from './markdown.ts';
import { LightboxContext, LightboxView, type Lightbox } from './media.ts';
import { MessageMenu, type MenuAt } from './menu.ts';
import { Messages } from './messages.ts';
import type { MessageActions } from './message.ts';
import { Modal } from './modal.ts';
import type { People } from './select.ts';
import { Channels, Members, Rail } from './sidebar.ts';
import { guildOf, type BotState, type State } from './state.ts';
import { NamesContext, type Names } from './text.ts';
import { useTheme } from './theme.ts';
import { Welcome } from './welcome.ts';

const none: readonly APIApplicationCommand[] = [];

export function App({ client }: { client: Client }): VNode {
  const [state, setState] = useState(client.get());
  useEffect(() => client.subscribe(() => setState(client.get())), []);
  const [lightbox, setLightbox] = useState<Lightbox | null>(null);
  const [menu, setMenu] = useState<MenuAt | null>(null);
  const [drawer, setDrawer] = useState(false);
  const [membersShown, setMembersShown] = useState(() => innerWidth >= 1180);

  const { channelId, you, users, bot } = state;
  const guild = guildOf(state, channelId);
  const people = useMemo<People>(() => ({ guild, users }), [guild, users]);
  const goTo = (to: string, messageId: string | null): void => {
    if (to !== client.get().channelId) client.openChannel(to);
    setDrawer(false);
    if (messageId) setTimeout(() => showMessage(messageId), to === channelId ? 0 : 400);
  };
  const names = useMemo<Names>(
    () => namesOf(state, goTo),
    [state.guilds, users, bot?.name, channelId],
  );
  const actions = useMemo<MessageActions>(
    () => ({
      press: (messageId, customId, type, values) =>
        client.press(client.get().channelId ?? '', messageId, customId, type, values),
      dismiss: client.dismiss,
      menu: (messageId, x, y) => setMenu({ messageId, x, y }),
      goTo,
    }),
    [channelId],
  );
  const offered = (state.guildId && state.commands[state.guildId]) || none;
  const slash = useMemo(() => slashCommands(offered), [offered]);

  if (!channelId || !you || !bot) return html`<${Opening} state=${state} />`;
  const channel = guild?.channels.find((c) => c.id === channelId) ?? state.direct;
  const channelName = guild ? (channel?.name ?? '') : bot.name;
  const messages = state.messages[channelId];
  const imagine = slash.find((command) => command.name === 'imagine');
  const paint = (prompt: string): void => {
    const option = imagine?.options.find((o) => o.name === 'prompt');
    if (!imagine || !option) return;
    const { commandId, name, path } = imagine;
    const options = [{ name: option.name, type: option.type, value: prompt }];
    client.runCommand({ channelId, commandId, name, path, options });
  };
  const target = menu && messages?.find((message) => message.id === menu.messageId);
  const welcome = html`<${Welcome}
    channelName=${channelName}
    direct=${guild === null}
    botName=${bot.name}
    ready=${bot.online && state.connection === 'open'}
    canPaint=${imagine !== undefined}
    empty=${messages !== undefined && messages.length === 0 && state.pending.length === 0}
    onExample=${paint}
  />`;
  return html`<${ClientContext.Provider} value=${client}>
    <${NamesContext.Provider} value=${names}>
      <${LightboxContext.Provider} value=${setLightbox}>
        <div class=${classes('page', drawer && 'drawer-open')}>
          <div
            class="drawer"
            id="drawer"
            onKeyDown=${(event: KeyboardEvent) => event.key === 'Escape' && setDrawer(false)}
          >
            <${Rail} state=${state} onOpen=${client.openChannel} />
            <${Channels}
              state=${state}
              guild=${guild}
              onOpen=${(id: string) => goTo(id, null)}
              onBecome=${client.become}
            />
          </div>
          <div class="drawer-shade" onClick=${() => setDrawer(false)}></div>
          <main class="main">
            <${Head}
              name=${channelName}
              direct=${guild === null}
              bot=${bot}
              drawer=${drawer}
              onDrawer=${() => setDrawer(!drawer)}
              membersShown=${membersShown}
              onMembers=${guild ? () => setMembersShown(!membersShown) : null}
            />
            <${Banner} state=${state} bot=${bot} />
            <div class="main-body">
              <section class="chat" aria-label=${`Channel ${channelName}`}>
                <${Messages}
                  channelId=${channelId}
                  messages=${messages}
                  pending=${state.pending}
                  people=${people}
                  botName=${bot.name}
                  youId=${you.id}
                  actions=${actions}
                  onDismissPending=${client.dismissPending}
                  welcome=${welcome}
                />
                ${
                  state.notice &&
                  html`<p class="notice" role="status">
                    <span>${state.notice}</span>
                    <button
                      type="button"
                      class="plain"
                      aria-label="Hide this note"
                      onClick=${() => client.notice(null)}
                    >
                      ${icons.close()}
                    </button>
                  </p>`
                }
                <${Composer}
                  client=${client}
                  channelId=${channelId}
                  channelName=${channelName}
                  botName=${bot.name}
                  botOnline=${bot.online}
                  commands=${slash}
                  people=${people}
                />
              </section>
              ${guild && membersShown && html`<${Members} state=${state} guild=${guild} />`}
            </div>
          </main>
        </div>
        ${
          menu &&
          html`<${MessageMenu}
            key=${menu.messageId}
            at=${menu}
            apps=${bot.online ? messageCommands(offered) : []}
            text=${target ? plainText(parseMarkdown(target.content)) : ''}
            onApp=${(command: APIApplicationCommand) =>
              client.runCommand({
                channelId,
                commandId: command.id,
                name: command.name,
                path: [],
                options: [],
                targetId: menu.messageId,
              })}
            onClose=${() => setMenu(null)}
          />`
        }
        ${lightbox && html`<${LightboxView} open=${lightbox} onClose=${() => setLightbox(null)} />`}
        ${
          state.modal &&
          html`<${Modal}
            key=${state.modal.interactionId}
            open=${state.modal}
            botName=${bot.name}
            people=${people}
            pending=${state.pending.find((p) => p.kind === 'modal') ?? null}
            upload=${client.upload}
            onSubmit=${client.submitModal}
            onClose=${client.closeModal}
          />`
        }
      <//>
    <//>
  <//>`;
}

function namesOf(state: State, goTo: Names['goTo']): Names {
  const channels = [
    ...state.guilds.flatMap((g) => g.channels),
    ...(state.direct ? [state.direct] : []),
  ];
  const roles = state.guilds.flatMap((g) => g.roles ?? []);
  return {
    user: (id) =>
      id === state.bot?.id
        ? state.bot.name
        : (state.users.find((user) => user.id === id)?.name ?? null),
    channel: (id) => channels.find((channel) => channel.id === id)?.name ?? null,
    role: (id) => roles.find((role) => role.id === id)?.name ?? null,
    goTo,
  };
}

function showMessage(messageId: string): void {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const element = document.getElementById(`message-${messageId}`);
  element?.scrollIntoView({ block: 'center', behavior: calm ? 'auto' : 'smooth' });
  element?.classList.add('pointed-at');
  setTimeout(() => element?.classList.remove('pointed-at'), 2000);
}

function Head(props: {
  name: string;
  direct: boolean;
  bot: BotState;
  drawer: boolean;
  onDrawer: () => void;
  membersShown: boolean;
  onMembers: (() => void) | null;
}): VNode {
  const [theme, toggleTheme] = useTheme(localStorage);
  const { bot } = props;
  const state = bot.online
    ? `${bot.name} is ready`
    : bot.wasOnline
      ? `${bot.name} is coming back…`
      : `${bot.name} is starting…`;
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
    <h2 class="head-name">${!props.direct && icons.hash()}<span>${props.name}</span></h2>
    <span class=${classes('bot-state', bot.online && 'online')} role="status"
      ><i></i><span>${state}</span></span
    >
    <span class="head-space"></span>
    <button
      type="button"
      class="plain"
      aria-label=${`Switch to the ${theme === 'dark' ? 'light' : 'dark'} theme`}
      onClick=${toggleTheme}
    >
      ${theme === 'dark' ? icons.sun() : icons.moon()}
    </button>
    ${
      props.onMembers &&
      html`<button
        type="button"
        class=${classes('plain', props.membersShown && 'on')}
        aria-label="Members"
        aria-pressed=${props.membersShown}
        onClick=${props.onMembers}
      >
        ${icons.people()}
      </button>`
    }
  </header>`;
}

function Banner({ state, bot }: { state: State; bot: BotState }): VNode | null {
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

function Opening({ state }: { state: State }): VNode {
  const words =
    state.connection === 'lost'
      ? 'Waiting for the playground to answer…'
      : 'Opening the playground…';
  return html`<main class="opening">
    <p role="status">${state.you ? 'There is no channel to show for this person.' : words}</p>
  </main>`;
}
