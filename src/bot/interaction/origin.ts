import { MessageFlags } from 'discord.js';
import type { Message } from 'discord.js';

/**
 * Whether what somebody pressed is seen by that person only. A form that was refused is opened again from the refusal,
 * which is always private: what the form itself came from is noted here.
 */
const noted = new WeakMap<object, boolean>();

/**
 * Notes that what this interaction came from is seen by one person only, or by all. It is forgotten with the
 * interaction.
 */
export function noteOrigin(interaction: object, hidden: boolean): void {
  noted.set(interaction, hidden);
}

/** Is what this interaction came from seen by one person only? What was noted goes before what its message says. */
export function isFromHidden(interaction: object): boolean {
  const known = noted.get(interaction);
  if (known !== undefined) return known;
  const message = 'message' in interaction ? (interaction.message as Message | null) : null;
  return message?.flags.has(MessageFlags.Ephemeral) === true;
}
