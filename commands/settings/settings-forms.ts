import type { Text } from '../../src/bot/text/text.ts';
import { AUTO_STEPS, CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { ChoiceName, Choices } from '../../src/bot/order/choices.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { isHeard } from '../../src/bot/order/unguided.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import type { RoleLimits, ServerPolicy } from '../../src/bot/policy/policy.ts';
import { line } from '../picture/remix.ts';
import { listForm } from './settings-lists.ts';
import type { PanelForm } from './settings-lists.ts';

/** The form that a control opens; null where it opens none. `chosen`: a role's id, or a list's key. */
export async function formOf(
  control: string,
  chosen: string | undefined,
  guildId: string,
  scene: Scene,
): Promise<PanelForm | null> {
  const { settings, text } = scene;
  const { panel } = text;
  const { fields } = panel;
  const [defaults, policy] = await Promise.all([
    settings.defaults(guildId),
    settings.policy(guildId),
  ]);
  const number = (
    name: keyof typeof fields,
    value: number | undefined,
    id: string = name,
    hint = '',
  ) => line(id, fields[name], value === undefined ? '' : String(value), false, false, 24, hint);
  const hints = panel.hints(shownWork(EXAMPLE_WORK), shownWork(mostWork(scene.limits)));
  const used = () => usedYesterday(guildId, scene);
  switch (control) {
    case 'numbers':
      return numbersForm(defaults, number, await painterHere(defaults, scene), text);
    case 'negative':
      return othersForm(defaults, await painterHere(defaults, scene), text);
    case 'everybody':
    case 'role': {
      const ofRole = control === 'role';
      if (ofRole && chosen === undefined) return null;
      const set: RoleLimits = ofRole ? (policy.roles[chosen ?? ''] ?? {}) : policy.everybody;
      const lines = [
        number('waiting', set.waiting, 'waiting', hints.waiting),
        number('work', set.work, 'work', hints.work),
        number('seconds', set.seconds, 'seconds', await used()),
      ];
      if (!ofRole) return { title: panel.pages.limits, lines };
      lines.push(number('weight', set.weight));
      return { title: panel.pages.limits, id: `role-${chosen}`, lines };
    }
    case 'server':
      return {
        title: panel.pages.limits,
        lines: [
          number('serverWaiting', policy.server.waiting, 'waiting', hints.waiting),
          number('serverSeconds', policy.server.seconds, 'seconds', await used()),
        ],
      };
    case 'words':
      return wordsForm(policy, text);
    case 'list':
      return listForm(chosen ?? '', guildId, scene);
    case 'list-new':
      return listForm(null, guildId, scene);
    default:
      return null;
  }
}

type NumberLine = (
  name: keyof Text['panel']['fields'],
  value: number | undefined,
) => PanelForm['lines'][number];

/** The model that paints here unless somebody names another; null where there is none. */
async function painterHere(defaults: Choices, { engine, text }: Scene): Promise<ModelInfo | null> {
  const models = await engine.models();
  return models.length === 0 ? null : chooseModel(models, null, defaults, text);
}

/** Forms ask for nothing that does nothing for the model that paints here. */
function numbersForm(
  defaults: Choices,
  number: NumberLine,
  model: ModelInfo | null,
  text: Text,
): PanelForm {
  const { panel } = text;
  const { fields } = panel;
  const { steps, cfg, size, count, clipSkip } = defaults;
  const sides = size === undefined ? '' : `${size.width}x${size.height}`;
  return {
    title: panel.pages.defaults,
    lines: [
      line('steps', fields.stepsOrAuto, steps === AUTO_STEPS ? text.auto : String(steps ?? '')),
      ...(model === null || isHeard('cfg', model) ? [number('cfg', cfg)] : []),
      line('size', fields.size, sides),
      number('count', count),
      number('clipSkip', clipSkip),
    ],
  };
}

/** Choices of the page that neither a menu nor the form of numbers has; the longest text stands first. */
export const OTHERS: readonly ChoiceName[] = [
  'negative',
  ...CHOICE_NAMES.filter(
    (name) => !/^(?:model|sampler|schedule|steps|cfg|size|count|clipSkip|negative)$/.test(name),
  ),
];

function othersForm(defaults: Choices, model: ModelInfo | null, text: Text): PanelForm {
  const { panel, choiceNames } = text;
  const labels: Readonly<Partial<Record<string, string>>> = panel.fields;
  const heard = OTHERS.filter((name) => model === null || isHeard(name, model));
  const lines = heard.map((name) => {
    const value = defaults[name];
    const shown = typeof value === 'boolean' ? (value ? text.yes : text.no) : String(value ?? '');
    return line(name, labels[name] ?? choiceNames[name], shown, name === 'negative');
  });
  return { title: panel.pages.defaults, lines };
}

function wordsForm(policy: ServerPolicy, { panel }: Text): PanelForm {
  const lines = (['words', 'patterns', 'nsfwWords'] as const).map((name) =>
    line(name, panel.fields[name], policy[name].join('\n'), true),
  );
  return { title: panel.pages.content, lines };
}

/** Four pictures of 1024x1024 at 30 steps, in millions of steps x pixels. */
const EXAMPLE_WORK = (4 * 1024 * 1024 * 30) / 1e6;

function mostWork({ steps, pixels, count }: Scene['limits']): number {
  return (steps * pixels * count) / 1e6;
}

const shownWork = (work: number) => String(Math.round(work));

/** What people of this server took of the machine on the day before (UTC), in words. */
export async function usedYesterday(guildId: string, { archive, text }: Scene): Promise<string> {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const [both, since] = await Promise.all([
    archive.figures({ guildId, since: today - DAY_MS }),
    archive.figures({ guildId, since: today }),
  ]);
  const seconds = Math.max(0, Math.round(both.seconds - since.seconds));
  return text.panel.yesterday(seconds, Math.max(0, both.pictures - since.pictures));
}

const DAY_MS = 24 * 3600 * 1000;
