import { ApplicationCommandOptionType } from 'discord.js';
import type {
  APIApplicationCommandBasicOption,
  BaseInteraction,
  ChatInputCommandInteraction,
  MessageComponentInteraction,
  ModalSubmitInteraction,
} from 'discord.js';
import { LIMITS } from '../../src/engine/request-codec.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { readTyped } from '../../src/bot/order/typed-order.ts';
import type { OrderNote } from '../../src/bot/order/notes.ts';
import { completeOrder, openOrder } from '../../src/bot/order/options.ts';
import type { Order } from '../../src/bot/order/options.ts';
import { permitOrder } from '../../src/bot/policy/gate.ts';
import { limitWords } from '../../src/bot/policy/limit-words.ts';
import { addressOf, checkMayPost } from '../../src/bot/order/order.ts';
import type { SeenBy } from '../../src/bot/order/order.ts';
import { toContext } from '../../src/bot/reply/reply-address.ts';
import type {
  GenerateRequest,
  ImageSize,
  ModelInfo,
  RequestInput,
} from '../../src/engine/request.ts';
import type { SheetOrder } from '../../src/explore/sheet/order.ts';
import { type ThemeName, THEMES } from '../../src/explore/sheet/drawn/theme.ts';
import { isUserInstalled } from '../../src/bot/interaction/user-installed.ts';
import { PICTURE_OPTIONS, typedOptionsOf } from '../personal/picture-options.ts';

/** What all pictures of a sheet share: the options of /imagine that make sense for it. */
export const SHARED_OPTIONS: APIApplicationCommandBasicOption[] = [
  PICTURE_OPTIONS.negative,
  {
    type: ApplicationCommandOptionType.Integer,
    name: 'steps',
    description: 'How often each picture is refined',
    min_value: LIMITS.steps.min,
    max_value: LIMITS.steps.max,
  },
  PICTURE_OPTIONS.cfg,
  PICTURE_OPTIONS.seed,
  PICTURE_OPTIONS.sampler,
  PICTURE_OPTIONS.schedule,
  PICTURE_OPTIONS.size,
  PICTURE_OPTIONS.model,
  PICTURE_OPTIONS.extra,
  {
    type: ApplicationCommandOptionType.String,
    name: 'look',
    description: 'Dark or light sheet',
    choices: THEMES.map((name) => ({ name, value: name })),
  },
];

export type Shared = {
  request: GenerateRequest;
  model: ModelInfo;
  theme: ThemeName;
  /** the schedule that was named; null: each sampler's own where samplers are compared */
  schedule: string | null;
  notes: readonly OrderNote[];
  /** what each of several models fills in by itself is left open */
  open: RequestInput;
  models: readonly ModelInfo[];
};

/** @throws UserError for what no picture could be made with */
export async function readShared(
  interaction: ChatInputCommandInteraction,
  scene: Scene,
  init: Order['init'] = null,
): Promise<Shared> {
  const { options, guildId } = interaction;
  const [models, server] = await Promise.all([
    scene.engine.models(),
    scene.settings.defaults(guildId),
  ]);
  const defaults = { ...server, ...scene.own.choices };
  const typed = {
    prompt: options.getString('prompt', true),
    ...typedOptionsOf(interaction),
    steps: options.getInteger('steps'),
    count: 1,
    init,
  };
  const { order, notes } = await readTyped(typed, scene, { guildId, defaults });
  const request = completeOrder(order, { ...scene, models, defaults });
  const model = models.find(({ name }) => name === request.model)!;
  const theme = THEMES.find((name) => name === options.getString('look')) ?? 'dark';
  const schedule = order.schedule ?? defaults.schedule ?? null;
  const open = openOrder(order, request, defaults);
  return { request, model, theme, schedule, notes, open, models };
}

/** Where it is not what the sheet varies. */
const USUAL_STRENGTH = 0.75;

/** A picture that all of a sheet start from. */
export function startFrom(image: Uint8Array, size: ImageSize): NonNullable<Order['init']> {
  return { image, size, mask: null, strength: USUAL_STRENGTH, maskBlur: 4, onlyMasked: false };
}

/** As the person prefers their pictures. */
export function sheetSeenBy(interaction: BaseInteraction, { own }: Pick<Scene, 'own'>): SeenBy {
  return own.private || isUserInstalled(interaction) ? 'private' : 'public';
}

/** Acknowledges and puts the sheet into the queue; its reply grows by itself from here. */
export async function placeSheet(
  interaction: ChatInputCommandInteraction | MessageComponentInteraction | ModalSubmitInteraction,
  scene: Scene,
  order: Omit<SheetOrder, 'id' | 'address' | 'allowance'>,
  /** its pictures, each of which must be allowed */
  requests: readonly GenerateRequest[],
  notes: readonly OrderNote[],
): Promise<void> {
  const { answer, sheets } = scene;
  const seenBy = sheetSeenBy(interaction, scene);
  if (seenBy === 'public') checkMayPost(interaction, scene);
  const granted = await permitOrder(interaction, scene, requests);
  const { allowance, weight, spoiler, explicit, previews } = granted;
  await answer.acknowledge(seenBy);
  const address = toContext({
    ...addressOf(interaction, scene, null, seenBy, granted.language),
    spoiler,
    explicit,
    previews,
    notes,
  });
  const first = {
    guildId: interaction.guildId ?? `dm:${interaction.user.id}`,
    userId: interaction.user.id,
    weight,
  };
  await sheets
    .start({ ...order, id: interaction.id, address, allowance }, first)
    .catch((error: unknown) => {
      throw limitWords(error, scene.text);
    });
  answer.handOver();
}
