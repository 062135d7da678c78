import type { MessageComponentInteraction } from 'discord.js';
import { requestOfImage } from '../../src/engine/request/batch.ts';
import { UserError } from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import type { CustomId } from '../../src/bot/interaction/custom-id.ts';
import { randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';

/** How far the start noise moves towards other noise: the composition stays, or mostly stays. */
const STRENGTH = { subtle: 0.15, strong: 0.4 } as const;

/** A neighbour of one picture, by A1111's variation seed. */
export const vary: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const choice = choiceOf(interaction, id);
    if (choice === null) throw new UserError(scene.text.unknownButton);
    const job = await jobOf(id, interaction, scene);
    const whole = await requestOf(job, scene);
    if (choice.index >= whole.count) throw new UserError(scene.text.unknownButton);
    if (job.result === null) throw new UserError(scene.text.notFinished);
    const seed = job.result.images[choice.index]?.seed;
    const before = whole.each ? requestOfImage(whole, choice.index) : whole;
    const request = varied(before, choice, seed === undefined ? null : BigInt(seed));
    await placeOrder(interaction, scene, request, { job, kind: 'vary' });
  },
};

type Choice = { index: number; strength: keyof typeof STRENGTH };

/** From the button's custom id or the menu's value; both come from outside and may be anything. */
function choiceOf(interaction: MessageComponentInteraction, id: CustomId): Choice | null {
  const told = interaction.isStringSelectMenu() ? interaction.values[0] : id.detail;
  const match = /^([0-8])-(subtle|strong)$/.exec(told ?? '');
  if (match === null) return null;
  return { index: Number(match[1]), strength: match[2] === 'strong' ? 'strong' : 'subtle' };
}

/**
 * One picture near picture `index` of the batch. A request has one variation seed, so a picture that is itself a
 * variation has its neighbours on the same arc between its two noises, a little before or behind it.
 */
export function varied(
  request: GenerateRequest,
  choice: Choice,
  pictureSeed: bigint | null,
  random: () => number = Math.random,
): GenerateRequest {
  const seed = pictureSeed ?? BigInt.asUintN(64, request.seed + BigInt(choice.index));
  const step = STRENGTH[choice.strength];
  const { variation } = request;
  if (variation === null) {
    return { ...request, count: 1, seed, variation: { seed: randomSeed(), strength: step } };
  }
  const away = step * (0.6 + 0.4 * random());
  const ahead = variation.strength + away;
  const back = variation.strength - away;
  const forward = back < 0.01 || (ahead < 1 && random() < 0.5);
  const strength = Math.min(0.99, Math.round((forward ? ahead : back) * 1000) / 1000);
  return { ...request, count: 1, seed, variation: { seed: variation.seed, strength } };
}
