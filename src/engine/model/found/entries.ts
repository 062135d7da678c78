/** One model of the folder, read: its layout, and what people see of it. */
import { join } from 'node:path';
import type { CheckpointInfo } from '../../checkpoint/checkpoint.ts';
import type { Wishes } from '../../checkpoint/companions.ts';
import { dtypeInWords } from '../../checkpoint/describe.ts';
import { openCheckpoint } from '../../checkpoint/detect.ts';
import { UserError } from '../../errors.ts';
import { familyNamed } from '../../families/families.ts';
import { guidanceRule } from '../../guidance/picture-guidance.ts';
import { layoutOfTransformer } from '../../families/opening/model-layout.ts';
import {
  openTransformer,
  type OpenedTransformer,
} from '../../families/opening/open-transformer.ts';
import type { ModelInfo, ModelNetwork } from '../../request.ts';
import type { Said } from '../../said.ts';
import { say } from '../../sentences.ts';
import { upscalersIn } from '../../upscale/on-disk.ts';
import { layoutOfCheckpoint } from '../checkpoint-layout.ts';
import { readLayout } from '../folder-layout.ts';
import type { ModelLayout } from '../layout.ts';
import type { FoundModel } from './find-models.ts';
import { fingerprint } from './fingerprint.ts';

export type RegistryEntry = {
  layout: ModelLayout;
  info: ModelInfo;
  /** the folder of upscaling networks */
  upscalersDir: string;
};

/** A layout of a checkpoint names every tensor: some are kept, of all others what people see. */
const KEPT_LAYOUTS = 4;

/**
 * Reads a model anew, or hands out what was read last time where nothing changed.
 * @throws UserError for a model that cannot be read, or a wish that does not fit
 */
export type ReadModel = (model: FoundModel, wishes: Wishes) => Promise<RegistryEntry>;

/**
 * Makes the reader of what lies in a models folder. The last four layouts are kept, so that one model under several
 * wishes is read once.
 */
export function createReader(modelsDir: string): ReadModel {
  const kept = new Map<string, RegistryEntry>();
  const upscalersDir = join(modelsDir, 'upscalers');

  async function readExport(model: FoundModel, wishes: Wishes): Promise<RegistryEntry> {
    if (wishes.vae !== null || wishes.textEncoders.length + (wishes.tokenizers?.length ?? 0) > 0) {
      throw new UserError(say('export-keeps-parts', model.name));
    }
    const layout = await readLayout(model.path);
    return entryOf(model.path, layout);
  }

  async function readCheckpoint(model: FoundModel, wishes: Wishes): Promise<RegistryEntry> {
    const transformer = await openTransformer(model.path, modelsDir, wishes);
    if (transformer !== null) return readTransformer(model, transformer, wishes);
    const opened = await openCheckpoint(model.path);
    const { layout, vae } = await layoutOfCheckpoint(opened, modelsDir, wishes);
    const key = `${model.path} ${JSON.stringify(wishes)}`;
    return entryOf(key, { ...layout, name: model.name }, () => ({
      checkpoint: notesOf(opened.info, vae?.how ?? null),
    }));
  }

  function readTransformer(
    model: FoundModel,
    opened: OpenedTransformer,
    wishes: Wishes,
  ): Promise<RegistryEntry> {
    const layout = { ...layoutOfTransformer(opened, modelsDir), name: model.name };
    return entryOf(`${model.path} ${JSON.stringify(wishes)}`, layout);
  }

  /** `more`: what people see beside what every layout tells. */
  async function entryOf(
    key: string,
    layout: ModelLayout,
    more: () => Partial<ModelInfo> = () => ({}),
  ): Promise<RegistryEntry> {
    const before = kept.get(key);
    if (before !== undefined && before.layout.stamp === layout.stamp) return before;
    const info = { ...(await infoOf(layout)), ...more() };
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

  return (model, wishes) =>
    model.kind === 'checkpoint' ? readCheckpoint(model, wishes) : readExport(model, wishes);
}

async function infoOf(layout: ModelLayout): Promise<ModelInfo> {
  const { limits, usual } = familyNamed(layout.family);
  const own = { ...usual(layout.fewSteps), ...layout.ownDefaults };
  // whatever its keeper says of a scale that it never hears
  const defaults = layout.transformer?.guidance === 'none' ? { ...own, guidanceScale: 1 } : own;
  return {
    name: layout.name,
    folder: layout.folder,
    hash: await fingerprint(`${layout.folder} ${layout.stamp}`, layout.denoiser),
    family: layout.family,
    inpainting: layout.inpainting,
    safetyChecker: layout.safetyChecker !== null,
    sizeFactor: layout.sizeFactor,
    ...(layout.transformer && { leastSide: 2 * layout.sizeFactor }),
    ...(layout.mostSide !== undefined && { mostSide: layout.mostSide }),
    ...((layout.transformer?.references || layout.edits) && { references: limits.references }),
    ...(layout.edits && { edits: true }),
    ...(isUnguided(layout, defaults) && { unguided: true }),
    network: {
      schedulerConfig: layout.schedulerConfig,
      guidesItself: layout.guidanceEmbedding !== null,
      textEncoders: layout.textEncoders.length + (layout.transformer?.encoders.length ?? 0),
      ...guidanceOf(layout),
    },
    nativeSize: layout.nativeSize,
    defaults,
  };
}

/** Distilled to do without, by what its folder or its usual scale says; one that is told a scale of its own is guided by that. */
function isUnguided(
  { transformer }: ModelLayout,
  { guidanceScale }: ModelInfo['defaults'],
): boolean {
  if (transformer === undefined) return false;
  return transformer.guidance === 'none' || (guidanceScale <= 1 && !transformer.isGuided);
}

function guidanceOf({
  transformer,
  edits,
  inpainting,
}: ModelLayout): Pick<ModelNetwork, 'guidance' | 'distilledOverPictures'> {
  const rule = guidanceRule({ transformer, edits });
  const isPlain = transformer?.isGuided && transformer.references === null && !inpainting;
  const usual = isPlain ? transformer.family.distilledOverPictures : undefined;
  return {
    ...(rule === 'plain' && transformer === undefined ? {} : { guidance: rule }),
    ...(usual !== undefined && { distilledOverPictures: usual }),
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
