import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { isAmong, markOf } from '../../src/bot/policy/people.ts';
import { idOf } from './owner-typed.ts';

const personOf = ({ options }: ChatInputCommandInteraction, { text }: Scene): string =>
  idOf(options.getString('person', true), text);

const mention = (id: string): string => `<@${id}>`;

/** Blocks a person on all servers and stops all that they have waiting or running. A second call changes nothing. */
export async function block(interaction: ChatInputCommandInteraction, scene: Scene): Promise<void> {
  const { answer, owner, rule, text } = scene;
  const id = personOf(interaction, scene);
  const live = await owner.liveOf(id);
  await rule.change(
    (now) => (isAmong(now.blocked, id) ? now : { ...now, blocked: [...now.blocked, id] }),
    text,
  );
  // The change itself stops them; whoever blocks should see that it did.
  await owner.cancelAll(id);
  await answer.tell(text.owner.personBlocked(mention(id), live));
}

/** Takes somebody off the block list. @throws UserError when they are not on it */
export async function unblock(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
): Promise<void> {
  const { answer, rule, text } = scene;
  const id = personOf(interaction, scene);
  if (!isAmong(rule.now().blocked, id)) {
    throw new UserError(text.owner.personNotBlocked(mention(id)));
  }
  const known = [id, markOf(id)];
  await rule.change(
    (now) => ({ ...now, blocked: now.blocked.filter((one) => !known.includes(one)) }),
    text,
  );
  await answer.tell(text.owner.personUnblocked(mention(id)));
}

/** Stops a person's jobs on all servers; they may order again at once. */
export async function cancel(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
): Promise<void> {
  const id = personOf(interaction, scene);
  const stopped = await scene.owner.cancelAll(id);
  await scene.answer.tell(scene.text.owner.personCancelled(mention(id), stopped));
}

/**
 * Removes all that is kept of somebody, and says what a search finds afterwards.
 * @throws UserError when something could not be removed
 */
export async function forgetPerson(id: string, { answer, owner, log, text }: Scene): Promise<void> {
  const { forgotten, forgottenBut, forgetFailed } = text.owner;
  const gone = await owner.forget(id).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    log.error({ err: error }, 'not everything of a person could be removed');
    throw new UserError(forgetFailed, { cause: error });
  });
  const { jobs, pictures, left } = gone;
  await answer.tell(
    left.length === 0
      ? forgotten(jobs, pictures)
      : forgottenBut(jobs, pictures, left.map((name) => `\`${name}\``).join(', ')),
  );
}
