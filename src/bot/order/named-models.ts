/** Models and VAEs by the names that people type or chose beforehand. */
import { UserError } from '../../engine/errors.ts';
import { modelToBeginWith } from '../../engine/request-codec.ts';
import type { ModelInfo } from '../../engine/request.ts';
import { quoted } from '../render/markdown.ts';
import type { Text } from '../text/text.ts';
import { type Choices, VAE_OF_MODEL } from './choices.ts';

/** A model by name, whatever its letter case. @throws UserError with the names there are */
export function findModel(models: readonly ModelInfo[], name: string, text: Text): ModelInfo {
  const wanted = name.trim().toLowerCase();
  const found =
    models.find((model) => model.name === name) ??
    models.find((model) => model.name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  if (models.length === 0) throw new UserError(text.noModels);
  const known = models.slice(0, 10).map((model) => quoted(model.name, 80));
  if (models.length > known.length) known.push('…');
  throw new UserError(text.unknownModel(quoted(name, 60), known.join(', ')));
}

/**
 * The model of an order: named, else the server's default, else the first there is that paints from words alone. A default whose folder
 * has gone is passed over; the reply's recipe line says which model painted.
 * @throws UserError for a name that there is not, and where there is no model
 */
export function chooseModel(
  models: readonly ModelInfo[],
  named: string | null,
  defaults: Choices,
  text: Text,
): ModelInfo {
  if (named !== null && named.trim() !== '') return findModel(models, named, text);
  const byDefault = models.find((model) => model.name === defaults.model);
  const chosen = byDefault ?? modelToBeginWith(models);
  if (chosen === undefined) throw new UserError(text.noModels);
  return chosen;
}

/**
 * The name of a VAE in place of the model's own, undefined for its own. One chosen beforehand is passed over by models
 * that it is not for. @throws UserError for a typed name that there is not, with those there are
 */
export function vaeOf(
  typed: string | null,
  chosen: string | undefined,
  { name, vaes = [] }: ModelInfo,
  text: Text,
): string | undefined {
  const known = (wanted: string): string | undefined =>
    vaes.find((vae) => vae.toLowerCase() === wanted.trim().toLowerCase());
  if (typed === null || typed.trim() === '') return known(chosen ?? '');
  if (/^(?:automatic|auto|baked|none)$/i.test(typed.trim())) return undefined;
  const found = known(typed);
  if (found !== undefined) return found;
  const there = [VAE_OF_MODEL, ...vaes.slice(0, 10)].map((vae) => quoted(vae, 60)).join(', ');
  throw new UserError(text.unknownVae(quoted(typed, 60), quoted(name, 60), there));
}
