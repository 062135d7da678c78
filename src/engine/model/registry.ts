/** The models folder as people see it: names, families, sizes, hashes. Opens no session. */
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import type { CheckpointInfo } from '../checkpoint/checkpoint.ts';
import { NO_WISHES, shelfStamp, vaesOnShelf, type Wishes } from '../checkpoint/companions.ts';
import { dtypeInWords } from '../checkpoint/describe.ts';
import { checkpointName, openCheckpoint } from '../checkpoint/detect.ts';
import { hasNetworks, isDiffusersFolder } from '../checkpoint/diffusers-folder.ts';
import { sidecarStamp } from '../checkpoint/sidecar.ts';
import { UserError } from '../errors.ts';
import { layoutOfTransformer } from '../families/opening/model-layout.ts';
import { openTransformer, type OpenedTransformer } from '../families/opening/open-transformer.ts';
import { loraAliases, loraMarks } from '../lora/hashes.ts';
import { loraNames } from '../lora/loras.ts';
import type { ModelInfo, UnusableModel } from '../request.ts';
import type { Said } from '../said.ts';
import { say } from '../sentences.ts';
import { layoutOfCheckpoint } from './checkpoint-layout.ts';
import { familyNamed } from '../families/families.ts';
import { findModels, type FoundModel } from './found/find-models.ts';
import { fingerprint } from './found/fingerprint.ts';
import { componentsOf } from './folder-files.ts';
import { upscalersIn } from '../upscale/on-disk.ts';
import { type ModelLayout, readLayout } from './layout.ts';

export type RegistryEntry = {
  layout: ModelLayout;
  info: ModelInfo;
  /** the folder of upscaling networks */
  upscalersDir: string;
};

export type Registry = {
  /** Every readable model, by name; what is not a model is reported through `onRefused` once. */
  list(): Promise<readonly ModelInfo[]>;
  /** What the last `list` could not use. */
  unusable(): readonly UnusableModel[];
  /**
   * By name, by its path below the models folder, or by an absolute path; `wishes`: networks in place of its own.
   * Throws UserError when there is none.
   */
  find(wanted: string, wishes?: Wishes): Promise<RegistryEntry>;
  /** Through which door an absolute path is opened. */
  kindOf(path: string): Promise<FoundModel['kind']>;
};

/** A layout of a checkpoint names every tensor: some are kept, of all others what people see. */
const KEPT_LAYOUTS = 4;

/** Models whose files are looked at together. */
const AT_A_TIME = 8;

type Seen = { stamp: string; info: ModelInfo; layout: Seeable } | Refusal;
/** what of a layout tells which LoRAs and VAEs are for it */
type Seeable = Pick<ModelLayout, 'beside' | 'latentChannels'>;
type Shelf = {
  stamp: string;
  vaes: Awaited<ReturnType<typeof vaesOnShelf>>;
  upscalers: readonly string[];
};
type Refusal = { stamp: string; error: unknown };

