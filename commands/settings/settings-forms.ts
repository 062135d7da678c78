import type { ModalSubmitInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, parseSize } from '../../src/engine/request-codec.ts';
import { AUTO_STEPS, CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { Choices } from '../../src/bot/order/choices.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { POLICY_LIMITS } from '../../src/bot/policy/policy.ts';
import type { RoleLimits, ServerPolicy } from '../../src/bot/policy/policy.ts';
import { checkedChoices, stored } from '../personal/presets.ts';
import { field, line, typedSteps } from '../picture/remix.ts';
import type { PanelPage } from './settings-panel.ts';
import { entriesOf, numberOf, patternsOf } from './settings-typed.ts';

/** A form of the panel, filled in with what holds now. */
export type PanelForm = { title: string; id?: string; lines: ReturnType<typeof line>[] };

/** The form that a control opens; null where it opens none. `roleId`: whom the role select chose. */
export async function formOf(
  control: string,
  roleId: string | undefined,
  guildId: string,
  { settings, text }: Scene,
): Promise<PanelForm | null> {
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
      return { title: panel.pages.defaults, lines: [said, number('pag', defaults.pag)] };
    }
    case 'everybody':
    case 'role': {
      const ofRole = control === 'role';
      if (ofRole && roleId === undefined) return null;
      const set: RoleLimits = ofRole ? (policy.roles[roleId ?? ''] ?? {}) : policy.everybody;
      const lines = [
        number('waiting', set.waiting),
        number('work', set.work),
        number('seconds', set.seconds),
      ];
      if (!ofRole) return { title: panel.pages.limits, lines };
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

/** Stores what was typed; the page that shows it. @throws UserError for what cannot be */
export async function applyForm(
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
      const number = (name: 'count' | 'clipSkip') =>
        numberOf(typed(name), text.panel.fields[name], { ...LIMITS[name], whole: true }, text);
      const sides = typed('size');
      await setDefaults(
        {
          steps: typedSteps(typed('steps'), text) ?? undefined,
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
      await setDefaults(
        {
          negative: typed('negative') || undefined,
          pag: numberOf(typed('pag'), text.choiceNames.pag, LIMITS.pagScale, text),
        },
        guildId,
        scene,
      );
      return 'defaults';
    case 'everybody':
      await policy({ everybody: limits(['waiting', 'work', 'seconds']) });
      return 'limits';
    case 'server':
      await policy({ server: limits(['waiting', 'seconds']) });
      return 'limits';
    case 'words':
      await policy({
        words: entriesOf(typed('words'), text),
        nsfwWords: entriesOf(typed('nsfwWords'), text),
        patterns: patternsOf(typed('patterns'), text),
      });
      return 'content';
    default:
      throw new UserError(text.unknownButton);
  }
}

/** What is undefined is forgotten; what is set must give a picture together with the rest. */
export async function setDefaults(
  change: { [K in keyof Choices]?: Choices[K] | undefined },
  guildId: string,
  scene: Scene,
): Promise<void> {
  const set = Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined),
  ) as Choices;
  const checked = await checkedChoices(set, '', guildId, scene);
  await stored(scene, () => scene.settings.change(guildId, checked));
  for (const name of CHOICE_NAMES) {
    if (name in change && change[name] === undefined) {
      await stored(scene, () => scene.settings.reset(guildId, name));
    }
  }
}
