import { ApplicationCommandOptionType, ButtonStyle, ComponentType } from 'discord.js';
import type {
  APIApplicationCommandBasicOption,
  ChatInputCommandInteraction,
  MessageComponentInteraction,
} from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { ModelInfo, RequestInput } from '../../src/engine/request.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId } from '../../src/bot/interaction/custom-id.ts';
import { mayManageServer } from '../../src/bot/interaction/permissions.ts';
import type { OrderNote } from '../../src/bot/order/notes.ts';
import { findModel } from '../../src/bot/order/named-models.ts';
import { limitsHold } from '../../src/bot/order/options.ts';
import { attachedPicture } from '../../src/bot/pictures/pictures-of.ts';
import { permitOrder } from '../../src/bot/policy/gate.ts';
import { waitWords } from '../../src/bot/render/render-words.ts';
import { planReport, promptsIn } from '../../src/explore/report/report-plan.ts';
import type { Axis } from '../../src/explore/sheet/axis.ts';
import { groupCells } from '../../src/explore/sheet/groups.ts';
import { REPORT_CHAT_LIMITS } from '../../src/explore/sheet/order.ts';
import type { ThemeName } from '../../src/explore/sheet/drawn/theme.ts';
import type { Offer } from '../../src/bot/stores/offers.ts';
import { placeSheet, sheetSeenBy, startFrom } from './sheet-options.ts';

/** What makes a report of a sheet: several prompts, several seeds. */
export const REPORT_OPTIONS: APIApplicationCommandBasicOption[] = [
  {
    type: ApplicationCommandOptionType.Boolean,
    name: 'report',
    description: 'One page with everything, also of many pictures; for managers of this server',
  },
  {
    type: ApplicationCommandOptionType.Attachment,
    name: 'prompts',
    description: 'Of a report: a text file with further prompts, one a line',
  },
  {
    type: ApplicationCommandOptionType.Integer,
    name: 'seeds',
    description: 'Of a report: how many pictures each cell has',
    min_value: 1,
    max_value: REPORT_CHAT_LIMITS.seeds,
  },
];

/**
 * Is a report asked for? Prompts from a file and several seeds fit into no single sheet, so they ask for one as well.
 */
export function wantsReport({ options }: ChatInputCommandInteraction): boolean {
  return (
    options.getBoolean('report') === true ||
    options.getAttachment('prompts') !== null ||
    options.getInteger('seeds') !== null
  );
}

/** @throws UserError for everybody else */
export function checkMayReport(interaction: ChatInputCommandInteraction, { text }: Scene): void {
  const manages = interaction.guildId !== null && mayManageServer(interaction);
  if (wantsReport(interaction) && !manages) throw new UserError(text.sheet.reportForManagers);
}

/** A text of prompts is never longer. */
const MOST_BYTES = 64 * 1024;
/** Every job of the chain carries them. */
const MOST_LETTERS = 8000;

/** Says what the report would take; nothing is painted before it is confirmed. */
export async function offerReport(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
  wanted: { input: RequestInput; x: Axis; y: Axis | null; z: Axis | null; theme: ThemeName },
  known: { model: ModelInfo; models: readonly ModelInfo[]; notes: readonly OrderNote[] },
): Promise<void> {
  const { answer, offers, line, text, limits } = scene;
  const { model, models, notes } = known;
  const seeds = interaction.options.getInteger('seeds') ?? 1;
  const first = String(wanted.input.prompt ?? '');
  const prompts = [...new Set([first, ...(await promptsOf(interaction, scene))])];
  const { theme, ...axes } = wanted;
  const plan = planReport({ ...axes, prompts, seeds }, model, models, REPORT_CHAT_LIMITS);
  const requests = plan.plans.flatMap(({ cells }) => cells.map(({ request }) => request));
  for (const request of requests) limitsHold(request, limits, text);
  await permitOrder(interaction, scene, requests);
  let seconds: number | null = 0;
  for (const one of plan.plans) {
    for (const { request } of groupCells(one)) {
      const own: number | null = seconds === null ? null : await line.estimate(request);
      seconds = own === null || seconds === null ? null : seconds + own;
    }
  }
  const [base] = requests;
  const input = { ...wanted.input, seed: base?.seed };
  const order = { kind: 'report' as const, ...axes, input, theme, prompts, seeds };
  const startUrl = interaction.options.getAttachment('image')?.url ?? null;
  const id = await offers.keep(interaction.user.id, { order, notes, startUrl });
  const words = seconds === null ? null : waitWords(seconds, text);
  await answer.show({
    components: [
      {
        type: ComponentType.TextDisplay,
        content: text.sheet.offer(plan.pictures, Math.round(plan.steps), words),
      },
      {
        type: ComponentType.ActionRow,
        components: [
          {
            type: ComponentType.Button,
            custom_id: customId('report-paint', id),
            label: text.sheet.paintIt,
            style: ButtonStyle.Primary,
          },
        ],
      },
    ],
    files: [],
  });
}

async function promptsOf(
  { options }: ChatInputCommandInteraction,
  { media, text }: Scene,
): Promise<string[]> {
  const file = options.getAttachment('prompts');
  if (file === null) return [];
  if (file.size > MOST_BYTES) throw new UserError(text.sheet.promptsTooLong(MOST_LETTERS));
  const bytes = await media.download(file.url, text);
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(text.sheet.promptsNoText);
  }
  const prompts = promptsIn(content);
  const letters = prompts.reduce((sum, { length }) => sum + length, 0);
  if (letters > MOST_LETTERS) throw new UserError(text.sheet.promptsTooLong(MOST_LETTERS));
  return prompts;
}

/** The report that was offered, into the queue. */
export const reportPaint: Action = {
  visibility: 'public',
  async press(interaction, id, scene) {
    const { offers, text } = scene;
    const userId = interaction.user.id;
    if (!mayManageServer(interaction)) throw new UserError(text.sheet.reportForManagers);
    const offer = await offers.take(userId, id.jobId);
    if (offer === null) throw new UserError(text.sheet.offerGone);
    try {
      await placeOffer(interaction, offer, scene);
    } catch (error) {
      await offers.putBack(userId, id.jobId, offer);
      throw error;
    }
  },
};

async function placeOffer(
  interaction: MessageComponentInteraction,
  { order, notes, startUrl }: Offer,
  scene: Scene,
): Promise<void> {
  const models = await scene.engine.models();
  const model = findModel(models, String(order.input.model), scene.text);
  let { input } = order;
  if (startUrl !== null) {
    await scene.answer.acknowledge(sheetSeenBy(interaction, scene));
    const { bytes, size } = await attachedPicture({ url: startUrl, size: 0 }, scene);
    input = { ...input, init: startFrom(bytes, size) };
  }
  const { prompts = [], seeds = 1, x, y, z } = order;
  const asked = { x, y, z, input, prompts, seeds };
  const { plans } = planReport(asked, model, models, REPORT_CHAT_LIMITS);
  const requests = plans.flatMap(({ cells }) => cells.map(({ request }) => request));
  for (const request of requests) limitsHold(request, scene.limits, scene.text);
  await placeSheet(interaction, scene, { ...order, input }, requests, notes);
}
