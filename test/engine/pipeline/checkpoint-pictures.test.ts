/**
 * Pictures from checkpoints beside those of diffusers: one form of each model, since all of them open to the same
 * numbers (test/engine/checkpoint/golden-checkpoints.test.ts). CHECKPOINT_CASES=all paints every case with every
 * complete form, which takes many minutes and some gigabytes of scratch space.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { loraEdit } from '../../../src/engine/lora/lora-edit.ts';
import { chooseLoras } from '../../../src/engine/lora/loras.ts';
import { promptOf } from '../../../src/engine/lora/tags.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import type { GenerateResult } from '../../../src/engine/result.ts';
import { readModelSchedule } from '../../../src/engine/sampling/schedule.ts';
import {
  type CheckpointCase,
  checkpointMaker,
  checkpointPictures,
  isComplete,
  keptForm,
} from '../../support/golden/checkpoint-cases.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { comparePictures } from '../../support/golden/golden-cases.ts';

const clock = { ms: 0 };

/** One model and form each, with some of its cases: what differs between families. */
const SHORT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sd1: {
    'ldm-nuisance': ['pndm', 'i2i_euler', 'ddim_no_cfg_tall', 'dpmpp_2m_karras_clip_skip1'],
    'ldm-bf16': ['bf16_euler'],
  },
  'sd1-inpaint': { 'ldm-nuisance': ['ddim_strength'] },
  sd2: { 'diffusers-fp16': ['euler_a_clip_skip1'] },
  'sd2-v': { 'ldm-nuisance': ['ddim_v'] },
  sdxl: { 'ldm-nuisance': ['euler', 'lora_dpmpp', 'ddim_two_prompts'] },
  'sdxl-refiner': { 'ldm-nuisance': ['i2i_euler', 'base_to_refiner'] },
  'sdxl-inpaint': { 'ldm-nuisance': ['euler'] },
  'sdxl-v': { 'ldm-nuisance': ['euler_zsnr'] },
};

const isFull = process.env['CHECKPOINT_CASES'] === 'all';

function wanted(model: string, form: string, name: string): boolean {
  return isFull || (SHORT[model]?.[form]?.includes(name) ?? false);
}

/** The file that is the model, or the folder. */
async function modelIn(folder: string): Promise<string> {
  const [file] = (await readdir(folder)).filter((name) => /^[^.]+\.safetensors$/.test(name));
  return file === undefined ? folder : join(folder, file);
}

/** What read the prompts: as long as it is held, models that have the same vocabulary do not read that again. */
const readers: LoadedModel['textEncoder'][] = [];

async function load(
  path: string,
  loraFolder: string,
  { request, lora }: CheckpointCase,
): Promise<LoadedModel> {
  const entry = await openRegistry(dirname(path)).find(path);
  const uses = lora === null ? [] : promptOf(request).loras;
  const loras = await chooseLoras(uses, [loraFolder]);
  const options = { device: 'cpu', clock, warn: () => {} } as const;
  const model = await loadModel(entry, options, loras.map(loraEdit));
  readers.push(model.textEncoder);
  return model;
}

const open = new Map<string, Promise<LoadedModel>>();
async function releaseAll(): Promise<void> {
  for (const model of open.values()) await (await model).release();
  open.clear();
}
after(releaseAll);

/** Opens a model once for all cases that take it with the same LoRA. `loraFolder`: where its LoRAs lie, in loras/. */
function loaded(path: string, loraFolder: string, c: CheckpointCase): Promise<LoadedModel> {
  const key = JSON.stringify([path, c.lora && promptOf(c.request).loras]);
  const model = open.get(key) ?? load(path, loraFolder, c);
  open.set(key, model);
  return model;
}

/** With the scheduler that the reference ran with: a folder's own where the model has one. */
function scheduled(model: LoadedModel, { scheduler }: CheckpointCase): LoadedModel {
  assert.ok(scheduler);
  return { ...model, schedule: { ...model.schedule, ...readModelSchedule(scheduler) } };
}

function paint(
  c: CheckpointCase,
  model: LoadedModel,
  refiner: LoadedModel | null,
): Promise<GenerateResult> {
  const options = { previews: false, sendDenoised: false, keepLatents: true };
  const signal = new AbortController().signal;
  const hooks = { signal, clock, loadMs: 0, onProgress: () => {} };
  return generate(c.request, scheduled(model, c), options, hooks, refiner && scheduled(refiner, c));
}

async function check(
  c: CheckpointCase,
  own: LoadedModel,
  first: LoadedModel | null,
): Promise<void> {
  const result = await paint(c, first ?? own, first === null ? null : own);
  assert.ok(result.latents && c.latents && c.png);
  const { scale, shift } = own.entry.layout.latentScale;
  const decoded = result.latents.data.map((value) => value / scale + shift);
  const error = maxDifference(decoded, c.latents);
  assert.ok(error <= c.tolerance, `latents differ by ${error}, allowed ${c.tolerance}`);
  const [image] = result.images;
  assert.ok(image);
  const { levels, psnr } = await comparePictures(image.png, c.png);
  assert.ok(levels <= 1 && psnr >= 60, `${levels} levels, ${psnr} dB`);
}

const maker = await checkpointMaker();
const scratch = await mkdtemp(join(tmpdir(), 'checkpoints-'));
after(() => rm(scratch, { recursive: true, force: true }));

/** The file or folder of a form; all forms of all models are too much to keep. */
async function pathOf(model: string, form: string): Promise<string> {
  return modelIn(isFull ? maker!.make(scratch, model, form) : await keptForm(maker!, model, form));
}

for (const [model, forms] of maker?.forms ?? []) {
  for (const form of forms.filter(isComplete)) {
    const weights = form === 'ldm-bf16' ? 'bf16' : 'fp16';
    if (!isFull && SHORT[model]?.[form] === undefined) continue;
    test(`${model} as ${form} paints as diffusers does`, async (t) => {
      assert.ok(maker);
      if (isFull) t.after(releaseAll);
      const path = await pathOf(model, form);
      const loraFolder = join(scratch, model);
      if (forms.includes('lora') && !existsSync(join(loraFolder, 'loras'))) {
        await rename(maker.make(scratch, model, 'lora'), join(loraFolder, 'loras'));
      }
      for (const c of await checkpointPictures(model)) {
        if (c.weights !== weights || !wanted(model, form, c.name)) continue;
        await t.test(c.name, async () => {
          const own = await loaded(path, loraFolder, c);
          const base = c.base && (await pathOf(c.base, 'ldm-nuisance'));
          await check(c, own, base === null ? null : await loaded(base, loraFolder, c));
        });
      }
    });
  }
}

test('reference checkpoints', { skip: maker !== null }, (t) => {
  t.skip('they are not beside the checkout');
});
