/** A message as words alone: for the clipboard and for screen readers. Pure. */
import type { PlaygroundMessage } from '../../protocol.ts';
import { parseMarkdown, plainText } from './markdown.ts';

const TEXT_DISPLAY = 10;
const MEDIA_GALLERY = 12;

type Part = { type?: number; content?: unknown; items?: readonly unknown[]; components?: unknown };

/** Every text of it, top to bottom, with its marks. */
export function sourceText(message: PlaygroundMessage): string {
  const texts = [message.content];
  walk(message.components, (part) => {
    if (part.type === TEXT_DISPLAY && typeof part.content === 'string') texts.push(part.content);
  });
  return texts.filter(Boolean).join('\n');
}

/** One sentence: who, the words without marks, how many pictures. */
export function spokenText(message: PlaygroundMessage): string {
  let pictures = message.attachments.length;
  walk(message.components, (part) => {
    if (part.type === MEDIA_GALLERY) pictures = Math.max(pictures, part.items?.length ?? 0);
  });
  const count = pictures === 0 ? '' : pictures === 1 ? ', one picture' : `, ${pictures} pictures`;
  const who = message.author.global_name ?? message.author.username;
  return `${who}: ${plainText(parseMarkdown(sourceText(message)))}${count}`;
}

function walk(node: unknown, visit: (part: Part) => void): void {
  if (Array.isArray(node)) return node.forEach((one) => walk(one, visit));
  if (typeof node !== 'object' || node === null) return;
  const part = node as Part;
  visit(part);
  walk(part.components, visit);
}
