import type { ModalSubmitInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS } from '../../src/engine/request-codec.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { AUTO_STEPS, CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { ChoiceName, Choices } from '../../src/bot/order/choices.ts';
import { optionRow } from '../../src/bot/order/table.ts';
import { rangeOf } from '../../src/bot/order/typed-options.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import type { ImageSize, ModelInfo } from '../../src/engine/request.ts';
import { chooseModel } from '../../src/bot/order/options.ts';
import { sizeFrom } from '../../src/bot/order/sizes.ts';
import { POLICY_LIMITS } from '../../src/bot/policy/policy.ts';
import type { RoleLimits, ServerPolicy } from '../../src/bot/policy/policy.ts';
import { checkedChoices, stored } from '../personal/presets.ts';
import { stepsOf, vaeHere } from '../personal/picture-options.ts';
import { field, line } from '../picture/remix.ts';
import { applyList, listForm } from './settings-lists.ts';
import type { PanelForm } from './settings-lists.ts';
import type { PanelPage } from './settings-panel.ts';
import { entriesOf, numberOf, patternsOf, switchOf } from './settings-typed.ts';

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
      return numbersForm(defaults, number, text);
    case 'negative':
      return othersForm(defaults, text);
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

function numbersForm(defaults: Choices, number: NumberLine, text: Text): PanelForm {
  const { panel } = text;
  const { fields } = panel;
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

/** Choices of the page that neither a menu nor the form of numbers has; the longest text stands first. */
const OTHERS: readonly ChoiceName[] = [
  'negative',
  ...CHOICE_NAMES.filter(
    (name) => !/^(?:model|sampler|schedule|steps|cfg|size|count|clipSkip|negative)$/.test(name),
  ),
];

function othersForm(defaults: Choices, text: Text): PanelForm {
  const { panel, choiceNames } = text;
  const labels: Readonly<Partial<Record<string, string>>> = panel.fields;
  const lines = OTHERS.map((name) => {
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
  const list = /^list-([0-9a-f]{16}|new)$/.exec(control)?.[1];
  if (list !== undefined) {
    const said = { name: typed('name'), entries: typed('entries') };
    await applyList(list, said, guildId, scene);
    return 'lists';
  }
  switch (control) {
    case 'numbers':
      await applyNumbers(typed, guildId, scene);
      return 'defaults';
    case 'negative':
      await applyOthers(typed, guildId, scene);
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

type Typed = (name: string) => string;

async function applyNumbers(typed: Typed, guildId: string, scene: Scene): Promise<void> {
  const { text } = scene;
  const number = (name: 'count' | 'clipSkip') =>
    numberOf(typed(name), text.panel.fields[name], { ...LIMITS[name], whole: true }, text);
  const sides = typed('size');
  await setDefaults(
    {
      steps: stepsOf(typed('steps'), text) ?? undefined,
      cfg: numberOf(typed('cfg'), text.panel.fields.cfg, LIMITS.guidanceScale, text),
      size: sides === '' ? undefined : await sizeHere(sides, guildId, scene),
      count: number('count'),
      clipSkip: number('clipSkip'),
    },
    guildId,
    scene,
  );
}

async function applyOthers(typed: Typed, guildId: string, scene: Scene): Promise<void> {
  const { engine, text } = scene;
  const models = await engine.models();
  const entries = OTHERS.map((name) => [name, otherOf(name, typed(name), models, text)] as const);
  await setDefaults(Object.fromEntries(entries), guildId, scene);
}

/** undefined for an empty field. @throws UserError for what it may not be */
function otherOf(
  name: ChoiceName,
  typed: string,
  models: readonly ModelInfo[],
  text: Text,
): string | number | boolean | undefined {
  const row = optionRow(name);
  if (row.kind === 'number') return numberOf(typed, text.choiceNames[name], rangeOf(row), text);
  if (row.kind === 'switch') return switchOf(typed, text.choiceNames[name], text);
  if (name === 'vae') return vaeHere(typed, models, text) ?? undefined;
  return typed || undefined;
}

/** For the model that paints here unless somebody names another. */
async function sizeHere(
  typed: string,
  guildId: string,
  { engine, settings, text }: Scene,
): Promise<ImageSize> {
  const [models, defaults] = await Promise.all([engine.models(), settings.defaults(guildId)]);
  return sizeFrom(typed, chooseModel(models, null, defaults, text), text);
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
