/**
 * Discord's markdown as a tree. Pure, and never HTML: the page draws the tree with text nodes, so
 * that whatever a prompt contains stays text. Unclosed marks stay as they were written.
 */

export type Inline =
  | { type: 'text'; text: string }
  | { type: 'strong' | 'em' | 'underline' | 'strike' | 'spoiler'; children: Inline[] }
  | { type: 'code'; text: string }
  | { type: 'link'; href: string; children: Inline[] }
  | {
      type: 'mention';
      kind: 'user' | 'role' | 'channel' | 'everyone' | 'command';
      id: string;
      text: string;
    }
  | { type: 'time'; seconds: number; style: string }
  | { type: 'emoji'; name: string };

export type Block =
  | { type: 'paragraph' | 'subtext'; children: Inline[] }
  | { type: 'heading'; level: 1 | 2 | 3; children: Inline[] }
  | { type: 'code'; language: string; text: string }
  | { type: 'quote'; blocks: Block[] }
  | { type: 'list'; items: ListItem[] };

export type ListItem = { depth: number; number: number | null; children: Inline[] };

const MAX_DEPTH = 12;
const FENCE = /(?<!\\)```(?:([\w+#.-]*)\n)?([\s\S]+?)```/g;

/** Reads Discord's Markdown into blocks; code fences are cut out first, so that nothing in them is read. */
export function parseMarkdown(source: string): Block[] {
  const blocks: Block[] = [];
  let from = 0;
  for (const match of source.matchAll(FENCE)) {
    blocks.push(...parseLines(source.slice(from, match.index).replace(/\n$/, '')));
    blocks.push({
      type: 'code',
      language: match[1] ?? '',
      text: (match[2] ?? '').replace(/^\n+|\n+$/g, ''),
    });
    from = match.index + match[0].length;
    if (source[from] === '\n') from++;
  }
  blocks.push(...parseLines(source.slice(from)));
  return blocks;
}

function parseLines(source: string): Block[] {
  if (source === '') return [];
  const blocks: Block[] = [];
  const lines = source.split('\n');
  let plain: string[] = [];
  const flush = (): void => {
    if (plain.length > 0)
      blocks.push({ type: 'paragraph', children: parseInline(plain.join('\n')) });
    plain = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
    const subtext = /^-# +(\S.*)$/.exec(line);
    if (line.startsWith('>>> ')) {
      flush();
      const rest = [line.slice(4), ...lines.slice(i + 1)].join('\n');
      blocks.push({ type: 'quote', blocks: parseLines(rest) });
      return blocks;
    }
    if (line.startsWith('> ') || line === '>') {
      flush();
      const quoted: string[] = [];
      for (; i < lines.length && (lines[i]!.startsWith('> ') || lines[i] === '>'); i++) {
        quoted.push(lines[i]!.slice(2));
      }
      i--;
      blocks.push({ type: 'quote', blocks: parseLines(quoted.join('\n')) });
    } else if (heading) {
      flush();
      const level = heading[1]!.length as 1 | 2 | 3;
      blocks.push({ type: 'heading', level, children: parseInline(heading[2]!) });
    } else if (subtext) {
      flush();
      blocks.push({ type: 'subtext', children: parseInline(subtext[1]!) });
    } else if (listItem(line)) {
      flush();
      const items: ListItem[] = [];
      for (let item; i < lines.length && (item = listItem(lines[i]!)); i++) items.push(item);
      i--;
      blocks.push({ type: 'list', items });
    } else {
      plain.push(line);
    }
  }
  flush();
  return blocks;
}

function listItem(line: string): ListItem | null {
  const match = /^( *)(?:[-*]|(\d{1,9})\.) +(\S.*)$/.exec(line);
  if (!match) return null;
  return {
    depth: Math.min(5, Math.floor(match[1]!.length / 2)),
    number: match[2] === undefined ? null : Number(match[2]),
    children: parseInline(match[3]!),
  };
}

