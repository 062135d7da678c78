/** The tiny diffusion transformers of the reference set: written to a folder of the test, with what diffusers made of them. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, glob, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openTensorFile } from '../../../src/engine/checkpoint/file/tensor-file.ts';
import type { PartTensors, TensorSlice } from '../../../src/engine/checkpoint/tensors.ts';
import { fullSet } from './golden-set.ts';
import { madeOnce } from './made-once.ts';

const maker = new URL('dit/make-models.mjs', fullSet);
/** What the maker makes the weights of. */
const recipes = new URL('dit/models.json', fullSet);

/**
 * Writes `model/form`, a copy of its own for each call, and answers its folder; null, and the test is skipped, where the
 * models are not here.
 */
export async function goldenModel(
  t: TestContext,
  wanted: string,
  into?: string,
): Promise<string | null> {
  if (!existsSync(maker)) {
    t.skip('no reference models here');
    return null;
  }
  const folder = into ?? (await realpath(await mkdtemp(path.join(tmpdir(), 'dit-'))));
  if (into === undefined) t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(await written(wanted), path.join(folder, wanted), { recursive: true });
  return path.join(folder, wanted);
}

/** A form as the maker wrote it, which takes a second: 20 MB that are kept. */
async function written(wanted: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [maker, recipes]) hash.update(await readFile(file));
  const mark = hash.digest('hex').slice(0, 12);
  return madeOnce(path.join(`transformers-${mark}`, wanted), async (empty) => {
    // the script runs only under the path that it finds itself at
    const script = await realpath(fileURLToPath(maker));
    await promisify(execFile)(process.execPath, [script, empty, `--only=${wanted}`]);
    return path.join(empty, wanted);
  });
}

/** All tensors of the .safetensors below a folder, `prefix` taken off their names. */
export async function tensorsBelow(folder: string, prefix = ''): Promise<PartTensors> {
  const all = new Map<string, TensorSlice>();
  for await (const file of glob('**/*.safetensors', { cwd: folder })) {
    for (const [name, tensor] of (await openTensorFile(path.join(folder, file))).tensors) {
      all.set(name.startsWith(prefix) ? name.slice(prefix.length) : name, tensor);
    }
  }
  return all;
}

/** Latents [1,C,h,w] in the order that the pipeline keeps them: as they are, as tokens, or as tokens of patches. */
export function asTokens(
  data: Float32Array,
  shape: readonly number[],
  wanted: readonly number[],
): Float32Array {
  if (wanted.length === 4) return data;
  const [, channels = 0, height = 0, width = 0] = shape;
  const size = wanted[2] === channels ? 1 : 2;
  const columns = width / size;
  const out = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const token = Math.floor(y / size) * columns + Math.floor(x / size);
        const inside = (c * size + (y % size)) * size + (x % size);
        out[token * channels * size * size + inside] = data[(c * height + y) * width + x]!;
      }
    }
  }
  return out;
}
