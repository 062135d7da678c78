/** What Discord offers while somebody types an option of a picture (autocomplete). */
import type { AutocompleteInteraction } from 'discord.js';
import { UserError } from '../../src/engine/errors.ts';
import { LIMITS, limitsOf } from '../../src/engine/request-codec.ts';
import type { ModelInfo } from '../../src/engine/request.ts';
import type { Choice, Scene } from '../../src/bot/interaction/command.ts';
import { chooseModel } from '../../src/bot/order/named-models.ts';
import { offeredSizes, sizeFrom } from '../../src/bot/order/sizes.ts';
import { plainLine, shorten } from '../../src/bot/render/markdown.ts';
import type { Text } from '../../src/bot/text/text.ts';
import { extraChoices } from './extra-choices.ts';
import { vaesOf } from './picture-options.ts';

/** Choices for `model`, `size`, `vae`, `steps` and `extra`; null for any other option. */
export async function completeChoice(
  interaction: AutocompleteInteraction,
  scene: Scene,
): Promise<readonly Choice[] | null> {
  const focused = interaction.options.getFocused(true);
  if (!['extra', 'model', 'size', 'steps', 'vae'].includes(focused.name)) return null;
  const models = await scene.engine.models();
  if (focused.name === 'vae') return nameChoices(vaesOf(models), focused.value);
  if (focused.name === 'model') return modelChoices(models, focused.value, scene.text);
  const model = await modelMeant(interaction, models, scene);
  if (focused.name === 'extra') return extraChoices(focused.value, model, scene);
  if (focused.name === 'steps') return stepsChoices(focused.value, model, scene);
  return model === null ? [] : sizeChoices(model, focused.value, scene.text);
}

/** The one that is named, else the one that paints here; null where there is none. */
async function modelMeant(
  { guildId, options }: AutocompleteInteraction,
  models: readonly ModelInfo[],
  { settings, own, text }: Scene,
): Promise<ModelInfo | null> {
  const defaults = { ...(await settings.defaults(guildId)), ...own.choices };
  const named = options.getString('model');
  const known = models.some((model) => model.name === named) ? named : null;
  return models.length === 0 ? null : chooseModel(models, known, defaults, text);
}

/** What was typed, as far as the model takes it, and automatic steps. */
export function stepsChoices(
  typed: string,
  model: ModelInfo | null,
  { text }: Pick<Scene, 'text'>,
): Choice[] {
  const steps = /^\d{1,3}$/.test(typed.trim()) ? Number(typed) : 0;
  const most = model === null ? LIMITS.steps.max : limitsOf(model).steps;
  const own =
    steps >= LIMITS.steps.min && steps <= most
      ? [{ name: text.steps(steps), value: String(steps) }]
      : [];
  return [...own, { name: text.autoChoice, value: 'auto' }];
}

/** Names that contain what was typed, those that begin with it first; Discord takes 100 characters. */
export function modelChoices(models: readonly ModelInfo[], typed: string, text: Text): Choice[] {
  const unguided = new Set(models.filter((model) => model.unguided).map(({ name }) => name));
  const names = models.map(({ name }) => name);
  return nameChoices(names, typed).map((choice) => {
    const words = `${choice.name} · ${text.modelUnguidedShort}`;
    return unguided.has(choice.name) && words.length <= 100 ? { ...choice, name: words } : choice;
  });
}

/**
 * Finds at most 25 names (Discord's limit) that contain what was typed in any case, those that begin with it first.
 * Names over 100 characters cannot be choices and are left out.
 */
export function nameChoices(names: readonly string[], typed: string): Choice[] {
  const wanted = typed.trim().toLowerCase();
  return names
    .filter((name) => name.length <= 100 && name.toLowerCase().includes(wanted))
    .toSorted((a, b) => rank(a, wanted) - rank(b, wanted))
    .map((name) => ({ name, value: name }))
    .slice(0, 25);
}

function rank(name: string, wanted: string): number {
  return name.toLowerCase().startsWith(wanted) ? 0 : 1;
}

function sizeChoices(model: ModelInfo, typed: string, text: Text): Choice[] {
  const wanted = typed.replaceAll(/\s/g, '').toLowerCase();
  const choices = offeredSizes(model).map(({ width, height, ratio, shape }) => {
    const name = text.shapes[shape ?? (width < height ? 'portrait' : 'landscape')];
    const words = shape === 'square' ? name : `${ratio} · ${name}`;
    return { name: text.sizeChoice(width, height, words), value: `${width}x${height}` };
  });
  const fitting = choices.filter(
    ({ name, value }) => value.startsWith(wanted) || name.toLowerCase().includes(wanted),
  );
  return wanted === '' ? fitting : [...typedSize(typed, model, fitting, text), ...fitting];
}

/** What was typed stays choosable, with the pixels it means: any size on the model's grid is allowed, not only these. */
function typedSize(
  typed: string,
  model: ModelInfo,
  offered: readonly { value: string | number }[],
  text: Text,
): Choice[] {
  try {
    const { width, height } = sizeFrom(typed, model, text);
    const value = `${width}x${height}`;
    if (offered.some((one) => one.value === value)) return [];
    const words = shorten(plainLine(typed), 20);
    return [{ name: words === value ? value : text.sizeChoice(width, height, words), value }];
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
