import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import { deadlineAfter } from '../machine/patience.ts';
import type { PlaygroundUserClient } from './playground-user.ts';

/**
 * Asked once of each state of a message, which is another object after an edit: who waits for something looks at all
 * messages again and again.
 */
function ofEachState<T>(
  look: (message: PlaygroundMessage) => T,
): (message: PlaygroundMessage) => T {
  const seen = new WeakMap<PlaygroundMessage, { found: T }>();
  return (message) => {
    const known = seen.get(message);
    if (known !== undefined) return known.found;
    const found = look(message);
    seen.set(message, { found });
    return found;
  };
}

/** Links of the pictures a message shows, in its order. */
export function picturesOf(message: PlaygroundMessage): string[] {
  return [...JSON.stringify(message.components ?? []).matchAll(/"url":"([^"]+)"/g)].map(
    (match) => match[1] ?? '',
  );
}

export async function bytesAt(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

export const textOf = ofEachState((message): string => {
  const parts: string[] = [message.content];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (typeof value !== 'object' || value === null) return;
    if ('content' in value && typeof value.content === 'string') parts.push(value.content);
    for (const inner of Object.values(value)) if (typeof inner === 'object') walk(inner);
  };
  walk(message.components ?? []);
  return parts.join('\n');
});

export const customIdsOf = ofEachState((message): readonly string[] =>
  [...JSON.stringify(message.components ?? []).matchAll(/"custom_id":"([^"]+)"/g)].map(
    (match) => match[1] ?? '',
  ),
);

/** The job whose finished pictures a message shows. */
export const jobShownIn = ofEachState(
  (message): string | null =>
    /"\d+:recipe:(\w{12})"/.exec(JSON.stringify(message.components ?? []))?.[1] ?? null,
);

export function buttonOf(message: PlaygroundMessage, action: string): string {
  const found = customIdsOf(message).find((id) => id.split(':')[1] === action);
  if (found === undefined) throw new Error(`no button ${action} in ${customIdsOf(message).join()}`);
  return found;
}

export const isDone = (message: PlaygroundMessage): boolean =>
  customIdsOf(message).some((id) => id.split(':')[1] === 'recipe');

export const isPrivate = (message: PlaygroundMessage): boolean => ((message.flags ?? 0) & 64) !== 0;

/** Waits for a message that is not there yet; `timeout`: milliseconds of an idle machine. */
export function fresh(
  user: Pick<PlaygroundUserClient, 'messages' | 'waitForMessage'>,
): (fits: (message: PlaygroundMessage) => boolean, timeout?: number) => Promise<PlaygroundMessage> {
  const before = new Set(user.messages().map(({ id }) => id));
  return (fits, timeout) =>
    user.waitForMessage((message) => !before.has(message.id) && fits(message), timeout);
}

type Person = Pick<PlaygroundUserClient, 'messages' | 'waitForMessage' | 'dismiss'>;

/** What only this person is answered next; it is put away again, so that it is not taken for the answer after it. */
export async function answered(user: Person): Promise<PlaygroundMessage> {
  const message = await user.waitForMessage((one) => isPrivate(one) && one.thinking !== true);
  user.dismiss(message.id);
  await waitUntil(() => !user.messages().some(({ id }) => id === message.id), 'dismissed');
  return message;
}

/** As `answered`, the words alone. */
export const told = async (user: Person): Promise<string> => textOf(await answered(user));

/** `timeout`: milliseconds of an idle machine. */
export async function waitUntil(
  fits: () => boolean | Promise<boolean>,
  what: string,
  timeout = 10_000,
): Promise<void> {
  const deadline = deadlineAfter(timeout);
  while (!(await fits())) {
    if (deadline.hasPassed()) throw new Error(`after ${deadline.ms()} ms still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
