/**
 * A person's words inside our messages. Nothing they type may ping, link, format, reorder or swamp the line
 * around it.
 */

/** Bidirectional overrides and isolates, zero-width characters, blanks that are no spaces, tags, controls. */
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex
  /\u034f|[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** More than four combining marks on one letter is decoration that climbs over the lines above ("zalgo"). */
const STACKED_MARKS = /(\p{M}{4})\p{M}+/gu;

const SPECIAL = /[\\*_~`|>#[\]<@:]/g;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** One line of ordinary text: no controls, no invisible characters, single spaces. */
export function plainLine(text: string): string {
  return text.replace(/\s+/gu, ' ').replace(INVISIBLE, '').replace(STACKED_MARKS, '$1').trim();
}

/** At most `limit` UTF-16 units; cuts between characters as a reader sees them and marks the cut with "…". */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let end = 0;
  for (const { index, segment } of graphemes.segment(text.slice(0, limit * 2))) {
    if (index + segment.length > limit - 1) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() + '…';
}

/** Discord's markdown made harmless by backslashes; list and quote marks count at the start only. */
export function escapeMarkdown(line: string): string {
  return line
    .replace(SPECIAL, '\\$&')
    .replace(/^([-+=]|\d+(?=[.)]))/, (mark) => (/\d/.test(mark) ? `${mark}\\` : `\\${mark}`));
}

/** A prompt as our messages show it: one line, at most `limit` characters before escaping. */
export function quoted(text: string, limit: number): string {
  return escapeMarkdown(shorten(plainLine(text), limit));
}

/** A few words to copy, in a line; at most `limit` characters. */
export function codeSpan(text: string, limit: number): string {
  return `\`${shorten(plainLine(text).replaceAll('`', "'"), limit)}\``;
}

/** Text to copy, as it is. A zero-width space between backticks keeps it from closing the block. */
export function codeBlock(content: string): string {
  return `\`\`\`\n${content.replaceAll('```', '`\u200b`\u200b`')}\n\`\`\``;
}
