import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';

/** The same order with a new seed. Whoever presses it orders a picture of their own. */
export const reroll: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    await placeOrder(interaction, scene, rerolled(job.request), { job, kind: 'reroll' });
  },
};

/** The same order unchanged, for one that was stopped or failed. */
export const again: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    await placeOrder(interaction, scene, job.request, { job, kind: 'again' });
  },
};

export function rerolled(request: GenerateRequest): GenerateRequest {
  return { ...request, seed: randomSeed(), variation: null };
}
