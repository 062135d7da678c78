/** The whole page, laid out. */
import type { APIApplicationCommand } from 'discord-api-types/v10';
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { Chat } from './frame/chat.ts';
import type { Client } from './client.ts';
import { messageCommands, type SlashCommand, slashCommands } from './composer/commands.ts';
import type { PlaygroundGuild } from '../protocol.ts';
import { useDrawer } from './drawer.ts';
import { Banner, Head, Opening } from './frame/head.ts';
import { manageEntries } from './frame/manage.ts';
import { classes, html } from './html.ts';
import { LightboxContext, LightboxView, type Lightbox } from './message/media.ts';
import { MessageMenu, type MenuAt } from './frame/menu.ts';
import { sourceText } from './message/message-text.ts';
import type { MessageActions } from './message/message.ts';
import { Modal } from './form/modal.ts';
import type { People } from './form/select-entries.ts';
import { Members, useMembersShown } from './frame/members.ts';
import { Channels, Rail } from './frame/sidebar.ts';
import { guildOf, type State } from './state.ts';
import { NamesContext, type Names } from './message/text.ts';

const none: readonly APIApplicationCommand[] = [];

/** Draws the whole page and holds what belongs to no part of it: the picture that is open, the menu, the drawer. */
export function App({ client }: { client: Client }): VNode {
  const state = useClient(client);
  const [lightbox, setLightbox] = useState<Lightbox | null>(null);
  const [menu, setMenu] = useState<MenuAt | null>(null);
  const [drawer, setDrawer] = useDrawer();

  const { channelId, you, users, bot } = state;
  const guild = guildOf(state, channelId);
  const people = useMemo<People>(() => ({ guild, users }), [guild, users]);
  const goTo = (to: string, messageId: string | null): void => {
    if (to !== client.get().channelId) client.openChannel(to);
    setDrawer(false);
    if (messageId) void pointAt(messageId).then((found) => found || client.notice(goneWords));
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

  const page = { client, state, guild, drawer, setDrawer, goTo, channelId, you, bot };
  return html`<${NamesContext.Provider} value=${names}>
    <${LightboxContext.Provider} value=${setLightbox}>
      <${Page} ...${page} people=${people} commands=${slash} actions=${actions} />
      <${Overlays}
        client=${client}
        state=${state}
        people=${people}
        menu=${menu}
        onMenuClose=${() => setMenu(null)}
        apps=${bot.online ? messageCommands(offered) : none}
      />
      ${lightbox && html`<${LightboxView} open=${lightbox} onClose=${() => setLightbox(null)} />`}
    <//>
  <//>`;
}

/** How things are; drawn anew when they change. */
function useClient(client: Client): State {
  const [state, setState] = useState(client.get());
  useEffect(() => {
    const take = (): void => setState(client.get());
    // What came between the first drawing and now has told nobody.
    take();
    return client.subscribe(take);
  }, []);
  return state;
}

type PageProps = {
  client: Client;
  state: State;
  guild: PlaygroundGuild | null;
  drawer: boolean;
  setDrawer: (open: boolean) => void;
  goTo: Names['goTo'];
  channelId: string;
  you: NonNullable<State['you']>;
  bot: NonNullable<State['bot']>;
  people: People;
  commands: readonly SlashCommand[];
  actions: MessageActions;
};

/** The drawer with servers and channels, the open channel, and its members beside it. */
function Page(props: PageProps): VNode {
  const { client, state, guild, drawer, setDrawer, goTo, channelId, you, bot } = props;
  const [membersShown, setMembersShown] = useMembersShown();
  const channel = guild?.channels.find((c) => c.id === channelId) ?? state.direct;
  const channelName = guild ? (channel?.name ?? '') : bot.name;
  const onDrawerKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setDrawer(false);
  };
  const mayAge = guild?.yours.channels === true && !channel?.parentId;
  return html`<div class=${classes('page', drawer && 'drawer-open')}>
    <div class="drawer" id="drawer" onKeyDown=${onDrawerKey}>
      <${Rail} state=${state} onOpen=${client.openChannel} />
      <${Channels}
        state=${state}
        guild=${guild}
        onOpen=${(id: string) => goTo(id, null)}
        onBecome=${client.become}
      />
    </div>
    <div class="drawer-shade" onClick=${() => setDrawer(false)}></div>
    <main class="main" inert=${drawer}>
      <${Head}
        name=${channelName}
        direct=${guild === null}
        channel=${channel ?? null}
        bot=${bot}
        connected=${state.connection === 'open'}
        locale=${client.locale()}
        onLocale=${client.setLocale}
        onAge=${mayAge ? (on: boolean) => client.setAge(channelId, on) : null}
        manage=${manageEntries(guild, channel ?? null)}
        onManage=${client.manage}
        drawer=${drawer}
        onDrawer=${() => setDrawer(!drawer)}
        membersShown=${membersShown}
        onMembers=${guild ? () => setMembersShown(!membersShown) : null}
      />
      <${Banner} state=${state} bot=${bot} />
      <div class="main-body">
        <${Chat}
          ...${{ client, state, channelId, channelName, you, bot }}
          people=${props.people}
          commands=${props.commands}
          actions=${props.actions}
        />
        ${guild && membersShown && html`<${Members} state=${state} guild=${guild} onRoles=${client.setRoles} />`}
      </div>
    </main>
  </div>`;
}

/** What lies above the page: a message's menu and a modal. */
function Overlays(props: {
  client: Client;
  state: State;
  people: People;
  menu: MenuAt | null;
  onMenuClose: () => void;
  apps: readonly APIApplicationCommand[];
}): VNode {
  const { client, state, menu } = props;
  const channelId = state.channelId ?? '';
  const target = menu && state.messages[channelId]?.find((one) => one.id === menu.messageId);
  const useApp = ({ id, name }: APIApplicationCommand): void => {
    const call = { channelId, commandId: id, name, path: [], options: [] };
    if (menu) client.runCommand({ ...call, targetId: menu.messageId });
  };
  const menuView =
    menu &&
    html`<${MessageMenu}
      key=${menu.messageId}
      at=${menu}
      apps=${props.apps}
      text=${target ? sourceText(target) : ''}
      onApp=${useApp}
      onClose=${props.onMenuClose}
    />`;
  const modalView =
    state.modal &&
    html`<${Modal}
      key=${state.modal.interactionId}
      open=${state.modal}
      botName=${state.bot?.name ?? ''}
      people=${props.people}
      pending=${state.pending.find((p) => p.kind === 'modal') ?? null}
      upload=${client.upload}
      onSubmit=${client.submitModal}
      onClose=${client.closeModal}
    />`;
  return html`<div>${menuView}${modalView}</div>`;
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

const goneWords = 'That message is not here any more, or it is not for you to see.';
const POINTED_MS = 2000;

/**
 * Brings a message into view; false when it does not appear. A channel that was not open has its
 * messages only when the server has answered.
 */
async function pointAt(messageId: string): Promise<boolean> {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  for (let tries = 0; tries < 40; tries++) {
    const element = document.getElementById(`message-${messageId}`);
    if (element) {
      element.scrollIntoView({ block: 'center', behavior: calm ? 'auto' : 'smooth' });
      element.classList.add('pointed-at');
      setTimeout(() => element.classList.remove('pointed-at'), POINTED_MS);
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
