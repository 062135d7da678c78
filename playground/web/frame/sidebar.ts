/** Servers, channels, and who this tab is. */
import type { VNode } from 'preact';
import type { PlaygroundChannel, PlaygroundGuild, PlaygroundUser } from '../../protocol.ts';
import { classes, html } from '../html.ts';
import { useButtonMenu } from './button-menu.ts';
import { Aperture, Avatar, icons } from './icons.ts';
import { rolesOf } from './members.ts';
import { DIRECT, type State } from '../state.ts';

/** Draws the servers of the person one is, and direct messages. */
export function Rail(props: { state: State; onOpen: (channelId: string) => void }): VNode {
  const { state, onOpen } = props;
  const mine = state.guilds.filter((g) => g.members.includes(state.you?.id ?? ''));
  const entry = (id: string, name: string, face: unknown, open: () => void): VNode =>
    html`<button
      type="button"
      key=${id}
      class=${classes('rail-entry', state.guildId === id && 'here')}
      aria-current=${state.guildId === id ? 'true' : undefined}
      aria-label=${name}
      title=${name}
      onClick=${open}
    >
      ${face}
    </button>`;
  return html`<nav class="rail" aria-label="Servers">
    ${
      state.direct &&
      entry(DIRECT, 'Direct messages', html`<${Aperture} size=${28} />`, () =>
        onOpen(state.direct!.id),
      )
    }
    ${state.direct && html`<hr />`}
    ${mine.map((guild) => {
      const first = guild.channels[0];
      return entry(guild.id, guild.name, initials(guild.name), () => first && onOpen(first.id));
    })}
  </nav>`;
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .filter((word) => !/^the$/i.test(word))
    .map((word) => word[0] ?? '')
    .join('')
    .slice(0, 3)
    .toUpperCase();
}

/** Draws a server's channels, with threads under their parents; below them, who one is. */
export function Channels(props: {
  state: State;
  guild: PlaygroundGuild | null;
  onOpen: (channelId: string) => void;
  onBecome: (userId: string) => void;
}): VNode {
  const { state, guild, onOpen } = props;
  const channels = nested(guild?.channels ?? (state.direct ? [state.direct] : []));
  return html`<div class="sidebar">
    <header class="sidebar-head"><h1>${guild?.name ?? 'Direct messages'}</h1></header>
    <nav class="channels" aria-label="Channels">
      <p class="channels-title">${guild ? 'Channels' : 'Conversations'}</p>
      ${channels.map((channel) =>
        channel.kind === 'forum'
          ? html`<p key=${channel.id} class="channel forum">
              ${icons.forum()}<span>${channel.name}</span>
            </p>`
          : html`<button
              type="button"
              key=${channel.id}
              class=${classes(
                'channel',
                channel.id === state.channelId && 'here',
                Boolean(channel.parentId) && 'thread',
                channel.archived === true && 'archived',
              )}
              aria-current=${channel.id === state.channelId ? 'page' : undefined}
              onClick=${() => onOpen(channel.id)}
            >
              ${guild ? channelIcon(channel) : html`<${Aperture} size=${22} />`}
              <span>${guild ? channel.name : (state.bot?.name ?? channel.name)}</span>
              ${channel.ageRestricted && html`<span class="age" title="Age-restricted channel">18+</span>`}
              ${channel.archived === true && html`<span class="age" title="A closed thread; writing opens it">closed</span>`}
            </button>`,
      )}
    </nav>
    ${state.you && html`<${You} you=${state.you} users=${state.users} guilds=${state.guilds} guild=${guild} onBecome=${props.onBecome} />`}
  </div>`;
}

/** Threads and posts below the channel they belong to. */
function nested(channels: readonly PlaygroundChannel[]): PlaygroundChannel[] {
  return channels
    .filter((channel) => !channel.parentId)
    .flatMap((channel) => [channel, ...channels.filter((one) => one.parentId === channel.id)]);
}

/** Only plain channels carry the hash that people write before them. */
export function spokenName(channel: Pick<PlaygroundChannel, 'kind'> | null, name: string): string {
  const hashed = (channel?.kind ?? 'text') === 'text' || channel?.kind === 'announcement';
  return hashed ? `#${name}` : name;
}

/** Draws the sign of a channel's kind. */
export function channelIcon({ kind }: Pick<PlaygroundChannel, 'kind'>): VNode {
  switch (kind) {
    case 'announcement':
      return icons.announcement();
    case 'voice':
      return icons.voice();
    case 'thread':
      return icons.thread();
    case 'private-thread':
      return icons.lock();
    default:
      return icons.hash();
  }
}

function You(props: {
  you: PlaygroundUser;
  users: readonly PlaygroundUser[];
  guilds: readonly PlaygroundGuild[];
  guild: PlaygroundGuild | null;
  onBecome: (userId: string) => void;
}): VNode {
  const { you, users, guild } = props;
  const { box, open, toggle, close, onKeyDown } = useButtonMenu({
    button: '.you',
    first: '[aria-checked="true"]',
  });
  return html`<div class="you-box" ref=${box} onKeyDown=${onKeyDown}>
    ${
      open &&
      html`<div class="you-menu" role="menu" aria-label="Switch person">
        <p>Be somebody else in this tab:</p>
        ${users.slice(0, 50).map(
          (user) =>
            html`<button
              type="button"
              role="menuitemradio"
              key=${user.id}
              aria-checked=${user.id === you.id}
              onClick=${() => {
                close();
                if (user.id !== you.id) props.onBecome(user.id);
              }}
            >
              <${Avatar} name=${user.name} colour=${user.avatarColour} size=${28} />
              <span class="select-words"
                ><span>${user.name}</span><small>${roleWords(user, props.guilds)}</small></span
              >
              ${user.id === you.id && icons.check()}
            </button>`,
        )}
      </div>`
    }
    <button
      type="button"
      class="you"
      aria-haspopup="menu"
      aria-expanded=${open}
      aria-label=${`You are: ${you.name}. Switch person`}
      onClick=${toggle}
    >
      <${Avatar} name=${you.name} colour=${you.avatarColour} size=${32} />
      <span class="select-words">
        <span><small class="you-are">You are: </small>${you.name}</span>
        <small>${inServerWords(you, guild)}</small>
      </span>
      ${icons.down()}
    </button>
  </div>`;
}

function inServerWords(you: PlaygroundUser, guild: PlaygroundGuild | null): string {
  if (!guild) return 'Talking with the bot';
  if (guild.managers.includes(you.id)) return 'Manages this server';
  return rolesOf(guild, you.id)[0]?.name ?? 'Member';
}

/** "manages The Atelier · Supporter in Night Shift" */
function roleWords(user: PlaygroundUser, guilds: readonly PlaygroundGuild[]): string {
  const words = guilds.flatMap((guild) => {
    if (guild.managers.includes(user.id)) return [`manages ${guild.name}`];
    const [highest] = rolesOf(guild, user.id);
    return highest ? [`${highest.name} in ${guild.name}`] : [];
  });
  return words.join(' · ') || 'member';
}
