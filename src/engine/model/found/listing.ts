/** What people see of each model, without its layout; a file is not looked into again as long as it stays. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { shelfStamp } from '../../checkpoint/companions/shelf.ts';
import { vaesOnShelf } from '../../checkpoint/companions/vaes.ts';
import { NO_WISHES } from '../../checkpoint/companions.ts';
import { sidecarStamp } from '../../checkpoint/sidecar.ts';
import { loraAliases, loraMarks } from '../../lora/hashes.ts';
import { loraNames } from '../../lora/loras.ts';
import type { ModelInfo } from '../../request.ts';
import { upscalersIn } from '../../upscale/on-disk.ts';
import { componentsOf } from '../folder-files.ts';
import type { ModelLayout } from '../layout.ts';
import type { ReadModel } from './entries.ts';
import type { FoundModel } from './find-models.ts';

/** Models whose files are looked at together. */
const AT_A_TIME = 8;

type Seen = { stamp: string; info: ModelInfo; layout: Seeable } | Refusal;
/** what of a layout tells which LoRAs and VAEs are for it */
type Seeable = Pick<ModelLayout, 'beside' | 'latentChannels'>;
type Refusal = { stamp: string; error: unknown };

/** Networks that models share. */
type Shelf = {
  stamp: string;
  vaes: Awaited<ReturnType<typeof vaesOnShelf>>;
  upscalers: readonly string[];
};

/** Each model's answer in the order given: what people see, or what is thrown. */
export type ListModels = (found: readonly FoundModel[]) => Promise<(() => ModelInfo)[]>;

/** `onCircle`: told of a folder whose links lead back into it. */
export function createListing(
  modelsDir: string,
  read: ReadModel,
  onCircle: (path: string) => void,
): ListModels {
  const seen = new Map<string, Seen>();
  const shelfNow = watchShelf(modelsDir);

  async function seenNow(model: FoundModel, shelf: Shelf): Promise<Seen> {
    const stamp = `${await stampOf(model)} ${shelf.stamp}`;
    const known = seen.get(model.path);
    if (known?.stamp === stamp) return known;
    const fresh = await read(model, NO_WISHES).then(
      ({ info, layout: { beside, latentChannels } }) => ({
        stamp,
        info,
        layout: { beside, latentChannels },
      }),
      (error: unknown) => ({ stamp, error }),
    );
    seen.set(model.path, fresh);
    return fresh;
  }

  async function look(model: FoundModel, shelf: Shelf): Promise<ModelInfo> {
    const known = await seenNow(model, shelf);
    if ('error' in known) throw known.error;
    const { info, layout } = known;
    const { beside, latentChannels } = layout;
    const vaes = shelf.vaes.filter((vae) => vae.latentChannels === latentChannels);
    return {
      ...info,
      upscalers: shelf.upscalers,
      loras: await loraNames(beside, onCircle),
      loraAliases: await loraAliases(beside),
      loraHashes: await loraMarks(beside),
      ...(info.checkpoint && { vaes: vaes.map(({ name }) => name) }),
    };
  }

  return async (found) => {
    const shelf = await shelfNow();
    const looked: (() => ModelInfo)[] = [];
    // Some at a time, so that one's files are read while another's names are sorted.
    for (let from = 0; from < found.length; from += AT_A_TIME) {
      const some = found.slice(from, from + AT_A_TIME).map((model) => look(model, shelf));
      for (const result of await Promise.allSettled(some)) {
        looked.push(() => {
          if (result.status === 'rejected') throw result.reason;
          return result.value;
        });
      }
    }
    const there = new Set(found.map(({ path }) => path));
    for (const path of seen.keys()) if (!there.has(path)) seen.delete(path);
    return looked;
  };
}

/** The shelf as it is now; VAEs are looked into again when something on it changed. */
function watchShelf(modelsDir: string): () => Promise<Shelf> {
  let before: Shelf | null = null;
  return async () => {
    const stamp = await shelfStamp(modelsDir);
    const upscalers = await upscalersIn(join(modelsDir, 'upscalers'));
    const vaes = before?.stamp === stamp ? before.vaes : await vaesOnShelf(modelsDir);
    before = { stamp, vaes, upscalers };
    return before;
  };
}

async function stampOf({ path, name, kind }: FoundModel): Promise<string> {
  const info = await stat(path).catch(() => null);
  if (info === null) return 'absent';
  if (!info.isDirectory()) return `${info.size}@${info.mtimeMs} ${await sidecarStamp(path)}`;
  const components = kind === 'onnx' ? null : await componentsOf(path, name).catch(() => null);
  // ONNX folders say by themselves what changed: see read
  if (components === null) return `${performance.now()}`;
  const parts = [...components].map(([id, { stamp }]) => `${id}:${stamp}`);
  const index = await stat(join(path, 'model_index.json')).catch(() => null);
  const own = `${info.mtimeMs} ${index?.size}@${index?.mtimeMs}`;
  return `${parts.join()} ${own} ${await sidecarStamp(path)}`;
}
