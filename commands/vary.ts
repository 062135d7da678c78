import type { MessageComponentInteraction } from 'discord.js';
import { UserError } from '../src/engine/errors.ts';
import type { GenerateRequest } from '../src/engine/request.ts';
import type { Action } from '../src/bot/command.ts';
import type { CustomId } from '../src/bot/custom-id.ts';
import { randomSeed } from '../src/bot/options.ts';
import { jobOf, placeOrder } from '../src/bot/order.ts';

/** How far the start noise moves towards other noise: the composition stays, or mostly stays. */
const STRENGTH = { subtle: 0.15, strong: 0.4 } as const;

/** A neighbour of one picture, by A1111's variation seed. */
export const vary: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const choice = choiceOf(interaction, id);
    if (choice === null) throw new UserError(scene.text.unknownButton);
    const job = await jobOf(id, scene);
    if (choice.index >= job.request.count) throw new UserError(scene.text.unknownButton);
    if (job.result === null) throw new UserError(scene.text.notFinished);
    const seed = job.result.images[choice.index]?.seed;
    const request = varied(job.request, choice, seed === undefined ? null : BigInt(seed));
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
 * One picture near picture `index` of the batch. A picture that is itself a variation is varied from its own
 * start noise: its variation seed is kept when only the strength can grow, else the walk starts at its seed.
 */
export function varied(
  request: GenerateRequest,
  choice: Choice,
  pictureSeed: bigint | null,
): GenerateRequest {
  const seed = pictureSeed ?? BigInt.asUintN(64, request.seed + BigInt(choice.index));
  return {
    ...request,
    count: 1,
    seed,
    variation: { seed: randomSeed(), strength: STRENGTH[choice.strength] },
  };
}
