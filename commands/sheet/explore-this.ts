import { ComponentType } from 'discord.js';
import type { APIModalInteractionResponseCallbackData } from 'discord.js';
import { hearsOption } from '../../src/engine/request-codec.ts';
import type { GenerateRequest, ModelInfo, RequestInput } from '../../src/engine/request.ts';
import type { Job } from '../../src/queue/job.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { UserError } from '../../src/engine/errors.ts';
import { findModel } from '../../src/bot/order/named-models.ts';
import { NOTHING_CHOSEN, completeOrder, limitsHold } from '../../src/bot/order/options.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { requestOf } from '../../src/bot/order/stored-order.ts';
import { readTyped } from '../../src/bot/order/typed-order.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { AXES, axisRow, exampleOf, usualValues } from '../../src/explore/sheet/axes.ts';
import { axisNamed, parseAxis } from '../../src/explore/sheet/axis.ts';
import { CHAT_LIMITS } from '../../src/explore/sheet/order.ts';
import { planSheet } from '../../src/explore/sheet/plan.ts';
import { field, line, wordsBefore } from '../picture/remix.ts';
import { placeSheet } from './sheet-options.ts';

/** The form belongs to a picture of somebody else. */
const NO_JOB = '000000000000';
/** Most people want to see this first. */
const USUAL_AXIS = 'cfg';
/** What can be varied without a start picture or a second pass. */
const OFFERED = AXES.filter((name) => name !== 'strength' && name !== 'denoise');

/** What to vary, its values and the words; a job's order is the rest. */
export function exploreThisForm(
  job: Job | null,
  prompt: string,
  model: ModelInfo | undefined,
  text: Text,
): APIModalInteractionResponseCallbackData {
  const offered = OFFERED.filter((name) => !model || hearsOption(axisRow(name).field, model));
  const first = offered.find((name) => name === USUAL_AXIS) ?? offered[0];
  const words = job === null ? prompt : wordsBefore(job).prompt;
  return {
    custom_id: customId('explore-this', job?.id ?? NO_JOB),
    title: text.exploreThis.title,
    components: [
      {
        type: ComponentType.Label,
        label: text.exploreThis.axis,
        component: {
          type: ComponentType.StringSelect,
          custom_id: 'x',
          options: offered.slice(0, 25).map((value) => {
            const description = usualValues(value, value === 'sampler' ? model : null);
            return {
              label: value,
              value,
              default: value === first,
              ...(description !== null && { description }),
            };
          }),
        },
      },
      line('values', text.exploreThis.values, '', false, false, 300, text.exploreThis.hint),
      line('prompt', text.remixPrompt, words, true, true),
    ],
  };
}

export const exploreThis: Action = {
  visibility: 'public',
  async press(_interaction, _id, { text }) {
    throw new UserError(text.unknownButton);
  },
  async submit(interaction, id, scene) {
    const { text, engine, settings, own } = scene;
    const { guildId } = interaction;
    const job = id.jobId === NO_JOB ? null : await jobOf(id, interaction, scene);
    const [models, server] = await Promise.all([engine.models(), settings.defaults(guildId)]);
    const typed = {
      ...NOTHING_CHOSEN,
      prompt: field(interaction, 'prompt', text).trim(),
      count: 1,
    };
    const defaults = { ...server, ...own.choices };
    const { order, notes } = await readTyped(typed, scene, { guildId, defaults });
    const base: GenerateRequest =
      job === null
        ? completeOrder(order, { ...scene, models, defaults })
        : {
            ...(await requestOf(job, scene)),
            prompt: order.prompt,
            count: 1,
            each: null,
            replan: null,
            endAfter: null,
          };
    const model = findModel(models, base.model, text);
    const name = axisNamed(interaction.fields.getStringSelectValues('x')[0] ?? '');
    const values = field(interaction, 'values', text).trim() || usualValues(name, model);
    if (values === null) throw new UserError(text.sheet.valuesMissing(name, exampleOf(name)));
    const x = parseAxis(name, values);
    const input: RequestInput = { ...base };
    const plan = planSheet({ input, x, y: null, models }, model, CHAT_LIMITS);
    for (const one of plan.cells) limitsHold(one.request, scene.limits, text);
    const sheet = { kind: 'sheet' as const, x, y: null, z: null, input, theme: 'dark' as const };
    await placeSheet(
      interaction,
      scene,
      sheet,
      plan.cells.map((one) => one.request),
      notes,
    );
  },
};
