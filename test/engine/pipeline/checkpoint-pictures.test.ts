/**
 * Pictures from checkpoints beside those of diffusers: every form that people have of a model gives the same one.
 * CHECKPOINT_CASES=all paints every case with every complete form, which takes many minutes and some gigabytes of
 * scratch space.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
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
  type Maker,
} from '../../support/golden/checkpoint-cases.ts';
import { maxDifference } from '../../support/golden/golden.ts';
import { comparePictures } from '../../support/golden/golden-cases.ts';

const clock = { ms: 0 };

/** One model and form each, with some of its cases: what differs between forms, and what between families. */
const SHORT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sd1: {
    'ldm-fp16': ['pndm', 'lora_dpmpp', 'i2i_euler'],
    'ldm-bf16': ['bf16_euler'],
    'ldm-novae': ['ddim_no_cfg_tall'],
    'diffusers-sharded-fp16': ['dpmpp_2m_karras_clip_skip1'],
  },
  'sd1-inpaint': { 'ldm-nuisance': ['ddim_strength'] },
  sd2: { 'diffusers-fp16': ['euler_a_clip_skip1'] },
  'sd2-v': { 'ldm-fp16': ['ddim_v'] },
  sdxl: { 'ldm-nuisance': ['euler', 'lora_dpmpp'], diffusers: ['ddim_two_prompts'] },
  'sdxl-refiner': { 'ldm-fp16': ['i2i_euler', 'base_to_refiner'] },
  'sdxl-inpaint': { 'ldm-fp16': ['euler'] },
  'sdxl-v': { 'ldm-fp16': ['euler_zsnr'] },
};

const isFull = process.env['CHECKPOINT_CASES'] === 'all';

function wanted(model: string, form: string, name: string): boolean {
  return isFull || (SHORT[model]?.[form]?.includes(name) ?? false);
}

async function scratchFor(t: TestContext): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  return scratch;
}

/** The file that is the model, or the folder. */
async function modelIn(folder: string): Promise<string> {
  const [file] = (await readdir(folder)).filter((name) => /^[^.]+\.safetensors$/.test(name));
  return file === undefined ? folder : join(folder, file);
}

/** What read the prompts: as long as it is held, models that have the same vocabulary do not read that again. */
const readers: LoadedModel['textEncoder'][] = [];

async function load(path: string, { request, lora }: CheckpointCase): Promise<LoadedModel> {
  const entry = await openRegistry(dirname(path)).find(path);
  const uses = lora === null ? [] : promptOf(request).loras;
  const loras = await chooseLoras(uses, entry.layout.beside);
  const options = { device: 'cpu', clock, warn: () => {} } as const;
  const model = await loadModel(entry, options, loras.map(loraEdit));
  readers.push(model.textEncoder);
  return model;
}

type Load = (path: string, c: CheckpointCase) => Promise<LoadedModel>;

/** Opens a model once for all cases that take it with the same LoRA, until the test ends. */
function loadedOnce(t: TestContext): Load {
  const open = new Map<string, Promise<LoadedModel>>();
  t.after(async () => {
    for (const model of open.values()) await (await model).release();
  });
  return (path, c) => {
    const key = JSON.stringify([path, c.lora && promptOf(c.request).loras]);
    const model = open.get(key) ?? load(path, c);
    open.set(key, model);
    return model;
  };
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

/** LoRAs lie beside the model's folder, in loras/. */
async function addLora(
  maker: Maker,
  scratch: string,
  model: string,
  folder: string,
): Promise<void> {
  if (!maker.forms.get(model)?.includes('lora')) return;
  await cp(maker.make(scratch, model, 'lora'), join(folder, 'loras'), { recursive: true });
}

const maker = await checkpointMaker();

for (const [model, forms] of maker?.forms ?? []) {
  for (const form of forms.filter(isComplete)) {
    const weights = form === 'ldm-bf16' ? 'bf16' : 'fp16';
    if (!isFull && SHORT[model]?.[form] === undefined) continue;
    test(`${model} as ${form} paints as diffusers does`, async (t) => {
      assert.ok(maker);
      const scratch = await scratchFor(t);
      const folder = maker.make(scratch, model, form);
      await addLora(maker, scratch, model, folder);
      const path = await modelIn(folder);
      const loaded = loadedOnce(t);
      for (const c of await checkpointPictures(model)) {
        if (c.weights !== weights || !wanted(model, form, c.name)) continue;
        const base = c.base && (await modelIn(maker.make(scratch, c.base, 'ldm-fp16')));
        await t.test(c.name, async () => {
          await check(c, await loaded(path, c), base ? await loaded(base, c) : null);
        });
      }
    });
  }
}

test('reference checkpoints', { skip: maker !== null }, (t) => {
  t.skip('they are not beside the checkout');
});
