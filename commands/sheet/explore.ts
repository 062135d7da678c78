import { ApplicationCommandOptionType } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS } from '../../src/engine/request-codec.ts';
import type { RequestInput } from '../../src/engine/request.ts';
import { limitsHold } from '../../src/bot/order/options.ts';
import type { Order } from '../../src/bot/order/options.ts';
import { checkMayPost } from '../../src/bot/order/order.ts';
import { expanded } from '../../src/bot/order/typed-order.ts';
import { isTemplate } from '../../src/bot/wildcards/expand.ts';
import { attachedPicture } from '../../src/bot/pictures/pictures-of.ts';
import type { Command, Scene } from '../../src/bot/interaction/command.ts';
import { AXES, type AxisName, exampleOf, usualValues } from '../../src/explore/sheet/axes.ts';
import { type Axis, axisNamed, parseAxis } from '../../src/explore/sheet/axis.ts';
import { CHAT_LIMITS } from '../../src/explore/sheet/order.ts';
import { planSheet } from '../../src/explore/sheet/plan.ts';
import { completeChoice } from '../personal/picture-choices.ts';
import { cellDefault, cellMine, cellUndo } from './cell-defaults.ts';
import { sheetCurves, sheetRemove, sheetStop } from './sheet-actions.ts';
import { cell, cellReroll } from './sheet-cell.ts';
import { placeSheet, readShared, SHARED_OPTIONS, sheetSeenBy, startFrom } from './sheet-options.ts';
import { exploreThis } from './explore-this.ts';
import { checkMayReport, offerReport, reportPaint, REPORT_OPTIONS, wantsReport } from './report.ts';
import { EVERYWHERE } from '../places.ts';

const CHOICES = AXES.map((name) => ({ name, value: name }));

export const explore: Command = {
  visibility: sheetSeenBy,
  definition: {
    name: 'explore',
    description: 'See what an option does: one sheet, one picture a value',
    ...EVERYWHERE,
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: 'x',
        description: 'What to vary',
        required: true,
        choices: CHOICES,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'prompt',
        description: 'What the pictures should show',
        required: true,
        max_length: 4000,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'values',
        description: 'Such as 1,5,10,20,50 or 3..12 by 1.5',
        max_length: 1000,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'y',
        description: 'A second thing to vary, downwards',
        choices: CHOICES,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'y-values',
        description: 'Such as euler,euler_a,dpmpp_2m',
        max_length: 1000,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'z',
        description: 'A third thing to vary, one sheet a value',
        choices: CHOICES,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: 'z-values',
        description: 'Such as 1,2,3',
        max_length: 1000,
      },
      ...SHARED_OPTIONS,
      {
        type: ApplicationCommandOptionType.Number,
        name: 'hires',
        description: 'Paint each picture a second time, this many times as large',
        min_value: LIMITS.hiresScale.min,
        max_value: LIMITS.hiresScale.max,
      },
      {
        type: ApplicationCommandOptionType.Attachment,
        name: 'image',
        description: 'A picture that all of them start from; needed to vary its strength',
      },
      ...REPORT_OPTIONS,
    ],
  },

  async run(interaction, scene) {
    const { options } = interaction;
    checkMayReport(interaction, scene);
    // At once: what takes longer is acknowledged for everybody.
    if (wantsReport(interaction)) await scene.answer.acknowledge('private');
    const axis = (name: AxisName, values: string | null): Axis => {
      const text = values ?? usualValues(name);
      if (text === null) {
        throw new UserError(scene.text.sheet.valuesMissing(name, exampleOf(name)));
      }
      return parseAxis(name, text);
    };
    const further = (name: 'y' | 'z', problem: string): Axis | null => {
      const [chosen, values] = [options.getString(name), options.getString(`${name}-values`)];
      if (chosen === null && values !== null) throw new UserError(problem);
      return chosen === null ? null : axis(axisNamed(chosen), values);
    };
    const x = axis(axisNamed(options.getString('x', true)), options.getString('values'));
    const y = further('y', scene.text.sheet.secondValuesWithoutAxis);
    const z = further('z', scene.text.sheet.thirdValuesWithoutAxis);
    const varied = [x, y, z].map((one) => one?.name);
    if (varied.includes('strength') && options.getAttachment('image') === null) {
      throw new UserError(scene.text.imageMissing('strength'));
    }
    const init = await startOf(interaction, scene);
    const shared = await readShared(interaction, scene, init);
    const { request, model, models, theme, schedule, notes } = shared;
    // Models are compared each with what suits it, unless something was named for all.
    const input: RequestInput = { ...(varied.includes('model') ? shared.open : request) };
    // So are samplers with their schedules.
    if (varied.includes('sampler')) input.schedule = schedule;
    // Where nobody named values, those that suit the model.
    const chosen = (axis: Axis, values: string): Promise<Axis> => {
      const usual = options.getString(values) === null ? usualValues(axis.name, model) : null;
      const own = usual === null ? axis : parseAxis(axis.name, usual);
      return withChoices(own, request.seed, interaction.guildId, scene);
    };
    const axes = {
      x: await chosen(x, 'values'),
      y: y && (await chosen(y, 'y-values')),
      z: z && (await chosen(z, 'z-values')),
    };
    if (wantsReport(interaction)) {
      return offerReport(interaction, scene, { input, ...axes, theme }, { model, models, notes });
    }
    const plan = planSheet({ input, ...axes, models }, model, CHAT_LIMITS);
    for (const one of plan.cells) limitsHold(one.request, scene.limits, scene.text);
    const order = { kind: 'sheet' as const, ...axes, input, theme };
    const cells = plan.cells.map((one) => one.request);
    await placeSheet(interaction, scene, order, cells, notes);
  },

  async autocomplete(interaction, scene) {
    return (await completeChoice(interaction, scene)) ?? [];
  },

  actions: {
    cell,
    'cell-reroll': cellReroll,
    'cell-mine': cellMine,
    'cell-default': cellDefault,
    'cell-undo': cellUndo,
    'explore-this': exploreThis,
    'report-paint': reportPaint,
    'sheet-curves': sheetCurves,
    'sheet-stop': sheetStop,
    'sheet-delete': sheetRemove,
  },
};

/**
 * Alternatives and wildcards in the words of an axis, chosen by the seed as those of the prompt are. The text that others
 * take the place of stands in the prompt that was chosen already.
 */
async function withChoices(
  axis: Axis,
  seed: bigint,
  guildId: string | null,
  scene: Scene,
): Promise<Axis> {
  if (axis.name !== 'prompt' && axis.name !== 'negative') return axis;
  if (!axis.values.some(isTemplate) || !(await scene.settings.policy(guildId)).wildcards)
    return axis;
  const values: string[] = [];
  for (const [at, value] of axis.values.entries()) {
    const isSearch = axis.name === 'prompt' && at === 0;
    const template = { prompt: value, negativePrompt: '' };
    values.push(
      isSearch || !isTemplate(value)
        ? value
        : (await expanded(template, seed, guildId, scene)).prompt,
    );
  }
  return { ...axis, values };
}

/** Fetched once it is sure that the answer can be posted; what is wrong without it is said before. */
async function startOf(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
): Promise<NonNullable<Order['init']> | null> {
  const image = interaction.options.getAttachment('image');
  if (image === null) return null;
  await readShared(interaction, scene);
  const seenBy = sheetSeenBy(interaction, scene);
  if (seenBy === 'public') checkMayPost(interaction, scene);
  await scene.answer.acknowledge(seenBy);
  const { bytes, size } = await attachedPicture(image, scene);
  return startFrom(bytes, size);
}
