import type { MessageComponentInteraction, ModalSubmitInteraction } from 'discord.js';
import { UserError } from '../src/engine/errors.ts';
import { LIMITS, parseSize } from '../src/engine/request-codec.ts';
import type { Action, Scene } from '../src/bot/command.ts';
import { plainLine, shorten } from '../src/bot/markdown.ts';
import { AUTO_STEPS } from '../src/bot/choices.ts';
import { isSampler, isSchedule } from '../src/bot/options.ts';
import { mayManageServer } from '../src/bot/permissions.ts';
import {
  DEFAULT_POLICY,
  LIST_LIMITS,
  NSFW_POLICIES,
  POLICY_LIMITS,
  PREVIEW_PACES,
  SPOILER_POLICIES,
} from '../src/bot/policy/policy.ts';
import type { RoleLimits, ServerPolicy } from '../src/bot/policy/policy.ts';
import { compilePattern } from '../src/bot/policy/words.ts';
import { SETTING_NAMES } from '../src/bot/settings.ts';
import type { ServerDefaults, SettingName } from '../src/bot/settings.ts';
import { checkedChoices, stored } from './presets.ts';
import { field, line } from './remix.ts';
import { PANEL_PAGES, controlId, renderPanel } from './settings-panel.ts';
import type { PanelPage } from './settings-panel.ts';
import { describeDefaults } from './settings-words.ts';

/** Every control of the panel: what it changes, or which form it opens, and the page it is on. */
export const settingsAction: Action = {
  visibility: 'in-place',

  async press(interaction, { detail }, scene) {
    const guildId = managed(interaction, scene);
    const control = detail ?? '';
    const form = await formOf(control, interaction, guildId, scene);
    if (form !== null) {
      const { title, id = control, lines } = form;
      return scene.answer.modal({ custom_id: controlId(id), title, components: lines });
    }
    const values = valuesOf(interaction);
    await scene.answer.acknowledge('in-place');
    const page = await apply(control, values, guildId, scene);
    await showPanel(page, guildId, scene);
  },

  async submit(interaction, { detail }, scene) {
    const guildId = managed(interaction, scene);
    await scene.answer.acknowledge('in-place');
    const page = await applyForm(detail ?? '', interaction, guildId, scene);
    await showPanel(page, guildId, scene);
  },
};

export async function showPanel(page: PanelPage, guildId: string, scene: Scene): Promise<void> {
  const [defaults, policy, models] = await Promise.all([
    scene.settings.defaults(guildId),
    scene.settings.policy(guildId),
    scene.engine.models(),
  ]);
  const { text } = scene;
  const defaultLines = describeDefaults(defaults, text);
  await scene.answer.show(renderPanel(page, { defaults, policy, models, defaultLines, text }));
  // Another change may have been shown in between: the panel ends with what holds now.
  const now = await Promise.all([scene.settings.defaults(guildId), scene.settings.policy(guildId)]);
  if (now[0] !== defaults || now[1] !== policy) await showPanel(page, guildId, scene);
}

function managed(
  interaction: MessageComponentInteraction | ModalSubmitInteraction,
  { text }: Scene,
): string {
  if (interaction.guildId === null) throw new UserError(text.settingsNeedServer);
  if (!mayManageServer(interaction)) throw new UserError(text.settingsNeedPermission);
  return interaction.guildId;
}

/** What was chosen in a select; nothing of a button. */
function valuesOf(interaction: MessageComponentInteraction): readonly string[] {
  return interaction.isAnySelectMenu() ? interaction.values : [];
}

