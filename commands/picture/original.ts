import type { Action } from '../../src/bot/interaction/command.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { placeCopy } from './upscale.ts';

/** The stored files themselves, each in a message of its own, for the one who asks. */
export const original: Action = {
  visibility: 'private',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const count = job.result?.images.length ?? 1;
    const indices = Array.from({ length: count }, (_, index) => index);
    await placeCopy(interaction, job, { kind: 'original', indices, by: null }, scene, 'private');
  },
};
