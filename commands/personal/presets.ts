import { ApplicationCommandOptionType } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Choices } from '../../src/bot/order/choices.ts';
import type { Command, Scene } from '../../src/bot/interaction/command.ts';
import { plainLine, quoted, shorten } from '../../src/bot/render/markdown.ts';
import { findModel } from '../../src/bot/order/named-models.ts';
import { completeOrder, NOTHING_CHOSEN } from '../../src/bot/order/options.ts';
import { mayManageServer } from '../../src/bot/interaction/permissions.ts';
import { PRESET_NAME_LIMIT, findPreset } from '../../src/bot/stores/presets.ts';
import type { Preset } from '../../src/bot/stores/presets.ts';
import { CHOICE_OPTIONS, choiceLines, choicesOf } from './picture-options.ts';
import { completeChoice, nameChoices } from './picture-choices.ts';
import { IN_SERVERS } from '../places.ts';

const NAME = {
  type: ApplicationCommandOptionType.String as const,
  name: 'name',
  description: 'What the preset is called',
  required: true,
  max_length: PRESET_NAME_LIMIT,
};
const PROMPT_LIMIT = 1000;
const SHOWN = 3900;

export const presets: Command = {
  visibility: 'private',
  definition: {
    name: 'presets',
    description: 'Named sets of options for /imagine, curated by this server',
    ...IN_SERVERS,
    options: [
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'list',
        description: 'See the presets of this server',
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'save',
        description: 'Make a preset, or replace one (Manage Server)',
        options: [
          NAME,
          {
            type: ApplicationCommandOptionType.String,
            name: 'prompt',
            description: "Words around a person's own; {prompt} says where those go",
            max_length: PROMPT_LIMIT,
          },
          ...CHOICE_OPTIONS,
        ],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: 'delete',
        description: 'Delete a preset (Manage Server)',
        options: [{ ...NAME, autocomplete: true }],
      },
    ],
  },

  async run(interaction, scene) {
    const { guildId } = interaction;
    if (guildId === null) throw new UserError(scene.text.presetsNeedServer);
    const task = interaction.options.getSubcommand();
    if (task === 'list') return list(guildId, scene);
    if (!mayManageServer(interaction)) throw new UserError(scene.text.presetsNeedPermission);
    return task === 'save'
      ? save(interaction, guildId, scene)
      : remove(interaction, guildId, scene);
  },

  async autocomplete(interaction, scene) {
    const choices = await completeChoice(interaction, scene);
    return choices ?? presetChoices(interaction, scene);
  },
};

/** Names of this server's presets. */
export async function presetChoices(
  interaction: { guildId: string | null; options: { getFocused(): string } },
  scene: Pick<Scene, 'presets'>,
) {
  const all = await scene.presets.list(interaction.guildId);
  return nameChoices(
    all.map(({ name }) => name),
    interaction.options.getFocused(),
  );
}

async function list(guildId: string, scene: Scene): Promise<void> {
  const { answer, text } = scene;
  const all = await scene.presets.list(guildId);
  if (all.length === 0) return answer.tell(text.noPresets);
  const lines: string[] = [];
  for (const preset of all) {
    const facts = [
      ...(preset.prompt === '' ? [] : [`> ${quoted(preset.prompt, 150)}`]),
      ...(await choiceLines(preset.choices, scene)).map((line) => `-# ${line}`),
    ];
    lines.push([`**${quoted(preset.name, PRESET_NAME_LIMIT)}**`, ...facts].join('\n'));
  }
  await answer.tell(shorten([text.presetsTitle, ...lines].join('\n'), SHOWN));
}

async function save(
  interaction: ChatInputCommandInteraction,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  const name = plainLine(interaction.options.getString('name', true));
  if (name === '' || name.length > PRESET_NAME_LIMIT) {
    throw new UserError(text.presetName(PRESET_NAME_LIMIT));
  }
  const prompt = interaction.options.getString('prompt')?.trim() ?? '';
  const choices = await checkedChoices(await choicesOf(interaction, scene), prompt, guildId, scene);
  if (prompt === '' && Object.keys(choices).length === 0) throw new UserError(text.presetEmpty);
  const preset: Preset = { name, prompt, choices };
  await stored(scene, () => scene.presets.save(guildId, preset, text));
  const lines = await choiceLines(choices, scene);
  await answer.tell([text.presetSaved(quoted(name, PRESET_NAME_LIMIT)), ...lines].join('\n'));
}

/** Choices that no picture could be made with are refused here, not at everybody's next `/imagine`. */
export async function checkedChoices(
  choices: Choices,
  prompt: string,
  guildId: string | null,
  scene: Scene,
): Promise<Choices> {
  const [models, server] = await Promise.all([
    scene.engine.models(),
    scene.settings.defaults(guildId),
  ]);
  const model =
    choices.model === undefined ? {} : { model: findModel(models, choices.model, scene.text).name };
  const checked = { ...choices, ...model };
  completeOrder(
    { ...NOTHING_CHOSEN, prompt },
    { ...scene, models, defaults: { ...server, ...checked } },
  );
  return checked;
}

async function remove(
  interaction: ChatInputCommandInteraction,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { answer, text } = scene;
  const name = interaction.options.getString('name', true);
  const preset = findPreset(await scene.presets.list(guildId), name, text);
  await stored(scene, () => scene.presets.remove(guildId, preset.name));
  await answer.tell(text.presetDeleted(quoted(preset.name, PRESET_NAME_LIMIT)));
}

/** @throws UserError when the write failed */
export async function stored<T>({ log, text }: Scene, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof UserError) throw error;
    log.error({ said: String(error) }, 'a row was not stored');
    throw new UserError(text.notSaved, { cause: error });
  }
}
