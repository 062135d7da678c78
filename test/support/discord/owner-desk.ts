import type { ActionOutcome, PlaygroundUserClient } from './playground-user.ts';
import { isPrivate, textOf, waitUntil } from './messages.ts';

type Options = Readonly<Record<string, string | number | boolean>>;

/** Somebody in their direct messages with the bot. */
export async function inDirect(user: PlaygroundUserClient): Promise<PlaygroundUserClient> {
  const { direct } = user.ready;
  if (direct === undefined) throw new Error('this person has no direct messages');
  await user.open(direct.id);
  return user;
}

/** What the bot answers privately to something that is done. */
export async function answerTo(
  user: PlaygroundUserClient,
  work: () => Promise<ActionOutcome>,
): Promise<string> {
  const before = new Set(user.messages().map(({ id }) => id));
  const outcome = await work();
  if (outcome.type === 'failed') throw new Error(`failed: ${outcome.reason}`);
  const told = () =>
    user
      .messages()
      .findLast((one) => !before.has(one.id) && isPrivate(one) && one.thinking !== true);
  await waitUntil(() => told() !== undefined, 'a private answer', 30_000);
  return textOf(told()!);
}

/** `/owner <name>`; answers what is told. */
export function owner(
  user: PlaygroundUserClient,
  name: string,
  options: Options = {},
): Promise<string> {
  return answerTo(user, () => user.command(`owner ${name}`, options));
}

/** A form of `/owner`, filled in. */
export function ownerForm(
  user: PlaygroundUserClient,
  name: string,
  values: Readonly<Record<string, string>>,
  options: Options = {},
): Promise<string> {
  return answerTo(user, async () => {
    const shown = await user.command(`owner ${name}`, options);
    if (shown.type !== 'modal') throw new Error(`no form: ${JSON.stringify(shown)}`);
    return user.submitModal(shown, values);
  });
}