export function openRegistry(
  modelsDir: string,
  onRefused: (path: string, reason: string) => void = () => {},
): Registry {
  const seen = new Map<string, Seen>();
  const kept = new Map<string, RegistryEntry>();
  const upscalersDir = join(modelsDir, 'upscalers');
  const refused = new Map<string, string>();

  /** Anew, or what was read last time where nothing changed. */
  async function read(model: FoundModel, wishes: Wishes): Promise<RegistryEntry> {
    if (model.kind === 'checkpoint') return readCheckpoint(model, wishes);
    if (wishes.vae !== null || wishes.textEncoders.length + (wishes.tokenizers?.length ?? 0) > 0) {
      throw new UserError(say('export-keeps-parts', model.name));
    }
    const layout = await readLayout(model.path);
    const before = kept.get(model.path);
    if (before !== undefined && before.layout.stamp === layout.stamp) return before;
    return keep(model.path, { layout, info: await infoOf(layout) });
  }

  async function readCheckpoint(model: FoundModel, wishes: Wishes): Promise<RegistryEntry> {
    const transformer = await openTransformer(model.path, modelsDir, wishes);
    if (transformer !== null) return readTransformer(model, transformer, wishes);
    const opened = await openCheckpoint(model.path);
    const { layout: own, vae } = await layoutOfCheckpoint(opened, modelsDir, wishes);
    const layout = { ...own, name: model.name };
    const key = `${model.path} ${JSON.stringify(wishes)}`;
    const before = kept.get(key);
    if (before !== undefined && before.layout.stamp === layout.stamp) return before;
    const notes = notesOf(opened.info, vae?.how ?? null);
    return keep(key, { layout, info: { ...(await infoOf(layout)), checkpoint: notes } });
  }

  async function readTransformer(
    model: FoundModel,
    opened: OpenedTransformer,
    wishes: Wishes,
  ): Promise<RegistryEntry> {
    const layout = { ...layoutOfTransformer(opened, modelsDir), name: model.name };
    const key = `${model.path} ${JSON.stringify(wishes)}`;
    const before = kept.get(key);
    if (before !== undefined && before.layout.stamp === layout.stamp) return before;
    return keep(key, { layout, info: await infoOf(layout) });
  }

  async function keep(
    key: string,
    { layout, info }: Pick<RegistryEntry, 'layout' | 'info'>,
  ): Promise<RegistryEntry> {
    const upscalers = await upscalersIn(upscalersDir);
    const entry = { layout, info: { ...info, upscalers }, upscalersDir };
    kept.delete(key);
    kept.set(key, entry);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_LAYOUTS) break;
      kept.delete(oldest);
    }
    return entry;
  }

  /** What people see of it; a file is not looked into again as long as it and what lies beside it stay. */
  async function look(model: FoundModel, shelf: Shelf): Promise<ModelInfo> {
    const stamp = `${await stampOf(model)} ${shelf.stamp}`;
    let known = seen.get(model.path);
    if (known?.stamp !== stamp) {
      known = await read(model, NO_WISHES).then(
        ({ info, layout: { beside, latentChannels } }) => ({
          stamp,
          info,
          layout: { beside, latentChannels },
        }),
        (error: unknown) => ({ stamp, error }),
      );
      seen.set(model.path, known);
    }
    if ('error' in known) throw known.error;
    const { info, layout } = known;
    const { beside, latentChannels } = layout;
    const vaes = shelf.vaes.filter((vae) => vae.latentChannels === latentChannels);
    return {
      ...info,
      upscalers: shelf.upscalers,
      loras: await loraNames(beside, noticed),
      loraAliases: await loraAliases(beside),
      loraHashes: await loraMarks(beside),
      ...(info.checkpoint && { vaes: vaes.map(({ name }) => name) }),
    };
  }

  let unusable: readonly UnusableModel[] = [];
  let shelfBefore: Shelf | null = null;

  async function shelfNow(): Promise<Shelf> {
    const stamp = await shelfStamp(modelsDir);
    const upscalers = await upscalersIn(upscalersDir);
    const vaes = shelfBefore?.stamp === stamp ? shelfBefore.vaes : await vaesOnShelf(modelsDir);
    shelfBefore = { stamp, vaes, upscalers };
    return shelfBefore;
  }

  const noticed = (path: string): void => refuse(path, say('links-in-a-circle', path).words);

  /** Told once. */
  function refuse(path: string, reason: string): void {
    if (refused.get(path) !== reason) onRefused(path, reason);
    refused.set(path, reason);
  }

  /** Some at a time, so that one's files are read while another's names are sorted. */
  async function lookAll(found: readonly FoundModel[], shelf: Shelf) {
    const looked: (() => ModelInfo)[] = [];
    for (let from = 0; from < found.length; from += AT_A_TIME) {
      const some = found.slice(from, from + AT_A_TIME).map((model) => look(model, shelf));
      for (const result of await Promise.allSettled(some)) {
        looked.push(() => {
          if (result.status === 'rejected') throw result.reason;
          return result.value;
        });
      }
    }
    return looked;
  }

  async function scan(): Promise<readonly ModelInfo[]> {
    const infos = new Map<string, ModelInfo>();
    const cannot: UnusableModel[] = [];
    const found = await findModels(modelsDir, noticed);
    const shelf = await shelfNow();
    const looked = await lookAll(found, shelf);
    for (const [i, model] of found.entries()) {
      try {
        const first = infos.get(model.name);
        const info = looked[i]?.();
        if (info === undefined) continue;
        if (first !== undefined) {
          throw new UserError(say('model-name-twice', model.name, first.folder, model.path));
        }
        infos.set(model.name, info);
        refused.delete(model.path);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        refuse(model.path, reason);
        const said = error instanceof UserError ? error.said : [];
        if (said.length > 0) cannot.push({ name: basename(model.path), said });
      }
    }
    unusable = cannot;
    const there = new Set(found.map(({ path }) => path));
    for (const path of seen.keys()) if (!there.has(path)) seen.delete(path);
    return [...infos.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Callers that come while the folder is being read share the reading. */
  let scanning: Promise<readonly ModelInfo[]> | null = null;

  return {
    list() {
      scanning ??= scan().finally(() => {
        scanning = null;
      });
      return scanning;
    },
    unusable: () => unusable,
    kindOf: async (path) => (await modelAt(path)).kind,
    async find(wanted, wishes = NO_WISHES) {
      if (isAbsolute(wanted)) return read(await modelAt(wanted), wishes);
      const models = await findModels(modelsDir);
      const model = models.find(
        ({ name, path }) =>
          name === wanted || basename(path) === wanted || pathBelow(modelsDir, path) === wanted,
      );
      if (model !== undefined) return read(model, wishes);
      const names = models.map(({ name }) => name).join(', ');
      throw new UserError(
        names === '' ? say('no-model-at-all', wanted, modelsDir) : say('no-model', wanted, names),
      );
    },
  };
}

/** As people write it, without the ending: checkpoints/anime/name */
function pathBelow(modelsDir: string, path: string): string {
  return relative(modelsDir, path)
    .replaceAll(sep, '/')
    .replace(/\.(?:safetensors|sft)$/i, '');
}

async function modelAt(path: string): Promise<FoundModel> {
  const info = await stat(path).catch(() => null);
  const isFolder = info?.isDirectory() ?? false;
  const isCheckpoint = !isFolder || (await isDiffusersFolder(path)) || !(await hasNetworks(path));
  return { path, name: checkpointName(path), kind: isCheckpoint ? 'checkpoint' : 'onnx' };
}

async function stampOf({ path, name, kind }: FoundModel): Promise<string> {
  const info = await stat(path).catch(() => null);
  if (info === null) return 'absent';
  if (!info.isDirectory()) return `${info.size}@${info.mtimeMs} ${await sidecarStamp(path)}`;
  const components = kind === 'onnx' ? null : await componentsOf(path, name).catch(() => null);
  // ONNX folders say by themselves what changed: see read
  if (components === null) return `${performance.now()}`;
  const parts = [...components].map(([id, { stamp }]) => `${id}:${stamp}`);
  return `${parts.join()} ${info.mtimeMs} ${await sidecarStamp(path)}`;
}

async function infoOf(layout: ModelLayout): Promise<ModelInfo> {
  return {
    name: layout.name,
    folder: layout.folder,
    hash: await fingerprint(`${layout.folder} ${layout.stamp}`, layout.denoiser),
    family: layout.family,
    inpainting: layout.inpainting,
    safetyChecker: layout.safetyChecker !== null,
    sizeFactor: layout.sizeFactor,
    ...(layout.transformer && { leastSide: 2 * layout.sizeFactor }),
    network: {
      schedulerConfig: layout.schedulerConfig,
      guidesItself: layout.guidanceEmbedding !== null,
      textEncoders: layout.textEncoders.length + (layout.transformer?.encoders.length ?? 0),
      ...(layout.transformer && { guidance: layout.transformer.guidance }),
    },
    nativeSize: layout.nativeSize,
    defaults: { ...familyNamed(layout.family).usual(layout.fewSteps), ...layout.ownDefaults },
  };
}

function notesOf(info: CheckpointInfo, vae: Said | null): NonNullable<ModelInfo['checkpoint']> {
  return {
    dtype: dtypeInWords(info),
    prediction: info.prediction,
    zeroTerminalSnr: info.zeroTerminalSnr,
    vae,
  };
}
