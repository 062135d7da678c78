/** The models folder: what can paint, and of what cannot, why. */
import path from 'node:path';
import { type ModelSurvey, surveyModels } from '../../engine/engine.ts';
import { type Finding, good, stops, warning } from './finding.ts';

/** What is in it, or why it cannot be read. */
export type Shelf = ModelSurvey | { error: string };

/** Reads the models folder without loading anything; a folder that cannot be read is an answer, too. */
export function lookAtModels(modelsDir: string): Promise<Shelf> {
  return surveyModels(modelsDir).catch((error: Error) => ({ error: error.message }));
}

/** Files beside models of which nobody expects a picture are told of as well: they were put there for something. */
export function checkModels(shelf: Shelf, modelsDir: string): Finding[] {
  const where = {
    mend: `put a .safetensors file or a model folder into ${modelsDir}, or set MODELS_DIR to the folder that holds yours`,
  };
  if ('error' in shelf) {
    return [stops('models', `${modelsDir} cannot be read: ${shelf.error}`, where)];
  }
  const { models, unusable } = shelf;
  const broken = unusable.map(({ name, said }) => {
    const sentence = said.map(({ words }) => words).join(' ');
    const file = path.resolve(modelsDir, name);
    return warning('models', `${name}: ${sentence}`, {
      mend: `npm run -s models -- '${file.replaceAll("'", `'\\''`)}'`,
    });
  });
  if (models.length === 0) {
    const said = `${modelsDir} holds no model that can be used: there is nothing to paint with.`;
    return [...broken, stops('models', said, where)];
  }
  const names = models.map(({ name, family }) => `${name} (${family})`);
  const shown = names.length > 8 ? [...names.slice(0, 8), `${names.length - 8} more`] : names;
  const facts = {
    models: models.map(({ name, family, hash, nativeSize }) => ({
      name,
      family,
      hash,
      nativeSize,
    })),
  };
  return [...broken, good('models', shown.join(', '), { facts })];
}
