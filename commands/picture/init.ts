import type { APIModalInteractionResponseCallbackData } from 'discord.js';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { UserError } from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import type { Job } from '../../src/queue/job.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { limitsHold } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder, seenLike } from '../../src/bot/order/order.ts';
import { readable } from '../../src/bot/order/stored-order.ts';
import { field, line, negativeLine, painterOf, wordsBefore, wordsOf } from './remix.ts';
import { indexOf, storedPicture } from '../../src/bot/pictures/stored-picture.ts';

const USUAL_STRENGTH = '0.6';

/** One of a job's pictures becomes the start of a new one: a form with the words and how much may change. */
export const init: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const { text } = scene;
    const index = indexOf(id.detail, scene);
    const job = await jobOf(id, interaction, scene);
    if (job.result === null) throw new UserError(text.notFinished);
    if (index >= job.result.images.length) throw new UserError(text.unknownButton);
    await permitHere(interaction, scene);
    await scene.answer.modal(await initForm(job, index, scene));
  },
  async submit(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const image = await storedPicture(job, indexOf(id.detail, scene), scene);
    const { words, model, notes, template } = await wordsOf(interaction, job, scene);
    const typed = (name: string) => field(interaction, name, scene.text).trim();
    const request = parseRequest(
      {
        ...readable(job),
        steps: typed('steps') || readable(job).steps,
        count: 1,
        ...words,
        variation: null,
        hires: null,
        init: {
          image,
          strength: typed('strength').replace(',', '.'),
          mask: null,
          maskBlur: 0,
          onlyMasked: false,
        },
      },
      model,
    );
    limitsHold(request, scene.limits, scene.text);
    const parent = { job, kind: 'init' as const };
    const told = { notes, template };
    await placeOrder(interaction, scene, request, parent, seenLike(interaction), told);
  },
};

/** The words of a job and how much of its picture may change. */
export async function initForm(
  job: Job,
  index: number,
  { engine, text }: Pick<Scene, 'engine' | 'text'>,
): Promise<APIModalInteractionResponseCallbackData> {
  const model = await painterOf(job, { engine });
  const { prompt, negativePrompt } = wordsBefore(job);
  return {
    custom_id: customId('init', job.id, String(index)),
    title: text.remixStart,
    components: [
      line('prompt', text.remixPrompt, prompt, true, true),
      ...negativeLine(negativePrompt, model, text),
      line('strength', text.remixStrength, USUAL_STRENGTH, false, true),
      line('steps', text.remixSteps, String(readable(job).steps)),
      line('seed', text.remixSeed, ''),
    ],
  };
}
