/** Who is in the server, grouped by role as Discord does, and a card of each with their roles. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PlaygroundGuild, PlaygroundRole, PlaygroundUser } from '../../protocol.ts';
import { useReturnFocus } from './focus.ts';
import { classes, html } from '../html.ts';
import { Aperture, Avatar, icons } from './icons.ts';
import type { BotState, State } from '../state.ts';

const MOST = 100;
/** From here on there is room for the list from the start. */
const WIDE = 1180;
/** Here it lies over the chat (members.css). */
const OVER_CHAT = '(max-width: 1000px)';

/**
 * Keeps whether the list is shown: from the start in a wide window, until the button says otherwise. A window that is
 * drawn so narrow that the list would lie over the chat hides it.
 */
export function useMembersShown(): [shown: boolean, set: (shown: boolean) => void] {
  const [shown, setShown] = useState(() => innerWidth >= WIDE);
  useEffect(() => {
    const over = matchMedia(OVER_CHAT);
    const changed = (): void => {
      if (over.matches) setShown(false);
    };
    over.addEventListener('change', changed);
    return () => over.removeEventListener('change', changed);
  }, []);
  return [shown, setShown];
}

/** False when it could not be sent. */
export type SetRoles = (guildId: string, userId: string, roleIds: readonly string[]) => boolean;

/** Draws the list of a server's members; a press opens a person's roles beside it. */
export function Members(props: { state: State; guild: PlaygroundGuild; onRoles: SetRoles }): VNode {
  const { state, guild } = props;
  const [open, setOpen] = useState<{ id: string; top: number } | null>(null);
  const people = state.users.filter((user) => guild.members.includes(user.id)).slice(0, MOST);
  const shown = people.find((user) => user.id === open?.id);
  const entry = (user: PlaygroundUser): VNode =>
    html`<button
      type="button"
      class="member"
      key=${user.id}
      aria-haspopup="dialog"
      aria-expanded=${open?.id === user.id}
      onClick=${(event: MouseEvent) => {
        const { top } = (event.currentTarget as Element).getBoundingClientRect();
        setOpen(open?.id === user.id ? null : { id: user.id, top });
      }}
    >
      <span class="face"
        ><${Avatar} name=${user.name} colour=${user.avatarColour} size=${32} /><i
          class="status online"
        ></i
      ></span>
      <span class="select-words">
        <span>${user.name}${user.id === state.you?.id ? ' (you)' : ''}</span>
        ${guild.managers.includes(user.id) && html`<small class="manager">${icons.key()} Manages this server</small>`}
      </span>
    </button>`;
  return html`<aside class="members" id="members" aria-label="Members">
    ${state.bot && html`<${BotMember} bot=${state.bot} />`}
    ${byRole(guild, people).map(
      ({ name, users }) =>
        html`<section key=${name} aria-label=${name}>
          <p class="channels-title">${name} — ${users.length}</p>
          ${users.map(entry)}
        </section>`,
    )}
    ${
      open &&
      shown &&
      html`<${MemberCard}
        key=${shown.id}
        user=${shown}
        guild=${guild}
        top=${open.top}
        onRoles=${props.onRoles}
        onClose=${() => setOpen(null)}
      />`
    }
  </aside>`;
}

function BotMember({ bot }: { bot: BotState }): VNode {
  return html`<section aria-label="Bot">
    <p class="channels-title">Bot — 1</p>
    <div class=${classes('member', !bot.online && 'offline')}>
      <span class="face"
        ><${Aperture} size=${32} /><i class=${classes('status', bot.online && 'online')}></i
      ></span>
      <span class="select-words">
        <span class="bot-author">${bot.name} <span class="app-tag">APP</span></span>
        <small>${bot.online ? 'Painting on this machine' : 'Starting…'}</small>
      </span>
    </div>
  </section>`;
}

/** People under their highest role; those without one come last. */
function byRole(
  guild: PlaygroundGuild,
  people: readonly PlaygroundUser[],
): { name: string; users: PlaygroundUser[] }[] {
  const highest = (user: PlaygroundUser): string | undefined =>
    rolesOf(guild, user.id).find((role) => !role.managed)?.id;
  const groups = (guild.roles ?? []).map((role) => ({
    name: role.name,
    users: people.filter((user) => highest(user) === role.id),
  }));
  const rest = people.filter((user) => highest(user) === undefined);
  return [...groups, { name: 'Members', users: rest }].filter(({ users }) => users.length > 0);
}

/** Lists a member's roles, in the server's order. */
export function rolesOf(guild: PlaygroundGuild, userId: string): PlaygroundRole[] {
  const mine = guild.memberRoles[userId] ?? [];
  return (guild.roles ?? []).filter((role) => mine.includes(role.id));
}

/** Name and roles of one member. Whoever may, gives and takes roles here. */
function MemberCard(props: {
  user: PlaygroundUser;
  guild: PlaygroundGuild;
  top: number;
  onRoles: SetRoles;
  onClose: () => void;
}): VNode {
  const { user, guild, onClose } = props;
  const card = useRef<HTMLDivElement>(null);
  useReturnFocus();
  useEffect(() => {
    card.current?.querySelector<HTMLElement>('input, button')?.focus({ preventScroll: true });
    const away = (event: Event): void => {
      const on = event.target as Element;
      if (!card.current?.contains(on) && !on.closest('.member')) onClose();
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, []);
  const has = guild.memberRoles[user.id] ?? [];
  // As pressed until the server says how it is.
  const [mine, setMine] = useState(has);
  useEffect(() => setMine(has), [has.join()]);
  const toggle = (id: string): void => {
    const next = mine.includes(id) ? mine.filter((one) => one !== id) : [...mine, id];
    if (props.onRoles(guild.id, user.id, next)) setMine(next);
  };
  const listed = (guild.roles ?? []).filter(
    ({ id, managed }) => !managed && (mine.includes(id) || guild.yours.roles.includes(id)),
  );
  return html`<div
    class="member-card"
    role="dialog"
    aria-label=${user.name}
    ref=${card}
    style=${`--top:${Math.max(8, Math.min(props.top, innerHeight - 260))}px`}
    onKeyDown=${(event: KeyboardEvent) => event.key === 'Escape' && onClose()}
  >
    <header>
      <${Avatar} name=${user.name} colour=${user.avatarColour} size=${48} />
      <h3>${user.name}</h3>
      <button type="button" class="plain" aria-label="Close" onClick=${onClose}>
        ${icons.close()}
      </button>
    </header>
    <fieldset>
      <legend>${listed.length === 1 ? 'Role' : 'Roles'}</legend>
      ${listed.map((role) => html`<${RoleLine} key=${role.id} role=${role} on=${mine.includes(role.id)} mine=${guild.yours.roles.includes(role.id)} onToggle=${() => toggle(role.id)} />`)}
      ${listed.length === 0 && html`<small>No roles</small>`}
    </fieldset>
  </div>`;
}

function RoleLine(props: {
  role: PlaygroundRole;
  on: boolean;
  /** yours to give and take */
  mine: boolean;
  onToggle: () => void;
}): VNode {
  const { role } = props;
  const dot = html`<i
    class="role-dot"
    style=${role.color ? `background:${hex(role.color)}` : ''}
  ></i>`;
  if (!props.mine) return html`<p class="role">${dot} ${role.name}</p>`;
  return html`<label class="role">
    ${dot} <span>${role.name}</span>
    <input type="checkbox" checked=${props.on} onChange=${props.onToggle} />
  </label>`;
}

const hex = (colour: number): string => `#${colour.toString(16).padStart(6, '0')}`;
