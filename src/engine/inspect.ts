/** What files and folders are, for people who wonder: models, parts of models, and damage, each in plain words. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type CheckpointDescription, describeCheckpoint } from './checkpoint/describe.ts';
import { openCheckpoint } from './checkpoint/detect.ts';
import { UserError } from './errors.ts';
import { describeTransformer, type TransformerDescription } from './families/opening/describe.ts';
import { layoutOfCheckpoint } from './model/checkpoint-layout.ts';
import { openRegistry, type Registry } from './model/registry.ts';
import type { ModelInfo } from './request.ts';
import { say } from './sentences.ts';

export type Inspected =
  | ({ path: string } & CheckpointDescription & {
        /** bytes of all its files */
        bytes: number;
        /** where its VAE comes from when it is not its own; null: it has one, or none is at hand */
        vae: { path: string; how: string } | null;
        /** the sentence about what is missing; null: it can paint */
        needs: string | null;
      })
  | ({ path: string } & TransformerDescription)
  | ({ path: string; layout: 'onnx' } & Omit<ModelInfo, 'loras'>)
  | { path: string; refused: { code: string; why: string } };

/** `path` as it was given; `modelsDir`: whose vae/ and text_encoders/ help out. Never throws what a file is to blame for. */
export async function inspect(path: string, modelsDir: string): Promise<Inspected> {
  try {
    return await look(path, modelsDir);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { path, refused: { code: error.said[0]?.code ?? '', why: error.message } };
  }
}

async function look(path: string, modelsDir: string): Promise<Inspected> {
  const registry = openRegistry(modelsDir);
  const absolute = await pathOf(path, registry);
  if ((await registry.kindOf(absolute)) === 'onnx') {
    return { path, layout: 'onnx', ...(await registry.find(absolute)).info };
  }
  const transformer = await describeTransformer(absolute, modelsDir);
  if (transformer !== null) return { path, ...transformer };
  const opened = await openCheckpoint(absolute);
  const described = { path, ...describeCheckpoint(opened.info), bytes: opened.bytes };
  try {
    const { vae } = await layoutOfCheckpoint(opened, modelsDir);
    const told = vae === null ? null : { path: vae.path, how: vae.how.words };
    return { ...described, vae: told, needs: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...described, vae: null, needs: error.message };
  }
}

/** A model of the folder may be called by its name where no file has it. */
async function pathOf(given: string, registry: Registry): Promise<string> {
  const absolute = resolve(given);
  if ((await stat(absolute).catch(() => null)) !== null) return absolute;
  const named = await registry.find(given).catch(() => null);
  if (named !== null) return named.layout.folder;
  throw new UserError(say('file-is-absent', given));
}
