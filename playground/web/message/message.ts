/** One message: who, when, what it answers, its content, pictures and components. */
import type { VNode } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { CommandValue, PlaygroundMessage, PlaygroundUser } from '../../protocol.ts';
import { OPTION } from '../composer/commands.ts';
import { Components, SurfaceContext, type Surface } from './components.ts';
import { Embed } from './embed.ts';
import { FileCard, isPicture, pictureOfAttachment } from './files.ts';
import { useKeptFocus } from '../frame/focus.ts';
import { classes, html, memo } from '../html.ts';
import { Aperture, Avatar, icons } from '../frame/icons.ts';
import { parseMarkdown, plainText } from './markdown.ts';
import { Gallery } from './media.ts';
import type { People } from '../form/select-entries.ts';
import type { Pending } from '../state.ts';
import { Markdown } from './text.ts';
import { messageTime, styledTime } from './time.ts';

const EPHEMERAL = 64;
const LOADING = 128;
const COMPONENTS_V2 = 1 << 15;

export const isEphemeral = (message: PlaygroundMessage): boolean =>
  ((message.flags ?? 0) & EPHEMERAL) !== 0;
export const isThinking = (message: PlaygroundMessage): boolean =>
  message.thinking ?? ((message.flags ?? 0) & LOADING) !== 0;

export type MessageActions = {
  press(
    messageId: string,
    customId: string,
    componentType: number,
    values?: readonly string[],
  ): void;
  dismiss(messageId: string): void;
  menu(messageId: string, x: number, y: number): void;
  goTo(channelId: string, messageId: string | null): void;
};

export const Message = memo(function Message(props: {
  message: PlaygroundMessage;
  /** follows a message of the same author: without avatar and name */
  compact: boolean;
  people: People;
  botName: string;
  pending: Pending | null;
  actions: MessageActions;
}): VNode {
  const { message, compact, people, pending, actions } = props;
  const surface = useMemo<Surface>(
    () => ({
      people,
      busy: pending && !pending.failed ? pending.customId : null,
      press: (customId, type, values) => actions.press(message.id, customId, type, values),
    }),
    [people, pending, actions, message.id],
  );
  const article = useRef<HTMLElement>(null);
  useKeptFocus(article);
  const ephemeral = isEphemeral(message);
  const bot = message.author.bot === true;
  const author = people.users.find((user) => user.id === message.author.id);
  const name = bot
    ? props.botName
    : (author?.name ?? message.author.global_name ?? message.author.username);
  const when = new Date(message.timestamp);
  return html`<article
    id=${`message-${message.id}`}
    ref=${article}
    tabindex="-1"
    class=${classes('message', compact && 'compact', ephemeral && 'ephemeral')}
    aria-label=${`${name}, ${messageTime(when, new Date())}`}
    onContextMenu=${(event: MouseEvent) => {
      if ((event.target as Element).closest('a, input, textarea')) return;
      event.preventDefault();
      actions.menu(message.id, event.clientX, event.clientY);
    }}
  >
    <${Above}
      message=${message}
      users=${people.users}
      botName=${props.botName}
      actions=${actions}
    />
    <div class="message-avatar">
      ${compact ? hoverTime(when) : html`<${Face} name=${name} bot=${bot} user=${author} size=${40} />`}
    </div>
    <div class="message-main">
      ${!compact && html`<${MessageHead} name=${name} bot=${bot} timestamp=${message.timestamp} />`}
      <${SurfaceContext.Provider} value=${surface}><${Body} message=${message} name=${name} /><//>
      ${pending?.failed && html`<p class="failed-words" role="alert">${pending.failed}</p>`}
      ${ephemeral && html`<${OnlyYou} onDismiss=${() => actions.dismiss(message.id)} />`}
    </div>
    <${MessageTools} onMenu=${(x: number, y: number) => actions.menu(message.id, x, y)} />
  </article>`;
});

const hoverTime = (when: Date): VNode =>
  html`<time class="hover-time">${styledTime(when, 't')}</time>`;

function MessageHead(props: { name: string; bot: boolean; timestamp: string }): VNode {
  const { name, bot, timestamp } = props;
  const when = new Date(timestamp);
  return html`<header class="message-head">
    <span class=${classes('author', bot && 'bot-author')}>${name}</span>
    ${bot && html`<span class="app-tag">APP</span>`}
    <time class="when" datetime=${timestamp} title=${styledTime(when, 'F')}
      >${messageTime(when, new Date())}</time
    >
  </header>`;
}

function MessageTools({ onMenu }: { onMenu: (x: number, y: number) => void }): VNode {
  return html`<div class="message-tools">
    <button
      type="button"
      aria-label="More: copy, apps"
      aria-haspopup="menu"
      onClick=${(event: MouseEvent) => {
        const box = (event.currentTarget as Element).getBoundingClientRect();
        onMenu(box.right, box.bottom);
      }}
    >
      ${icons.more()}
    </button>
  </div>`;
}

