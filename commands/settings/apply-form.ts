import type { ModalSubmitInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS } from '../../src/engine/request-codec.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { CHOICE_NAMES } from '../../src/bot/order/choices.ts';
import type { ChoiceName, Choices } from '../../src/bot/order/choices.ts';
import { optionRow } from '../../src/bot/order/table.ts';
import { rangeOf } from '../../src/bot/order/typed-options.ts';
import type { Scene } from '../../src/bot/interaction/command.ts';
import type { ImageSize, ModelInfo } from '../../src/engine/request.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { sizeFrom } from '../../src/bot/order/sizes.ts';
import { POLICY_LIMITS } from '../../src/bot/policy/policy.ts';
import type { ServerPolicy } from '../../src/bot/policy/policy.ts';
import { checkedChoices, stored } from '../personal/presets.ts';
import { stepsOf, vaeHere } from '../personal/picture-options.ts';
import { field } from '../picture/remix.ts';
import { applyList } from './settings-lists.ts';
import type { PanelPage } from './settings-panel.ts';
import { entriesOf, numberOf, patternsOf, switchOf } from './settings-typed.ts';
import { OTHERS } from './settings-forms.ts';

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
  const asked = (name: string) => form.fields.fields.has(name);
  switch (control) {
    case 'numbers':
      await applyNumbers(typed, asked, guildId, scene);
      return 'defaults';
    case 'negative':
      await applyOthers(typed, asked, guildId, scene);
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

/** Whether the form had a field: what does nothing for the model here is not asked for, and stays as it was. */
type Asked = (name: string) => boolean;

async function applyNumbers(
  typed: Typed,
  asked: Asked,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { text } = scene;
  const number = (name: 'count' | 'clipSkip') =>
    numberOf(typed(name), text.panel.fields[name], { ...LIMITS[name], whole: true }, text);
  const sides = typed('size');
  await setDefaults(
    {
      steps: stepsOf(typed('steps'), text) ?? undefined,
      ...(asked('cfg') && {
        cfg: numberOf(typed('cfg'), text.panel.fields.cfg, LIMITS.guidanceScale, text),
      }),
      size: sides === '' ? undefined : await sizeHere(sides, guildId, scene),
      count: number('count'),
      clipSkip: number('clipSkip'),
    },
    guildId,
    scene,
  );
}

async function applyOthers(
  typed: Typed,
  asked: Asked,
  guildId: string,
  scene: Scene,
): Promise<void> {
  const { engine, text } = scene;
  const models = await engine.models();
  const entries = OTHERS.filter(asked).map(
    (name) => [name, otherOf(name, typed(name), models, text)] as const,
  );
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
