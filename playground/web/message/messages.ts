/** The message list: keeps to the newest, lets the reader scroll up in peace, says new ones aloud. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { PlaygroundMessage } from '../../protocol.ts';
import { useKeptFocus } from '../frame/focus.ts';
import { classes, html } from '../html.ts';
import { icons } from '../frame/icons.ts';
import { spokenText } from './message-text.ts';
import {
  Face,
  isEphemeral,
  isThinking,
  Message,
  OnlyYou,
  UsedLine,
  type MessageActions,
} from './message.ts';
import type { People } from '../form/select-entries.ts';
import type { Pending } from '../state.ts';

const NEAR_BOTTOM = 80;
const GROUP_MS = 7 * 60_000;

type MessagesProps = {
  channelId: string;
  messages: readonly PlaygroundMessage[] | undefined;
  pending: readonly Pending[];
  people: People;
  botName: string;
  youId: string;
  actions: MessageActions;
  onDismissPending: (nonce: string) => void;
  welcome: VNode;
};

/**
 * Draws a channel's messages and pending commands in order of time. It stays at the bottom unless somebody scrolled
 * away.
 */
export function Messages(props: MessagesProps): VNode {
  const { messages = [], pending, people } = props;
  const { scroller, inner, away, toBottom, onScroll } = useKeptBottom(props.channelId, pending);
  const mine = pending.filter((p) => p.kind === 'command' && p.channelId === props.channelId);
  const you = people.users.find((user) => user.id === props.youId);
  const own = (p: Pending): VNode =>
    html`<${PendingMessage}
      key=${p.nonce}
      pending=${p}
      botName=${props.botName}
      you=${you}
      onDismiss=${() => props.onDismissPending(p.nonce)}
    />`;
  const rows = rowsOf(props, mine, own);
  const newest = messages.at(-1);
  const latest = mine.filter((p) => !newest || p.at >= Date.parse(newest.timestamp));
  return html`<div class="messages-frame">
    <div
      class="messages"
      ref=${scroller}
      onScroll=${onScroll}
      tabindex="0"
      role="region"
      aria-label="Messages"
    >
      <div class="messages-inner" ref=${inner}>${props.welcome} ${rows} ${latest.map(own)}</div>
    </div>
    ${
      away &&
      html`<button type="button" class="to-newest" onClick=${toBottom}>
        ${icons.down()} Jump to the newest
      </button>`
    }
    <${Announcer} messages=${messages} channelId=${props.channelId} />
  </div>`;
}

/** Days, messages, and between them the commands that were sent when they were. */
function rowsOf(
  { messages = [], pending, people, botName, actions }: MessagesProps,
  mine: readonly Pending[],
  own: (pending: Pending) => VNode,
) {
  return messages.flatMap((message, index) => {
    const before = messages[index - 1];
    const day = dayBetween(before, message);
    const since = before ? Date.parse(before.timestamp) : 0;
    const earlier = mine.filter((p) => p.at >= since && p.at < Date.parse(message.timestamp));
    const row = html`<${Message}
      key=${message.id}
      message=${message}
      compact=${day === null && earlier.length === 0 && continues(before, message)}
      people=${people}
      botName=${botName}
      pending=${pending.find((p) => p.messageId === message.id) ?? null}
      actions=${actions}
    />`;
    const line =
      day &&
      html`<div class="day" key=${`day-${message.id}`} role="separator"><span>${day}</span></div>`;
    return [...earlier.map(own), line, row];
  });
}

