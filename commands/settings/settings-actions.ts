import type {
  BaseInteraction,
  MessageComponentInteraction,
  ModalSubmitInteraction,
} from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import type { Action, Scene } from '../../src/bot/interaction/command.ts';
import { isSampler, isSchedule } from '../../src/engine/names.ts';
import { mayManageServer } from '../../src/bot/interaction/permissions.ts';
import {
  DEFAULT_POLICY,
  NSFW_POLICIES,
  PREVIEW_PACES,
  SPOILER_POLICIES,
} from '../../src/bot/policy/policy.ts';
import type { ServerPolicy } from '../../src/bot/policy/policy.ts';
import { isMark } from '../../src/bot/policy/people.ts';
import { serverText } from '../../src/bot/policy/server-text.ts';
import { LANGUAGE_NAMES } from '../../src/bot/text/text.ts';
import { askOnce, isSure } from '../confirm.ts';
import { stored } from '../personal/presets.ts';
import { formOf, usedYesterday } from './settings-forms.ts';
import { applyForm, setDefaults } from './apply-form.ts';
import { PANEL_PAGES, renderPanel } from './settings-panel.ts';
import { controlId } from './panel-parts.ts';
import type { PanelPage } from './settings-panel.ts';
import { describeDefaults } from './settings-words.ts';

/** Every control of the panel: what it changes, or which form it opens, and the page it is on. */
export const settingsAction: Action = {
  visibility: 'in-place',

  async press(interaction, { detail }, scene) {
    const guildId = managed(interaction, scene);
    const control = detail ?? '';
    const values = valuesOf(interaction);
    const resets = PANEL_PAGES.find((page) => control === `reset-${page}`);
    if (resets !== undefined) {
      const { confirmReset, confirmResetWords, panel } = scene.text;
      const words = { title: confirmReset, words: confirmResetWords(panel.pages[resets]) };
      return askOnce(controlId(control), words, scene);
    }
    const form = await formOf(control, values[0], guildId, scene);
    if (form !== null) {
      const { title, id = control, lines } = form;
      return scene.answer.modal({ custom_id: controlId(id), title, components: lines });
    }
    await scene.answer.acknowledge('in-place');
    const page = await apply(control, values, guildId, scene);
    if (control !== 'page') await tellChanged(page, interaction, scene);
    await showPanel(page, guildId, scene);
  },

  async submit(interaction, { detail }, scene) {
    const guildId = managed(interaction, scene);
    const control = detail ?? '';
    const isReset = control.startsWith('reset-');
    if (isReset && !isSure(interaction)) return scene.answer.acknowledge('in-place');
    await scene.answer.acknowledge('in-place');
    const page = isReset
      ? await apply(control, [], guildId, scene)
      : await applyForm(control, interaction, guildId, scene);
    await tellChanged(page, interaction, scene);
    await showPanel(page, guildId, scene);
  },
};

/** Tells the server's audit channel, in the server's language, who changed which page of the settings. */
export async function tellChanged(
  page: PanelPage,
  interaction: BaseInteraction,
  scene: Scene,
): Promise<void> {
  const text = await serverText(interaction, scene);
  const what = text.auditSettings(`<@${interaction.user.id}>`, text.panel.pages[page]);
  scene.audit.tell(interaction, { what, prompt: null });
}

/** Shows a page of the panel as settings are now, and once more where they changed while it was being shown. */
export async function showPanel(page: PanelPage, guildId: string, scene: Scene): Promise<void> {
  const [defaults, policy, models, lists, files] = await Promise.all([
    scene.settings.defaults(guildId),
    scene.settings.policy(guildId),
    scene.engine.models(),
    scene.wildcardStore.list(guildId),
    scene.wildcardFiles.lists(),
  ]);
  const { text } = scene;
  const defaultLines = describeDefaults(defaults, text, models);
  const { steps, pixels, count } = scene.limits;
  const side = Math.floor(Math.sqrt(pixels));
  const notes =
    page === 'limits'
      ? [
          text.panel.ceiling(steps, `${side}x${side}`, count),
          `-# ${await usedYesterday(guildId, scene)}`,
        ]
      : [];
  const sight = { notes, defaults, policy, models, defaultLines, lists, files, text };
  await scene.answer.show(renderPanel(page, sight));
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
    case 'lists-on':
    case 'lists-off':
      await policy({ wildcards: control === 'lists-on' });
      return 'lists';
    default:
      return (
        (await applyAccess(control, values, guildId, scene)) ??
        (await applyContent(control, value, guildId, scene)) ??
        unknown(scene)
      );
  }
}

function unknown({ text }: Scene): never {
  throw new UserError(text.unknownButton);
}

/** Who may paint, and where; null: the control is for something else. */
async function applyAccess(
  control: string,
  values: readonly string[],
  guildId: string,
  scene: Scene,
): Promise<PanelPage | null> {
  const [value] = values;
  const policy = (change: Partial<ServerPolicy>) =>
    stored(scene, () => scene.settings.changePolicy(guildId, change));
  switch (control) {
    case 'channels':
      await policy({ channels: values });
      return 'access';
    case 'roles':
      await policy({ allowedRoles: values });
      return 'access';
    case 'blocked': {
      // A mark stands for somebody whom the select cannot show.
      const marks = (await scene.settings.policy(guildId)).blockedUsers.filter(isMark);
      await policy({ blockedUsers: [...values, ...marks] });
      return 'access';
    }
    case 'audit':
      await policy({ auditChannel: value ?? null });
      return 'access';
    case 'posts-on':
    case 'posts-off':
      await policy({ starterPosts: control === 'posts-on' });
      return 'access';
    case 'reset-access':
      await policy(
        defaultOf(['channels', 'allowedRoles', 'blockedUsers', 'auditChannel', 'starterPosts']),
      );
      return 'access';
    default:
      return null;
  }
}

/** What may be painted, and how it is shown; null: the control is for something else. */
async function applyContent(
  control: string,
  value: string | undefined,
  guildId: string,
  scene: Scene,
): Promise<PanelPage | null> {
  const policy = (change: Partial<ServerPolicy>) =>
    stored(scene, () => scene.settings.changePolicy(guildId, change));
  switch (control) {
    case 'nsfw':
      await policy({ nsfw: oneOf(NSFW_POLICIES, value, 'age-restricted') });
      return 'content';
    case 'language':
      await policy({
        language: value !== undefined && Object.hasOwn(LANGUAGE_NAMES, value) ? value : null,
      });
      return 'content';
    case 'gallery-on':
    case 'gallery-off':
      await policy({ gallery: control === 'gallery-on' });
      return 'content';
    case 'spoiler':
      await policy({ spoiler: oneOf(SPOILER_POLICIES, value, 'never') });
      return 'content';
    case 'reset-content':
      await policy(defaultOf(['nsfw', 'spoiler', 'words', 'patterns', 'nsfwWords']));
      return 'content';
    default:
      return null;
  }
}

function oneOf<T extends string>(all: readonly T[], value: string | undefined, fallback: T): T {
  return all.find((one) => one === value) ?? fallback;
}

function defaultOf(names: readonly (keyof ServerPolicy)[]): Partial<ServerPolicy> {
  return Object.fromEntries(names.map((name) => [name, DEFAULT_POLICY[name]]));
}
