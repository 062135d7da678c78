import type { MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { noteOrigin } from '../../src/bot/interaction/origin.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import type { Job } from '../../src/queue/job.ts';
import { numbersRow } from '../../src/bot/render/rows.ts';
import { reword } from '../edit/reword.ts';
import { init } from '../picture/init.ts';
import { upscale } from '../picture/upscale.ts';

const ACTIONS = { init, upscale, reword } as const;
type Which = keyof typeof ACTIONS;

/** Which of several pictures is asked by buttons; what comes of it is seen by whoever sees the picture. */
export function askWhich(
  action: Which,
  job: Job,
  seenBy: SeenBy,
  { answer, text }: Scene,
): Promise<void> {
  const count = job.result?.images.length ?? 0;
  const detail = `${action}-${seenBy === 'private' ? 'h' : 'p'}`;
  return answer.tell(text.whichPicture, numbersRow('which', job.id, count, detail));
}

export const which: Action = {
  visibility: 'public',
  async press(interaction: MessageComponentInteraction, id, scene) {
    const match = /^([0-8])-(init|upscale|reword)-([hp])$/.exec(id.detail ?? '');
    if (match === null) throw new UserError(scene.text.unknownButton);
    noteOrigin(interaction, match[3] === 'h');
    await ACTIONS[match[2] as Which].press(interaction, { ...id, detail: match[1] ?? null }, scene);
  },
};