/** A list that shows its newest entry as it grows, until the reader goes up; and again once they do something here. */
function useKeptBottom(channelId: string, pending: readonly Pending[]) {
  const scroller = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  useKeptFocus(scroller);
  const stuck = useRef(true);
  const lastTop = useRef(0);
  const [away, setAway] = useState(false);

  const toBottom = (): void => {
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  useLayoutEffect(() => {
    stuck.current = true;
    toBottom();
  }, [channelId]);
  const sent = pending
    .filter((p) => p.channelId === channelId)
    .map((p) => p.nonce)
    .join();
  useLayoutEffect(() => {
    // Whoever does something wants to see what comes of it: back to the newest, where the answer will be.
    const asks = pending.some((p) => p.kind === 'command' && p.channelId === channelId);
    if (!asks) return;
    stuck.current = true;
    setAway(false);
    toBottom();
  }, [sent]);
  useEffect(() => {
    // Growth of any kind (a message, a picture that has loaded, a narrower window) keeps the newest in view.
    const watch = new ResizeObserver(() => stuck.current && toBottom());
    if (inner.current) watch.observe(inner.current);
    if (scroller.current) watch.observe(scroller.current);
    return () => watch.disconnect();
  }, []);
  const onScroll = (): void => {
    const box = scroller.current;
    if (!box) return;
    // A scroll event may arrive after more has grown below: only going up lets go of the newest.
    const wentUp = box.scrollTop < lastTop.current;
    lastTop.current = box.scrollTop;
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_BOTTOM;
    stuck.current = near || (stuck.current && !wentUp);
    setAway(!stuck.current);
  };
  return { scroller, inner, away, toBottom, onScroll };
}

function PendingMessage(props: {
  pending: Pending;
  botName: string;
  you: People['users'][number] | undefined;
  onDismiss: () => void;
}): VNode {
  const { pending, you } = props;
  return html`<article class=${classes('message', 'pending', pending.failed && 'ephemeral')}>
    <${UsedLine}
      name=${you?.name ?? 'You'}
      user=${you}
      command=${pending.name}
      slash=${true}
      options=${pending.options}
    />
    <div class="message-avatar"><${Face} name=${props.botName} bot=${true} size=${40} /></div>
    <div class="message-main">
      <header class="message-head">
        <span class="author bot-author">${props.botName}</span><span class="app-tag">APP</span>
      </header>
      ${
        pending.failed
          ? html`<p class="failed-words" role="alert">${pending.failed}</p>
              <${OnlyYou} onDismiss=${props.onDismiss} />`
          : html`<p class="thinking">Sending command…</p>`
      }
    </div>
  </article>`;
}

/** Same author within seven minutes and nothing above the message: drawn without its head. */
function continues(before: PlaygroundMessage | undefined, message: PlaygroundMessage): boolean {
  if (!before || before.author.id !== message.author.id) return false;
  if (
    message.used ||
    message.interaction ||
    message.interaction_metadata ||
    message.message_reference
  )
    return false;
  if (isEphemeral(before) !== isEphemeral(message)) return false;
  return Date.parse(message.timestamp) - Date.parse(before.timestamp) < GROUP_MS;
}

function dayBetween(
  before: PlaygroundMessage | undefined,
  message: PlaygroundMessage,
): string | null {
  const day = new Date(message.timestamp);
  if (!before || new Date(before.timestamp).toDateString() === day.toDateString()) return null;
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'long' }).format(day);
}

const CALM_MS = 2500;
const AGAIN_MS = 10_000;

/**
 * Says the newest message aloud once it has stayed the same for a while, and how far it is every ten seconds:
 * edits come several a second.
 */
function Announcer(props: { messages: readonly PlaygroundMessage[]; channelId: string }): VNode {
  const [words, setWords] = useState('');
  const last = props.messages.at(-1);
  const said = useRef(0);
  useEffect(() => {
    setWords('');
    said.current = Date.now();
  }, [props.channelId]);
  useEffect(() => {
    if (!last || isThinking(last)) return undefined;
    const say = (): void => {
      said.current = Date.now();
      setWords(spokenText(last));
    };
    const timer = setTimeout(say, Date.now() - said.current > AGAIN_MS ? 0 : CALM_MS);
    return () => clearTimeout(timer);
  }, [last]);
  return html`<div class="unseen" role="status" aria-live="polite">${words}</div>`;
}
