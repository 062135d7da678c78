import type { BaseInteraction } from 'discord.js';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder, seenLike } from '../../src/bot/order/order.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';
import { expanded } from '../../src/bot/order/typed-order.ts';
import type { PromptTemplate } from '../../src/bot/order/notes.ts';
import { addressIn } from '../../src/bot/reply/reply-address.ts';

/** The same order with a new seed. Whoever presses it orders a picture of their own. */
export const reroll: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const { request, template } = await rerolledJob(job, interaction, scene);
    const parent = { job, kind: 'reroll' as const };
    await placeOrder(interaction, scene, request, parent, seenLike(interaction), { template });
  },
};

/** The same order unchanged, for one that was stopped or failed. */
export const again: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const { notes, template } = addressIn(job.context) ?? {};
    const told = { ...(notes && { notes }), ...(template && { template }) };
    const parent = { job, kind: 'again' as const };
    const request = await requestOf(job, scene);
    await placeOrder(interaction, scene, request, parent, seenLike(interaction), told);
  },
};

/** Gives a request a fresh seed. A variation is dropped: it was one of the old seed. */
export function rerolled(request: GenerateRequest): GenerateRequest {
  return { ...request, seed: randomSeed(), variation: null };
}

/**
 * A job's order with a new seed, which chooses anew among the alternatives of its prompt.
 * @throws UserError when a list that the prompt names is no longer there
 */
export async function rerolledJob(
  job: Job,
  { guildId }: Pick<BaseInteraction, 'guildId'>,
  scene: Scene,
): Promise<{ request: GenerateRequest; template: PromptTemplate | null }> {
  const next = rerolled(await requestOf(job, scene));
  const template = addressIn(job.context)?.template ?? null;
  const { wildcards } = await scene.settings.policy(guildId);
  if (template === null || !wildcards) return { request: next, template };
  const words = await expanded(template, next.seed, guildId, scene);
  return { request: { ...next, ...words }, template };
}
