import { UserError } from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { findModel } from '../../src/bot/order/named-models.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';

/**
 * What a stopped picture had come to: the same order, ended at the step it had reached, and marked as unfinished. Its
 * steps are kept for a while, so that next to nothing is painted anew.
 */
export const keep: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const step = /^\d{1,3}$/.test(id.detail ?? '') ? Number(id.detail) : 0;
    const job = await jobOf(id, interaction, scene);
    if (step === 0 || job.status !== 'cancelled') throw new UserError(scene.text.unknownButton);
    const before = await requestOf(job, scene);
    const model = findModel(await scene.engine.models(), before.model, scene.text);
    const request = parseRequest({ ...before, replan: null, endAfter: step }, model);
    await placeOrder(interaction, scene, request, { job, kind: 'keep' });
  },
};
