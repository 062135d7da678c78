/**
 * Names of models come from file names: whoever changes them every day would make series without end. The first ones
 * keep theirs, the rest is one.
 */
const MOST_MODELS = 30;
const REST = 'other';

/** Makes a label of each model's name: the first 30 by name, all later ones "other", so that the series stay few. */
export function createModelNames(): (model: string) => string {
  const known = new Set<string>();
  return (model) => {
    if (!known.has(model) && known.size >= MOST_MODELS) return REST;
    known.add(model);
    return model;
  };
}
