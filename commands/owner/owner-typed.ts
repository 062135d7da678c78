import { UserError } from '../../src/engine/errors.ts';
import { quoted } from '../../src/bot/render/markdown.ts';
import type { Text } from '../../src/bot/text/text.ts';

/** An id, as itself or in a mention of a person or channel. @throws UserError for anything else */
export function idOf(typed: string, text: Text): string {
  const found = /^\s*(?:<(?:@!?|#)(\d{15,20})>|(\d{15,20}))\s*$/.exec(typed);
  const id = found?.[1] ?? found?.[2];
  if (id === undefined) throw new UserError(text.owner.notAnId(quoted(typed, 60)));
  return id;
}

/** The same, or null for “none”. */
export function idOrNone(typed: string, text: Text): string | null {
  return /^\s*(?:none|keiner?|0|-)\s*$/i.test(typed) ? null : idOf(typed, text);
}
