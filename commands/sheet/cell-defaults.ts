import { ButtonStyle, ComponentType } from 'discord.js';
import type { APIMessageTopLevelComponent, MessageComponentInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { customId, type CustomId } from '../../src/bot/interaction/custom-id.ts';
import { mayManageServer } from '../../src/bot/interaction/permissions.ts';
import { CHOICE_NAMES, type ChoiceName, type Choices } from '../../src/bot/order/choices.ts';
import { chosenNumberOf } from '../../src/bot/order/table.ts';
import { jobOf } from '../../src/bot/order/order.ts';
import { serverText } from '../../src/bot/policy/server-text.ts';
import { escapeMarkdown, plainLine, shorten } from '../../src/bot/render/markdown.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { axisRow } from '../../src/explore/sheet/axes.ts';
import type { SheetOrder } from '../../src/explore/sheet/order.ts';
import { PICTURE_OPTIONS } from '../personal/picture-options.ts';
import { stored } from '../personal/presets.ts';
import { indexIn, openCell } from './open-cell.ts';
import { written, readBack } from './written-defaults.ts';

/** A sampler brings its schedule along: together they made the picture. */
function defaultsOf({ x, y, z }: SheetOrder, request: GenerateRequest): Choices {
  const change: Choices = {};
  for (const axis of [x, y, z]) {
    const name = axis?.name;
    if (name === undefined) continue;
    const number = chosenNumberOf(axisRow(name).field);
    if (number !== null) change[number.name] = request[number.field] ?? 0;
    if (name === 'steps') change.steps = request.steps;
    if (name === 'size') change.size = { width: request.width, height: request.height };
    if (name === 'model') change.model = request.model;
    if (name === 'sampler' && request.sampler !== null) change.sampler = request.sampler;
    if (name === 'sampler' || name === 'schedule') change.schedule = request.schedule;
  }
  return change;
}

/** `cfg 5, size 512x768` */
function wordsOf(change: Choices): string {
  return CHOICE_NAMES.flatMap((name) => {
    const value = change[name];
    if (value === undefined) return [];
    const words =
      typeof value === 'object' ? `${value.width}x${value.height}` : plainLine(String(value));
    return [`${PICTURE_OPTIONS[name].name} ${words}`];
  }).join(', ');
}

const MOST_LABEL = 80;

/** What the cell has of what the sheet varied, as one's own default and, for managers, as the server's. */
export function defaultButtons(
  id: CustomId,
  index: number,
  { order, request }: { order: SheetOrder; request: GenerateRequest },
  interaction: MessageComponentInteraction,
  text: Text,
): APIMessageTopLevelComponent[] {
  const change = defaultsOf(order, request);
  if (Object.keys(change).length === 0) return [];
  const what = wordsOf(change);
  const button = (action: string, label: string) => ({
    type: ComponentType.Button as const,
    custom_id: customId(action, id.jobId, String(index)),
    label: shorten(label, MOST_LABEL),
    style: ButtonStyle.Secondary as const,
  });
  const mine = button('cell-mine', text.sheet.myDefault(what));
  const manages = interaction.guildId !== null && mayManageServer(interaction);
  const components = manages
    ? [mine, button('cell-default', text.sheet.serverDefault(what))]
    : [mine];
  return [{ type: ComponentType.ActionRow, components }];
}

/** What the sheet varied, as this cell has it, becomes one person's default. */
export const cellMine: Action = {
  visibility: 'private',
  press: (interaction, id, scene) => take('m', interaction, id, scene),
};

/** The same for the server. */
export const cellDefault: Action = {
  visibility: 'private',
  press: (interaction, id, scene) => take('s', interaction, id, scene),
};

/** Whose defaults: `m` mine, `s` the server's. */
type Whose = 'm' | 's';

async function take(
  whose: Whose,
  interaction: MessageComponentInteraction,
  id: CustomId,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  checkWhose(whose, interaction, text);
  const index = indexIn(id.detail);
  const change = await changeOf(index, interaction, id, scene);
  await answer.acknowledge('private');
  const before = await defaultsNow(whose, interaction, scene);
  await save(whose, change, interaction, scene);
  const what = escapeMarkdown(wordsOf(change));
  const said = whose === 'm' ? text.sheet.savedMine(what) : text.sheet.saved(what);
  const names = namesIn(change);
  await answer.show({
    components: [
      { type: ComponentType.TextDisplay, content: said },
      {
        type: ComponentType.ActionRow,
        components: [
          {
            type: ComponentType.Button,
            custom_id: customId('cell-undo', id.jobId, `${whose}${index}${written(names, before)}`),
            label: text.sheet.undo,
            style: ButtonStyle.Secondary,
          },
        ],
      },
    ],
    files: [],
  });
}

/** What was the default before, as the button itself remembers it, for as long as nobody changed it again. */
export const cellUndo: Action = {
  visibility: 'in-place',
  async press(interaction, id, scene) {
    const { answer, text } = scene;
    const [, which = '', at = '', rest = ''] =
      /^([ms])(\d{1,3})((?:-[0-9a-z]+)+)$/.exec(id.detail ?? '') ?? [];
    if (which !== 'm' && which !== 's') throw new UserError(text.unknownButton);
    checkWhose(which, interaction, text);
    const change = await changeOf(Number(at), interaction, id, scene);
    const names = namesIn(change);
    const models = (await scene.engine.models()).map(({ name }) => name);
    const before = readBack(names, rest, models);
    if (before === null) throw new UserError(text.unknownButton);
    await answer.acknowledge('in-place');
    const now = await defaultsNow(which, interaction, scene);
    const isStill = names.every((name) => same(now[name], change[name]));
    if (!isStill) throw new UserError(text.sheet.undoTooLate);
    await restore(which, names, before, interaction, scene);
    const words = wordsOf(before);
    const said = words === '' ? text.sheet.undone : text.sheet.undoneTo(escapeMarkdown(words));
    await answer.show({
      components: [{ type: ComponentType.TextDisplay, content: said }],
      files: [],
    });
  },
};

function checkWhose(whose: Whose, interaction: MessageComponentInteraction, text: Text): void {
  if (whose === 'm') return;
  if (interaction.guildId === null) throw new UserError(text.sheet.needServer);
  if (!mayManageServer(interaction)) throw new UserError(text.sheet.needPermission);
}

async function changeOf(
  index: number,
  interaction: MessageComponentInteraction,
  id: CustomId,
  scene: Scene,
): Promise<Choices> {
  const { order, request } = await openCell(await jobOf(id, interaction, scene), index, scene);
  const change = defaultsOf(order, request);
  if (Object.keys(change).length === 0) throw new UserError(scene.text.sheet.nothingToSave);
  return change;
}

const namesIn = (change: Choices): ChoiceName[] =>
  CHOICE_NAMES.filter((name) => change[name] !== undefined);

const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

async function defaultsNow(
  whose: Whose,
  { guildId, user }: MessageComponentInteraction,
  { settings, preferences }: Scene,
): Promise<Choices> {
  if (whose === 's') return settings.defaults(guildId);
  return (await preferences.get(user.id)).choices;
}

async function save(
  whose: Whose,
  change: Choices,
  interaction: MessageComponentInteraction,
  scene: Scene,
): Promise<void> {
  const { guildId, user } = interaction;
  const { settings, preferences } = scene;
  if (whose === 's' && guildId !== null) {
    await stored(scene, () => settings.change(guildId, change));
    await tellAudit(interaction, scene);
    return;
  }
  const own = await preferences.get(user.id);
  const choices = { ...own.choices, ...change };
  await stored(scene, () => preferences.set(user.id, { ...own, choices }));
}

async function restore(
  whose: Whose,
  names: readonly ChoiceName[],
  before: Choices,
  interaction: MessageComponentInteraction,
  scene: Scene,
): Promise<void> {
  const { guildId, user } = interaction;
  const { settings, preferences } = scene;
  const absent = names.filter((name) => before[name] === undefined);
  if (whose === 's' && guildId !== null) {
    for (const name of absent) await stored(scene, () => settings.reset(guildId, name));
    await stored(scene, () => settings.change(guildId, before));
    await tellAudit(interaction, scene);
    return;
  }
  const own = await preferences.get(user.id);
  const choices = { ...own.choices, ...before };
  for (const name of absent) delete choices[name];
  await stored(scene, () => preferences.set(user.id, { ...own, choices }));
}

async function tellAudit(interaction: MessageComponentInteraction, scene: Scene): Promise<void> {
  const words = await serverText(interaction, scene);
  const what = words.auditSettings(`<@${interaction.user.id}>`, words.panel.pages.defaults);
  scene.audit.tell(interaction, { what, prompt: null });
}
