import { UserError } from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { findModel, limitsHold, randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import { field, line } from './remix.ts';
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
    const { prompt, negativePrompt, steps } = job.request;
    await scene.answer.modal({
      custom_id: customId('init', job.id, String(index)),
      title: text.remixStart,
      components: [
        line('prompt', text.remixPrompt, prompt, true, true),
        line('negative', text.remixNegative, negativePrompt, true),
        line('strength', text.remixStrength, USUAL_STRENGTH, false, true),
        line('steps', text.remixSteps, String(steps)),
        line('seed', text.remixSeed, ''),
      ],
    });
  },
  async submit(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const image = await storedPicture(job, indexOf(id.detail, scene), scene);
    const model = findModel(await scene.engine.models(), job.request.model, scene.text);
    const typed = (name: string) => field(interaction, name, scene.text).trim();
    const request = parseRequest(
      {
        ...job.request,
        prompt: typed('prompt'),
        negativePrompt: typed('negative'),
        steps: typed('steps') || job.request.steps,
        seed: typed('seed') || randomSeed(),
        count: 1,
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
    await placeOrder(interaction, scene, request, { job, kind: 'init' });
  },
};
