import assert from 'node:assert/strict';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { buttonOf, customIdsOf } from './messages.ts';
import type { PlaygroundUserClient, ShownModal } from './playground-user.ts';

/** What the button opens that is shown where a form could not be the first answer any more. */
const OPENERS = ['from-picture', 'reword-found'];

/**
 * Answers the form that a command on a message with somebody's picture opens; where a busy machine read the picture too
 * late for one, by the button that is offered then.
 */
export async function formOf(
  user: PlaygroundUserClient,
  command: 'Reimagine' | 'Edit',
  messageId: string,
): Promise<ShownModal> {
  const outcome = await user.command(command, {}, messageId);
  if (outcome.type === 'modal') return outcome;
  const offer = await user.waitForMessage((message) => openerIn(message) !== undefined);
  const opened = await user.press(offer.id, buttonOf(offer, openerIn(offer)!));
  assert.ok(opened.type === 'modal', JSON.stringify(opened));
  user.dismiss(offer.id);
  return opened;
}

function openerIn(message: PlaygroundMessage): string | undefined {
  const actions = customIdsOf(message).map((id) => id.split(':')[1]);
  return OPENERS.find((opener) => actions.includes(opener));
}
