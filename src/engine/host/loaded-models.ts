/** The worker's models: found in their folder, loaded for an order with its edits, and told of as they come and go. */
import { NO_WISHES, type Wishes } from '../checkpoint/companions.ts';
import { PERTURBATION } from '../guidance/perturbation.ts';
import { loraEdit } from '../lora/lora-edit.ts';
import { chooseLoras } from '../lora/loras.ts';
import { type LoraUse, promptOf } from '../lora/tags.ts';
import type { ModelCache } from '../model/cache.ts';
import type { RegistryEntry } from '../model/found/entries.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { ChangedError } from '../model/model-files.ts';
import { openRegistry, type Registry } from '../model/registry.ts';
import type { GenerateRequest } from '../request.ts';
import type { WorkerLink } from './worker-link.ts';

/** Reading a folder anew costs as much as packing a small picture: once in a while is soon enough to notice a change. */
const LOOK_AGAIN_MS = 5000;

type Wanted = {
  /** stays loaded */
  beside?: LoadedModel | null;
  uses?: readonly LoraUse[];
  perturbed?: boolean;
  wishes?: Wishes;
};

type Options = {
  modelsDir: string;
  cache: ModelCache;
  post: WorkerLink['post'];
  /** a model without edits was loaded just now */
  onFresh: (model: LoadedModel) => Promise<void>;
};

export class LoadedModels {
  readonly #options: Options;
  readonly #found = new Map<string, { entry: RegistryEntry; at: number }>();
  #registry: Registry;

  constructor(options: Options) {
    this.#options = options;
    this.#registry = openRegistry(options.modelsDir);
  }

  /** The models of an order, loaded. `tellLoading` is called when one is not at hand. */
  async ofRequest(
    request: GenerateRequest,
    tellLoading: () => void,
  ): Promise<{ model: LoadedModel; refiner: LoadedModel | null }> {
    const perturbed = (request.pagScale ?? 0) > 0;
    const uses = promptOf(request).loras;
    const wishes = {
      vae: request.vae ?? null,
      textEncoders: request.textEncoders ?? [],
      tokenizers: request.tokenizers ?? [],
    };
    const model = await this.use(request.model, tellLoading, { uses, perturbed, wishes });
    const second = request.refiner?.model ?? null;
    const refiner =
      second === null ? null : await this.use(second, tellLoading, { beside: model, perturbed });
    return { model, refiner };
  }

  /** A model by its name or folder; one whose files were replaced a moment ago is read anew. */
  async use(
    model: string,
    onLoad: () => void = () => {},
    wanted: Wanted = {},
  ): Promise<LoadedModel> {
    try {
      return await this.#open(model, onLoad, wanted);
    } catch (error) {
      if (!(error instanceof ChangedError)) throw error;
      this.#found.clear();
      return this.#open(model, onLoad, wanted);
    }
  }

  holds(model: LoadedModel): boolean {
    return this.#options.cache.loaded().includes(model);
  }

  /** Room within the budget beside what is loaded, bytes. */
  room(): number {
    return this.#options.cache.room();
  }

  /** The folder is read anew, and nothing stays loaded. */
  async reload(): Promise<void> {
    this.#registry = openRegistry(this.#options.modelsDir);
    this.#found.clear();
    await this.#options.cache.releaseAll();
    this.#tellLoaded();
  }

  async release(): Promise<void> {
    await this.#options.cache.releaseAll();
  }

  async #open(
    model: string,
    onLoad: () => void,
    { beside = null, uses = [], perturbed = false, wishes = NO_WISHES }: Wanted,
  ): Promise<LoadedModel> {
    const { cache, post, onFresh } = this.#options;
    const entry = await this.#find(model, wishes);
    const loras = await chooseLoras(uses, entry.layout.beside);
    const edits = [...loras.map(loraEdit), ...(perturbed ? [PERTURBATION] : [])];
    if (!cache.holds(entry, edits)) onLoad();
    const began = performance.now();
    const { model: loaded, fresh } = await cache.use(entry, beside, edits);
    if (!fresh) return loaded;
    const { provider, canaryMaxError } = loaded;
    const { name, hash } = entry.info;
    const ms = Math.round(performance.now() - began);
    const fields = { model: name, hash, provider, canaryMaxError, ms };
    post({ type: 'log', level: 'info', fields, message: 'model loaded' });
    this.#tellLoaded();
    if (edits.length === 0) await onFresh(loaded);
    return loaded;
  }

  async #find(model: string, wishes: Wishes): Promise<RegistryEntry> {
    const key = JSON.stringify([model, wishes]);
    const known = this.#found.get(key);
    if (known !== undefined && performance.now() - known.at < LOOK_AGAIN_MS) return known.entry;
    this.#found.delete(key);
    const entry = await this.#registry.find(model, wishes);
    // A checkpoint is mapped: one that was replaced must not be painted with once more, and looking is cheap beside it.
    if (entry.layout.denoiser.kind === 'file') {
      this.#found.set(key, { entry, at: performance.now() });
    }
    return entry;
  }

  #tellLoaded(): void {
    const { cache, post } = this.#options;
    const models = cache.loaded().map((each) => ({
      model: each.entry.info.name,
      provider: each.provider,
      canaryMaxError: each.canaryMaxError,
    }));
    post({ type: 'loaded', models, evicted: cache.evicted() });
  }
}
