/** Draws parsed markdown with text nodes only. */
import { createContext, type VNode } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { classes, html } from '../html.ts';
import { parseMarkdown, type Block, type Inline, type ListItem } from './markdown.ts';
import { relativeTime, styledTime } from './time.ts';

/** Names behind ids, and where a click on a channel or message leads. */
export type Names = {
  user(id: string): string | null;
  channel(id: string): string | null;
  role(id: string): string | null;
  goTo(channelId: string, messageId: string | null): void;
};
export const NamesContext = createContext<Names>({
  user: () => null,
  channel: () => null,
  role: () => null,
  goTo: () => undefined,
});

/** Draws Discord's Markdown with text nodes, never as HTML, so that words stay words. */
export function Markdown({ text }: { text: string }): VNode {
  return html`<div class="markdown">${parseMarkdown(text).map(block)}</div>`;
}

function block(node: Block): VNode {
  switch (node.type) {
    case 'paragraph':
      return html`<p>${inlines(node.children)}</p>`;
    case 'subtext':
      return html`<p class="subtext">${inlines(node.children)}</p>`;
    case 'heading':
      // The page's own outline keeps h1 and h2, so a message's headings start at h3.
      return html`<div
        class=${`heading heading-${node.level}`}
        role="heading"
        aria-level=${node.level + 2}
      >
        ${inlines(node.children)}
      </div>`;
    case 'code':
      return html`<pre class="code-block" tabindex="0"><code>${node.text}</code></pre>`;
    case 'quote':
      return html`<blockquote>${node.blocks.map(block)}</blockquote>`;
    case 'list':
      return list(node.items);
  }
}

function list(items: readonly ListItem[]): VNode {
  const ordered = items[0]?.number !== null;
  const entries = items.map(
    (item) =>
      html`<li
        class=${item.number === null ? 'bullet' : 'numbered'}
        style=${`--depth:${item.depth}`}
        value=${item.number ?? undefined}
      >
        ${inlines(item.children)}
      </li>`,
  );
  return ordered
    ? html`<ol>
        ${entries}
      </ol>`
    : html`<ul>
        ${entries}
      </ul>`;
}

function inlines(nodes: readonly Inline[]): unknown[] {
  return nodes.map(inline);
}

function inline(node: Inline): unknown {
  switch (node.type) {
    case 'text':
      return node.text;
    case 'strong':
      return html`<strong>${inlines(node.children)}</strong>`;
    case 'em':
      return html`<em>${inlines(node.children)}</em>`;
    case 'underline':
      return html`<u>${inlines(node.children)}</u>`;
    case 'strike':
      return html`<s>${inlines(node.children)}</s>`;
    case 'spoiler':
      return html`<${Spoiler}>${inlines(node.children)}<//>`;
    case 'code':
      return html`<code>${node.text}</code>`;
    case 'link':
      return html`<${Link} href=${node.href}>${inlines(node.children)}<//>`;
    case 'mention':
      return html`<${Mention} node=${node} />`;
    case 'time':
      return html`<${Time} seconds=${node.seconds} style=${node.style} />`;
    case 'emoji':
      return html`<span class="emoji-name">:${node.name}</span>`;
  }
}

function Spoiler({ children }: { children?: unknown }): VNode {
  const [open, setOpen] = useState(false);
  if (open) return html`<span class="spoiler open">${children}</span>`;
  return html`<button
    type="button"
    class="spoiler"
    aria-label="Spoiler: show"
    onClick=${() => setOpen(true)}
  >
    <span aria-hidden="true">${children}</span>
  </button>`;
}

const MESSAGE_LINK =
  /^https:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?$/;

function Link({ href, children }: { href: string; children?: unknown }): VNode {
  const names = useContext(NamesContext);
  const local = MESSAGE_LINK.exec(href);
  const channel = local ? names.channel(local[1]!) : null;
  if (local && channel !== null) {
    const plain = Array.isArray(children) && children.length === 1 && children[0] === href;
    const label = plain ? `#${channel}${local[2] ? ' › message' : ''}` : children;
    return html`<button
      type="button"
      class=${plain ? 'mention' : 'link'}
      onClick=${() => names.goTo(local[1]!, local[2] ?? null)}
    >
      ${label}
    </button>`;
  }
  return html`<a class="link" href=${href} target="_blank" rel="noopener noreferrer" title=${href}
    >${children}</a
  >`;
}

function Mention({ node }: { node: Extract<Inline, { type: 'mention' }> }): VNode {
  const names = useContext(NamesContext);
  if (node.kind === 'channel') {
    const name = names.channel(node.id);
    if (name === null) return html`<span class="mention">#unknown</span>`;
    return html`<button type="button" class="mention" onClick=${() => names.goTo(node.id, null)}>
      #${name}
    </button>`;
  }
  const words = {
    user: () => `@${names.user(node.id) ?? 'unknown-user'}`,
    role: () => `@${names.role(node.id) ?? 'unknown-role'}`,
    everyone: () => node.text,
    command: () => node.text,
  }[node.kind]();
  return html`<span class="mention">${words}</span>`;
}

/** `style` is Discord's letter; `R` counts along while it is on the page. */
function Time({ seconds, style }: { seconds: number; style: string }): VNode {
  const [now, setNow] = useState(Date.now());
  const difference = seconds - Math.round(now / 1000);
  const live = style === 'R';
  const pause = Math.abs(difference) < 120 ? 1000 : 30_000;
  useEffect(() => {
    if (!live) return undefined;
    const timer = setInterval(() => setNow(Date.now()), pause);
    return () => clearInterval(timer);
  }, [live, pause]);
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return html`<span>Invalid date</span>`;
  const full = styledTime(date, 'F');
  return html`<time class=${classes('timestamp-mark')} datetime=${date.toISOString()} title=${full}>
    ${live ? relativeTime(difference) : styledTime(date, style)}
  </time>`;
}
