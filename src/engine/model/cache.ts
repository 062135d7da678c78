/** Loaded models within a budget of memory. */
import type { LoadedModel, LoadOptions } from './loaded-model.ts';
import { loadModel } from './loader.ts';
import type { RegistryEntry } from './found/entries.ts';
import { type GraphEdit, variantKey } from './graphs/variant.ts';

export type ModelCache = {
  /** Loads or reuses; makes room first, but never of `beside`. The model stays valid until the next `use`. */
  use(
    entry: RegistryEntry,
    beside?: LoadedModel | null,
    edits?: readonly GraphEdit[],
  ): Promise<{ model: LoadedModel; fresh: boolean }>;
  /** `use` would not have to load it */
  holds(entry: RegistryEntry, edits?: readonly GraphEdit[]): boolean;
  loaded(): readonly LoadedModel[];
  /** Room within the budget beside what is loaded, bytes. */
  room(): number;
  /** models that made room for others so far */
  evicted(): number;
  releaseAll(): Promise<void>;
};

/** Least recently used models go first when the files of all loaded ones exceed the budget. */
export function createModelCache(options: LoadOptions & { budgetBytes: number }): ModelCache {
  const models = new Map<string, LoadedModel>();
  /** with edits that people try */
  const trials = new WeakSet<LoadedModel>();
  let evicted = 0;

  const current = (key: string, { layout }: RegistryEntry): LoadedModel | undefined => {
    const known = models.get(key);
    return known?.entry.layout.stamp === layout.stamp ? known : undefined;
  };

  async function drop(key: string): Promise<void> {
    const model = models.get(key);
    models.delete(key);
    await model?.release();
  }

  /** Of a model's variants that are tried only the newest stays, beside the model without edits. */
  async function dropTrials({ layout }: RegistryEntry, beside: LoadedModel | null): Promise<void> {
    for (const [key, model] of models) {
      const isTrial = trials.has(model) && model.entry.layout.folder === layout.folder;
      if (isTrial && model !== beside) await drop(key);
    }
  }

  return {
    async use(entry, beside = null, edits = []) {
      const key = variantKey(entry.layout, edits);
      const known = current(key, entry);
      if (known !== undefined) {
        models.delete(key);
        models.set(key, known);
        return { model: known, fresh: false };
      }
      await drop(key);
      await dropTrials(entry, beside);
      // Their copies have room that another model may want.
      for (const model of models.values()) await model.lanes?.close();
      for (const [oldest, model] of models) {
        if (bytesOf(models) + entry.layout.bytes <= options.budgetBytes) break;
        if (model === beside) continue;
        await drop(oldest);
        evicted++;
      }
      const model = await loadModel(entry, options, edits);
      models.set(key, model);
      if (edits.some(({ isTried }) => isTried)) trials.add(model);
      return { model, fresh: true };
    },
    holds: (entry, edits = []) => current(variantKey(entry.layout, edits), entry) !== undefined,
    loaded: () => [...models.values()],
    room: () => options.budgetBytes - bytesOf(models),
    evicted: () => evicted,
    async releaseAll() {
      for (const key of models.keys()) await drop(key);
    },
  };
}

function bytesOf(models: ReadonlyMap<string, LoadedModel>): number {
  return [...models.values()].reduce((sum, { entry }) => sum + entry.layout.bytes, 0);
}
