import { ComponentType, TextInputStyle } from 'discord.js';
import type {
  APILabelComponent,
  APIModalInteractionResponseCallbackData,
  ModalSubmitInteraction,
} from 'discord.js';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, parseRequest } from '../../src/engine/request-codec.ts';
import { AUTO_STEPS } from '../../src/bot/order/choices.ts';
import type { Action } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { findModel, limitsHold, randomSeed } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder } from '../../src/bot/order/order.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { numberOf } from '../settings/settings-typed.ts';

/** Opens a form with the order's words and main numbers; sending it orders a picture of one's own. */
export const remix: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    await scene.answer.modal(form(job.id, job.request, scene.text));
  },
  async submit(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const model = findModel(await scene.engine.models(), job.request.model, scene.text);
    const typed = (name: string) => field(interaction, name, scene.text);
    const seed = typed('seed').trim();
    const steps = typed('steps').trim() || String(job.request.steps);
    const request = parseRequest(
      {
        ...job.request,
        prompt: typed('prompt'),
        negativePrompt: typed('negative'),
        steps,
        replan: steps === String(job.request.steps) ? job.request.replan : null,
        guidanceScale: typed('cfg').trim().replace(',', '.') || job.request.guidanceScale,
        seed: seed === '' ? randomSeed() : seed,
        variation: seed === String(job.request.seed) ? job.request.variation : null,
      },
      model,
    );
    limitsHold(request, scene.limits, scene.text);
    await placeOrder(interaction, scene, request, { job, kind: 'remix' });
  },
};

export function field(interaction: ModalSubmitInteraction, name: string, text: Text): string {
  const found = interaction.fields.fields.get(name);
  const value = found !== undefined && 'value' in found ? found.value : null;
  if (typeof value !== 'string') throw new UserError(text.formIncomplete);
  return value;
}

/** The steps field of a form: a number, `auto`, or nothing (null). @throws UserError for anything else */
export function typedSteps(typed: string, text: Text): number | null {
  if (typed.toLowerCase() === text.auto) return AUTO_STEPS;
  return numberOf(typed, text.panel.fields.steps, { ...LIMITS.steps, whole: true }, text) ?? null;
}

const PROMPT_LIMIT = 4000;

/** One labelled text field, filled with what is known. */
export function line(
  id: string,
  label: string,
  value: string,
  paragraph = false,
  required = false,
): APILabelComponent {
  const limit = paragraph ? PROMPT_LIMIT : 24;
  return {
    type: ComponentType.Label,
    label,
    component: {
      type: ComponentType.TextInput,
      custom_id: id,
      style: paragraph ? TextInputStyle.Paragraph : TextInputStyle.Short,
      required,
      max_length: limit,
      ...(value === '' ? {} : { value: value.slice(0, limit) }),
    },
  };
}

function form(
  jobId: string,
  request: GenerateRequest,
  text: Text,
): APIModalInteractionResponseCallbackData {
  return {
    custom_id: customId('remix', jobId),
    title: text.remixTitle,
    components: [
      line('prompt', text.remixPrompt, request.prompt, true, true),
      line('negative', text.remixNegative, request.negativePrompt, true),
      line('steps', text.remixSteps, String(request.steps)),
      line('cfg', text.remixCfg, String(request.guidanceScale)),
      line('seed', text.remixSeed, ''),
    ],
  };
}