function Body({ message, name }: { message: PlaygroundMessage; name: string }): VNode {
  if (isThinking(message)) {
    return html`<p class="thinking">
      <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> ${name} is thinking…
    </p>`;
  }
  const v2 = ((message.flags ?? 0) & COMPONENTS_V2) !== 0;
  const edited = message.edited_timestamp !== null && !v2;
  const files = message.attachments;
  const pictures = v2 ? [] : files.filter(isPicture).map(pictureOfAttachment);
  const others = v2 ? [] : files.filter((file) => !isPicture(file));
  const { edited_timestamp: editedAt } = message;
  return html`
    ${
      message.content &&
      html`<div class="content">
        <${Markdown} text=${message.content} />
        ${edited && html`<span class="edited" title=${styledTime(new Date(editedAt ?? ''), 'F')}>(edited)</span>`}
      </div>`
    }
    ${message.embeds.map((embed, index) => html`<${Embed} key=${index} embed=${embed} files=${files} />`)}
    <${Gallery} pictures=${pictures} />
    ${others.map((file) => html`<${FileCard} key=${file.id} name=${file.filename} size=${file.size} url=${file.url} />`)}
    ${message.components?.length ? html`<${Components} components=${message.components} files=${files} />` : null}
  `;
}

/** The line above: the command it answers, or the message it replies to. */
function Above(props: {
  message: PlaygroundMessage;
  users: readonly PlaygroundUser[];
  botName: string;
  actions: MessageActions;
}): VNode | null {
  const { message, users, actions } = props;
  const command = message.used?.name ?? message.interaction?.name;
  const who = message.interaction_metadata?.user ?? message.interaction?.user;
  if (command && who) {
    const user = users.find((one) => one.id === who.id);
    const name = user?.name ?? who.global_name ?? who.username;
    const slash = (message.type as number) !== 23;
    return html`<${UsedLine}
      name=${name}
      user=${user}
      command=${command}
      slash=${slash}
      options=${message.used?.options ?? []}
    />`;
  }
  const reference = message.message_reference;
  if (!reference?.message_id) return null;
  const to = message.referenced_message;
  const author =
    users.find((one) => one.id === to?.author.id)?.name ??
    (to?.author.bot ? props.botName : (to?.author.username ?? ''));
  const words = to
    ? plainText(parseMarkdown(to.content)) || 'Click to see the message'
    : 'Original message was deleted';
  const go = (): void => actions.goTo(reference.channel_id, reference.message_id ?? null);
  return html`<div class="above">
    <span class="above-hook" aria-hidden="true"></span>
    ${author && html`<span class="above-name">@${author}</span>`}
    <button type="button" class="above-words" onClick=${go} disabled=${!to}>${words}</button>
  </div>`;
}

/** Draws the line above an answer: who used which command with which options. */
export function UsedLine(props: {
  name: string;
  user: PlaygroundUser | undefined;
  command: string;
  slash: boolean;
  options: readonly CommandValue[];
}): VNode {
  const given = props.options.filter(
    (o) => o.type !== OPTION.subcommand && o.type !== OPTION.group,
  );
  return html`<div class="above used">
    <span class="above-hook" aria-hidden="true"></span>
    <${Avatar} name=${props.name} colour=${props.user?.avatarColour ?? 'var(--muted)'} size=${16} />
    <span class="above-name">${props.name}</span> used
    <span class="used-command">${props.slash ? `/${props.command}` : props.command}</span>
    ${given.map((o) => {
      const value = o.type === OPTION.attachment ? 'file' : String(o.value);
      const long = value.length > 16;
      return html`<span
        class=${classes('used-option', long && 'long')}
        key=${o.name}
        title=${`${o.name}: ${value}`}
        ><b>${o.name}</b> ${value}</span
      >`;
    })}
  </div>`;
}

/** Draws a message's author. */
export function Face(props: {
  name: string;
  bot: boolean;
  user: PlaygroundUser | undefined;
  size: number;
}): VNode {
  if (props.bot) return html`<span class="face"><${Aperture} size=${props.size} /></span>`;
  return html`<${Avatar}
    name=${props.name}
    colour=${props.user?.avatarColour ?? 'var(--muted)'}
    size=${props.size}
  />`;
}

/** Draws the note below an ephemeral message. */
export function OnlyYou({ onDismiss }: { onDismiss: () => void }): VNode {
  return html`<p class="only-you">
    ${icons.eye()} Only you can see this ·
    <button type="button" class="link" onClick=${onDismiss}>Dismiss message</button>
  </p>`;
}
