/** Loaded models within a budget of memory. */
import { loadModel, type LoadedModel, type LoadOptions, PLAIN, type Variant } from './loader.ts';
import type { RegistryEntry } from './registry.ts';

export type ModelCache = {
  /** Loads or reuses; makes room first, but never of `beside`. The model stays valid until the next `use`. */
  use(
    entry: RegistryEntry,
    beside?: LoadedModel | null,
    variant?: Variant,
  ): Promise<{ model: LoadedModel; fresh: boolean }>;
  /** `use` would not have to load it */
  holds(entry: RegistryEntry, variant?: Variant): boolean;
  loaded(): readonly LoadedModel[];
  /** models that made room for others so far */
  evicted(): number;
  releaseAll(): Promise<void>;
};

/** Least recently used models go first when the files of all loaded ones exceed the budget. */
export function createModelCache(options: LoadOptions & { budgetBytes: number }): ModelCache {
  const models = new Map<string, LoadedModel>();
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

  /** People try strengths: of a model with LoRAs only the newest set stays, beside the model without any. */
  async function dropVariants(
    { layout }: RegistryEntry,
    beside: LoadedModel | null,
  ): Promise<void> {
    for (const [key, model] of models) {
      const isVariant = model.loras.length > 0 && model.entry.layout.folder === layout.folder;
      if (isVariant && model !== beside) await drop(key);
    }
  }

  return {
    async use(entry, beside = null, variant = PLAIN) {
      const key = keyOf(entry, variant);
      const known = current(key, entry);
      if (known !== undefined) {
        models.delete(key);
        models.set(key, known);
        return { model: known, fresh: false };
      }
      await drop(key);
      await dropVariants(entry, beside);
      const total = (): number =>
        [...models.values()].reduce((sum, model) => sum + model.entry.layout.bytes, 0);
      for (const [oldest, model] of models) {
        if (total() + entry.layout.bytes <= options.budgetBytes) break;
        if (model === beside) continue;
        await drop(oldest);
        evicted++;
      }
      const model = await loadModel(entry, options, variant);
      models.set(key, model);
      return { model, fresh: true };
    },
    holds: (entry, variant = PLAIN) => current(keyOf(entry, variant), entry) !== undefined,
    loaded: () => [...models.values()],
    evicted: () => evicted,
    async releaseAll() {
      for (const key of models.keys()) await drop(key);
    },
  };
}

/**
 * A model with LoRAs, or with an input for perturbed attention, is a model of its own: its graphs are opened so. Graphs
 * that are written always have the input.
 */
function keyOf({ layout }: RegistryEntry, { loras, perturbed }: Variant): string {
  const told = loras.map(({ file, stamp, denoiser, text }) => [file, stamp, denoiser, text]);
  const edited = perturbed && layout.denoiser.kind === 'file';
  return JSON.stringify([layout.folder, layout.wishes, edited, ...told]);
}