async function apply(
  control: string,
  values: readonly string[],
  guildId: string,
  scene: Scene,
): Promise<PanelPage> {
  const [value] = values;
  const policy = (change: Partial<ServerPolicy>) =>
    stored(scene, () => scene.settings.changePolicy(guildId, change));
  switch (control) {
    case 'page':
      return PANEL_PAGES.find((page) => page === value) ?? 'defaults';
    case 'model':
      await setDefaults({ model: value }, guildId, scene);
      return 'defaults';
    case 'sampler':
      await setDefaults({ sampler: isSampler(value) ? value : undefined }, guildId, scene);
      return 'defaults';
    case 'schedule':
      await setDefaults({ schedule: isSchedule(value) ? value : undefined }, guildId, scene);
      return 'defaults';
    case 'reset-defaults':
      await stored(scene, () => scene.settings.reset(guildId));
      return 'defaults';
    case 'previews':
      await policy({ previews: oneOf(PREVIEW_PACES, value, 'normal') });
      return 'limits';
    case 'reset-limits':
      await policy(defaultOf(['everybody', 'roles', 'server', 'previews']));
      return 'limits';
    case 'channels':
      await policy({ channels: values });
      return 'access';
    case 'roles':
      await policy({ allowedRoles: values });
      return 'access';
    case 'blocked':
      await policy({ blockedUsers: values });
      return 'access';
    case 'audit':
      await policy({ auditChannel: value ?? null });
      return 'access';
    case 'reset-access':
      await policy(defaultOf(['channels', 'allowedRoles', 'blockedUsers', 'auditChannel']));
      return 'access';
    case 'nsfw':
      await policy({ nsfw: oneOf(NSFW_POLICIES, value, 'age-restricted') });
      return 'content';
    case 'spoiler':
      await policy({ spoiler: oneOf(SPOILER_POLICIES, value, 'never') });
      return 'content';
    case 'reset-content':
      await policy(defaultOf(['nsfw', 'spoiler', 'words', 'patterns', 'nsfwWords']));
      return 'content';
    default:
      throw new UserError(scene.text.unknownButton);
  }
}

type Form = { title: string; id?: string; lines: ReturnType<typeof line>[] };

async function formOf(
  control: string,
  interaction: MessageComponentInteraction,
  guildId: string,
  { settings, text }: Scene,
): Promise<Form | null> {
  const { panel } = text;
  const { fields } = panel;
  const [defaults, policy] = await Promise.all([
    settings.defaults(guildId),
    settings.policy(guildId),
  ]);
  const number = (name: keyof typeof fields, value: number | undefined, id: string = name) =>
    line(id, fields[name], value === undefined ? '' : String(value));
  switch (control) {
    case 'numbers': {
      const { steps, cfg, size, count, clipSkip } = defaults;
      const sides = size === undefined ? '' : `${size.width}x${size.height}`;
      return {
        title: panel.pages.defaults,
        lines: [
          line('steps', fields.stepsOrAuto, steps === AUTO_STEPS ? text.auto : String(steps ?? '')),
          number('cfg', cfg),
          line('size', fields.size, sides),
          number('count', count),
          number('clipSkip', clipSkip),
        ],
      };
    }
    case 'negative': {
      const said = line('negative', fields.negative, defaults.negative ?? '', true);
      return { title: panel.pages.defaults, lines: [said] };
    }
    case 'everybody':
    case 'role': {
      const [roleId] = valuesOf(interaction);
      if (control === 'role' && roleId === undefined) return null;
      const set: RoleLimits =
        roleId === undefined ? policy.everybody : (policy.roles[roleId] ?? {});
      const lines = [
        number('waiting', set.waiting),
        number('work', set.work),
        number('seconds', set.seconds),
      ];
      if (roleId === undefined) return { title: panel.pages.limits, lines };
      lines.push(number('weight', set.weight));
      return { title: panel.pages.limits, id: `role-${roleId}`, lines };
    }
    case 'server':
      return {
        title: panel.pages.limits,
        lines: [
          number('serverWaiting', policy.server.waiting, 'waiting'),
          number('serverSeconds', policy.server.seconds, 'seconds'),
        ],
      };
    case 'words':
      return {
        title: panel.pages.content,
        lines: (['words', 'patterns', 'nsfwWords'] as const).map((name) =>
          line(name, fields[name], policy[name].join('\n'), true),
        ),
      };
    default:
      return null;
  }
}

