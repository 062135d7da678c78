/** Loaded models within a budget of memory. */
import { loadModel, type LoadedModel, type LoadOptions } from './loader.ts';
import type { RegistryEntry } from './registry.ts';

export type ModelCache = {
  /** Loads or reuses; makes room first, but never of `beside`. The model stays valid until the next `use`. */
  use(
    entry: RegistryEntry,
    beside?: LoadedModel | null,
  ): Promise<{ model: LoadedModel; fresh: boolean }>;
  /** `use` would not have to load it */
  holds(entry: RegistryEntry): boolean;
  loaded(): readonly LoadedModel[];
  releaseAll(): Promise<void>;
};

/** Least recently used models go first when the files of all loaded ones exceed the budget. */
export function createModelCache(options: LoadOptions & { budgetBytes: number }): ModelCache {
  const models = new Map<string, LoadedModel>();

  const current = ({ layout }: RegistryEntry): LoadedModel | undefined => {
    const known = models.get(layout.folder);
    return known?.entry.layout.stamp === layout.stamp ? known : undefined;
  };

  async function drop(key: string): Promise<void> {
    const model = models.get(key);
    models.delete(key);
    await model?.release();
  }

  return {
    async use(entry, beside = null) {
      const key = entry.layout.folder;
      const known = current(entry);
      if (known !== undefined) {
        models.delete(key);
        models.set(key, known);
        return { model: known, fresh: false };
      }
      await drop(key);
      const total = (): number =>
        [...models.values()].reduce((sum, model) => sum + model.entry.layout.bytes, 0);
      for (const [oldest, model] of models) {
        if (total() + entry.layout.bytes <= options.budgetBytes) break;
        if (model !== beside) await drop(oldest);
      }
      const model = await loadModel(entry, options);
      models.set(key, model);
      return { model, fresh: true };
    },
    holds: (entry) => current(entry) !== undefined,
    loaded: () => [...models.values()],
    async releaseAll() {
      for (const key of models.keys()) await drop(key);
    },
  };
}
