import { ComponentType, TextInputStyle } from 'discord.js';
import type {
  APILabelComponent,
  APIModalInteractionResponseCallbackData,
  ModalSubmitInteraction,
} from 'discord.js';
import type { Job } from '../../src/queue/job.ts';
import { permitHere } from '../../src/bot/policy/gate.ts';
import { UserError } from '../../src/engine/errors.ts';
import { canWalk, parseRequest } from '../../src/engine/request-codec.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { findModel } from '../../src/bot/order/named-models.ts';
import { NOTHING_CHOSEN, fieldsOf, limitsHold } from '../../src/bot/order/options.ts';
import { jobOf, placeOrder, seenLike } from '../../src/bot/order/order.ts';
import { readable, requestOf } from '../../src/bot/order/stored-order.ts';
import { isHeard } from '../../src/bot/order/unguided.ts';
import { readTyped } from '../../src/bot/order/typed-order.ts';
import type { PromptTemplate } from '../../src/bot/order/notes.ts';
import { addressIn } from '../../src/bot/reply/reply-address.ts';
import { shorten } from '../../src/bot/render/markdown.ts';
import type { Text } from '../../src/bot/text/text.ts';

/** Opens a form with the order's words and main numbers; sending it orders a picture of one's own. */
export const remix: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    await permitHere(interaction, scene);
    await scene.answer.modal(await remixForm(job, scene));
  },
  async submit(interaction, id, scene) {
    const job = await jobOf(id, interaction, scene);
    const typed = (name: string) => field(interaction, name, scene.text).trim();
    const { words, model, notes, template } = await wordsOf(interaction, job, scene);
    const before = await requestOf(job, scene);
    const steps = words.steps ?? (typed('steps') || String(before.steps));
    const request = parseRequest(
      {
        ...before,
        steps,
        replan: String(steps) === String(before.steps) ? before.replan : null,
        guidanceScale: cfgTyped(interaction) || before.guidanceScale,
        variation: String(words.seed) === String(before.seed) ? before.variation : null,
        ...words,
      },
      model,
    );
    limitsHold(request, scene.limits, scene.text);
    const parent = { job, kind: 'remix' as const };
    const told = { notes, template };
    await placeOrder(interaction, scene, request, parent, seenLike(interaction), told);
  },
};

/**
 * What the words of a form over a job mean: its fields `prompt`, `negative` and, where it has one, `seed` with their switches and
 * alternatives, as fields of a request, and the model that paints. Any seed is drawn. @throws UserError as readTyped
 */
export async function wordsOf(interaction: ModalSubmitInteraction, job: Job, scene: Scene) {
  const { guildId } = interaction;
  const typed = (name: string) => field(interaction, name, scene.text).trim();
  const negative = negativeTyped(interaction);
  const { order, notes, template } = await readTyped(
    {
      ...NOTHING_CHOSEN,
      prompt: typed('prompt'),
      negative,
      seed: interaction.fields.fields.has('seed') ? typed('seed') || null : null,
    },
    scene,
    { guildId, defaults: {} },
  );
  const models = await scene.engine.models();
  const before = readable(job);
  const model = findModel(models, order.model ?? before.model, scene.text);
  // What stood in the form for another model is not what somebody asked this one for.
  const isCarried = order.negative === wordsBefore(job).negativePrompt;
  if (model.unguided && isCarried) order.negative = '';
  const own = canWalk(before, model) ? {} : { sampler: null, schedule: null };
  const words = { ...own, ...fieldsOf(order, model, scene.text) };
  return { words, model, notes, template };
}

/** The words as they were typed, before a seed chose among their alternatives. */
export function wordsBefore(job: Job): PromptTemplate {
  const { prompt, negativePrompt } = readable(job);
  return addressIn(job.context)?.template ?? { prompt, negativePrompt };
}

/** What was typed into a text field of a form. @throws UserError when the form came without it */
export function field(interaction: ModalSubmitInteraction, name: string, text: Text): string {
  const found = interaction.fields.fields.get(name);
  const value = found !== undefined && 'value' in found ? found.value : null;
  if (typeof value !== 'string') throw new UserError(text.formIncomplete);
  return value;
}

const PROMPT_LIMIT = 4000;

/** One labelled text field, filled with what is known. */
export function line(
  id: string,
  label: string,
  value: string,
  paragraph = false,
  required = false,
  limit = paragraph ? PROMPT_LIMIT : 24,
  description = '',
): APILabelComponent {
  return {
    type: ComponentType.Label,
    label,
    ...(description === '' ? {} : { description: shorten(description, 100) }),
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

/** '' where the form has no such field: the model paints without guidance. */
export function negativeTyped({ fields }: ModalSubmitInteraction): string {
  return fields.fields.has('negative') ? fields.getTextInputValue('negative').trim() : '';
}

/** The field of a form for it; none for a model that paints without guidance, or one that is not here any more. */
export function negativeLine(
  value: string,
  model: ModelInfo | undefined,
  text: Text,
): APILabelComponent[] {
  return model !== undefined && !isHeard('negative', model)
    ? []
    : [line('negative', text.remixNegative, value, true)];
}

/** The one that painted it, where that is still here. */
export async function painterOf(
  job: Job,
  { engine }: Pick<Scene, 'engine'>,
): Promise<ModelInfo | undefined> {
  const before = readable(job);
  return (await engine.models()).find(({ name }) => name === before.model);
}

/** '' where the form has no such field, as above. */
function cfgTyped({ fields }: ModalSubmitInteraction): string {
  return fields.fields.has('cfg') ? fields.getTextInputValue('cfg').trim().replace(',', '.') : '';
}

/** A model that was made to do without guidance is asked for neither its scale nor a negative prompt. */
export async function remixForm(
  job: Job,
  { engine, text }: Pick<Scene, 'engine' | 'text'>,
): Promise<APIModalInteractionResponseCallbackData> {
  const { prompt, negativePrompt } = wordsBefore(job);
  const before = readable(job);
  const model = await painterOf(job, { engine });
  const isGuided = model === undefined || isHeard('cfg', model);
  return {
    custom_id: customId('remix', job.id),
    title: text.remixTitle,
    components: [
      line('prompt', text.remixPrompt, prompt, true, true),
      ...negativeLine(negativePrompt, model, text),
      line('steps', text.remixSteps, String(before.steps)),
      ...(isGuided ? [line('cfg', text.remixCfg, String(before.guidanceScale))] : []),
      line('seed', text.remixSeed, ''),
    ],
  };
}