/** Body of a mark: any character, a backslash taking the next one with it. */
const BODY = '((?:\\\\[\\s\\S]|[^\\\\])+?)';
const MARKS: readonly [RegExp, 'strong' | 'em' | 'underline' | 'strike' | 'spoiler'][] = [
  [new RegExp(`^\\*\\*${BODY}\\*\\*(?!\\*)`), 'strong'],
  [new RegExp(`^__${BODY}__(?!_)`), 'underline'],
  [new RegExp(`^\\*(?![\\s*])((?:\\*\\*|\\\\[\\s\\S]|[^*\\\\])+?)\\*(?!\\*)`), 'em'],
  [new RegExp(`^_(?!_)((?:__|\\\\[\\s\\S]|[^_\\\\])+?)_(?!\\w)`), 'em'],
  [new RegExp(`^~~${BODY}~~`), 'strike'],
  [new RegExp(`^\\|\\|${BODY}\\|\\|`), 'spoiler'],
];
const URL_BARE = /^https?:\/\/[^\s<]*[^\s<.,:;"'\])*_~|]/;
const URL_ANGLE = /^<(https?:\/\/[^\s<>]+)>/;
const URL_MASKED =
  /^\[((?:\\[\s\S]|[^\]\\])+)\]\(<?(https?:\/\/[^\s<>()]+(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?: +"[^"]*")?\)/;
const ANGLE =
  /^<(?:(@!?|@&|#)(\d{15,21})|t:(-?\d{1,13})(?::([tTdDfFR]))?|\/([^:<>\n]{1,100}):(\d{15,21})|a?(:\w{2,32}:)\d{15,21})>/;
const SPECIAL = /[\\`*_~|[<@]|https?:\/\//g;

/** Reads one line's emphasis, links, mentions and code. `depth` counts how deep it is nested and bounds it. */
export function parseInline(source: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  const text = (more: string): void => {
    const last = out.at(-1);
    if (last?.type === 'text') last.text += more;
    else if (more !== '') out.push({ type: 'text', text: more });
  };
  let i = 0;
  while (i < source.length) {
    SPECIAL.lastIndex = i;
    const next = SPECIAL.exec(source)?.index ?? source.length;
    text(source.slice(i, next));
    if (next >= source.length) break;
    const found = inlineAt(source.slice(next), source[next - 1] ?? ' ', depth);
    if (!found) {
      text(source[next]!);
      i = next + 1;
    } else {
      if (found.node.type === 'text') text(found.node.text);
      else out.push(found.node);
      i = next + found.length;
    }
  }
  return out;
}

type Found = { node: Inline; length: number };

function inlineAt(rest: string, before: string, depth: number): Found | null {
  const first = rest[0]!;
  if (first === '\\') {
    const escaped = /^\\([^0-9A-Za-z\s])/.exec(rest);
    return escaped ? { node: { type: 'text', text: escaped[1]! }, length: 2 } : null;
  }
  if (first === '`') {
    const code = /^(`+)([\s\S]*?[^`])\1(?!`)/.exec(rest);
    if (!code) return null;
    const body = code[2]!.replace(/^ (?=`)|(?<=`) $/g, '');
    return { node: { type: 'code', text: body }, length: code[0].length };
  }
  if (first === '<') return angleAt(rest);
  if (first === 'h') {
    const url = URL_BARE.exec(rest);
    return url && link(url[0], [{ type: 'text', text: url[0] }], url[0].length);
  }
  if (first === '@') {
    const all = /^@(?:everyone|here)\b/.exec(rest);
    if (!all) return null;
    return {
      node: { type: 'mention', kind: 'everyone', id: '', text: all[0] },
      length: all[0].length,
    };
  }
  if (depth >= MAX_DEPTH) return null;
  if (first === '[') {
    const masked = URL_MASKED.exec(rest);
    return masked && link(masked[2]!, parseInline(masked[1]!, depth + 1), masked[0].length);
  }
  if (first === '_' && /\w/.test(before)) return null;
  for (const [pattern, type] of MARKS) {
    const match = pattern.exec(rest);
    if (match) {
      return {
        node: { type, children: parseInline(match[1]!, depth + 1) },
        length: match[0].length,
      };
    }
  }
  return null;
}

function angleAt(rest: string): Found | null {
  const url = URL_ANGLE.exec(rest);
  if (url) return link(url[1]!, [{ type: 'text', text: url[1]! }], url[0].length);
  const match = ANGLE.exec(rest);
  if (!match) return null;
  const length = match[0].length;
  const [, sigil, id, seconds, style, command, commandId, emoji] = match;
  if (sigil && id) {
    const kind = sigil === '#' ? 'channel' : sigil === '@&' ? 'role' : 'user';
    return { node: { type: 'mention', kind, id, text: '' }, length };
  }
  if (seconds) {
    return { node: { type: 'time', seconds: Number(seconds), style: style ?? 'f' }, length };
  }
  if (command) {
    return {
      node: { type: 'mention', kind: 'command', id: commandId!, text: `/${command}` },
      length,
    };
  }
  return { node: { type: 'emoji', name: emoji! }, length };
}

function link(href: string, children: Inline[], length: number): Found | null {
  return URL.canParse(href) ? { node: { type: 'link', href, children }, length } : null;
}

/** The words alone, for screen readers and one-line previews. */
export function plainText(blocks: readonly Block[]): string {
  const inline = (nodes: readonly Inline[]): string =>
    nodes
      .map((node) => {
        if ('children' in node)
          return node.type === 'spoiler' ? '(spoiler)' : inline(node.children);
        if (node.type === 'text' || node.type === 'code') return node.text;
        return node.type === 'time' ? '' : node.type === 'mention' ? node.text : node.name;
      })
      .join('');
  return blocks
    .map((block) => {
      if (block.type === 'code') return block.text;
      if (block.type === 'quote') return plainText(block.blocks);
      if (block.type === 'list') return block.items.map((item) => inline(item.children)).join(', ');
      return inline(block.children);
    })
    .join(' ')
    .trim();
}