async function applyForm(
  control: string,
  form: ModalSubmitInteraction,
  guildId: string,
  scene: Scene,
): Promise<PanelPage> {
  const { settings, text } = scene;
  const typed = (name: string) => field(form, name, text).trim();
  const limit = (name: keyof typeof POLICY_LIMITS) =>
    numberOf(typed(name), text.panel.fields[name], POLICY_LIMITS[name], text);
  const limits = (names: readonly (keyof typeof POLICY_LIMITS)[]) =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = limit(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  const policy = (change: Partial<ServerPolicy>) =>
    stored(scene, () => settings.changePolicy(guildId, change));
  const roleId = /^role-(\d+)$/.exec(control)?.[1];
  if (roleId !== undefined) {
    const set = limits(['waiting', 'work', 'seconds', 'weight']);
    const { [roleId]: _before, ...others } = (await settings.policy(guildId)).roles;
    await policy({ roles: Object.keys(set).length === 0 ? others : { ...others, [roleId]: set } });
    return 'limits';
  }
  switch (control) {
    case 'numbers': {
      const number = (name: 'steps' | 'count' | 'clipSkip') =>
        numberOf(typed(name), text.panel.fields[name], { ...LIMITS[name], whole: true }, text);
      const sides = typed('size');
      await setDefaults(
        {
          steps: typed('steps').toLowerCase() === text.auto ? AUTO_STEPS : number('steps'),
          cfg: numberOf(typed('cfg'), text.panel.fields.cfg, LIMITS.guidanceScale, text),
          size: sides === '' ? undefined : parseSize(sides),
          count: number('count'),
          clipSkip: number('clipSkip'),
        },
        guildId,
        scene,
      );
      return 'defaults';
    }
    case 'negative':
      await setDefaults({ negative: typed('negative') || undefined }, guildId, scene);
      return 'defaults';
    case 'everybody':
      await policy({ everybody: limits(['waiting', 'work', 'seconds']) });
      return 'limits';
    case 'server':
      await policy({ server: limits(['waiting', 'seconds']) });
      return 'limits';
    case 'words':
      await policy({
        words: listOf(typed('words'), /[\n,]/, LIST_LIMITS.words, LIST_LIMITS.wordLength, scene),
        nsfwWords: listOf(
          typed('nsfwWords'),
          /[\n,]/,
          LIST_LIMITS.words,
          LIST_LIMITS.wordLength,
          scene,
        ),
        patterns: patternsOf(typed('patterns'), scene),
      });
      return 'content';
    default:
      throw new UserError(text.unknownButton);
  }
}

/** What is undefined is forgotten; what is set must give a picture together with the rest. */
async function setDefaults(
  change: { [K in SettingName]?: ServerDefaults[K] | undefined },
  guildId: string,
  scene: Scene,
): Promise<void> {
  const set = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as ServerDefaults;
  const checked = await checkedChoices(set, '', guildId, scene);
  await stored(scene, () => scene.settings.change(guildId, checked));
  for (const name of SETTING_NAMES) {
    if (name in change && change[name] === undefined) {
      await stored(scene, () => scene.settings.reset(guildId, name));
    }
  }
}

function numberOf(
  typed: string,
  label: string,
  { min, max, whole = false }: { min: number; max: number; whole?: boolean },
  text: Scene['text'],
): number | undefined {
  if (typed === '') return undefined;
  const plain = typed.replace(',', '.');
  const value = /^\d{1,9}(\.\d{1,4})?$/.test(plain) ? Number(plain) : Number.NaN;
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new UserError(text.panel.notANumber(label, shown(typed), min, max));
}

function listOf(
  typed: string,
  separator: RegExp,
  most: number,
  longest: number,
  { text }: Scene,
): string[] {
  const entries = [...new Set(typed.split(separator).map((entry) => entry.trim()))].filter(
    (entry) => entry !== '',
  );
  if (entries.length > most) throw new UserError(text.panel.tooManyWords(entries.length, most));
  const long = entries.find((entry) => entry.length > longest);
  if (long !== undefined) throw new UserError(text.panel.wordTooLong(shown(long), longest));
  return entries;
}

function patternsOf(typed: string, scene: Scene): string[] {
  const { patterns, patternLength } = LIST_LIMITS;
  const entries = listOf(typed, /\n/, patterns, patternLength, scene);
  const bad = entries.find((entry) => compilePattern(entry) === null);
  if (bad !== undefined) throw new UserError(scene.text.panel.badPattern(shown(bad)));
  return entries;
}

const shown = (typed: string) => shorten(plainLine(typed), 60);

function oneOf<T extends string>(all: readonly T[], value: string | undefined, fallback: T): T {
  return all.find((one) => one === value) ?? fallback;
}

function defaultOf(names: readonly (keyof ServerPolicy)[]): Partial<ServerPolicy> {
  return Object.fromEntries(names.map((name) => [name, DEFAULT_POLICY[name]]));
}
