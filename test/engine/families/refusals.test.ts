/** What people get wrong about diffusion transformers is told in a sentence. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import { ignoredGuidance } from '../../../src/engine/guidance/ignored.ts';
import { TRANSFORMERS } from '../../../src/engine/families/families.ts';
import { SAMPLERS } from '../../../src/engine/names.ts';
import { SAMPLER_TABLE } from '../../../src/engine/samplers/samplers.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { planPasses } from '../../../src/engine/pipeline/read.ts';
import { fitRecipe } from '../../../src/engine/recipe.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { goldenModel } from '../../support/golden/golden-dit.ts';
import { tinyTensor, writeRaw } from '../../support/models/tiny-tensors.ts';

const told = (pattern: RegExp) => (error: unknown) =>
  error instanceof UserError && pattern.test(error.message);

test('a transformer alone names the file it lacks, its usual name and its size', async (t) => {
  const folder = await goldenModel(t, 'zimage/single');
  if (folder === null) return;
  const file = path.join(folder, 'diffusion_models/z_image_turbo_bf16.safetensors');
  const vae = path.join(folder, 'vae/ae.safetensors');
  const texts = [path.join(folder, 'text_encoders/qwen_3_4b.safetensors')];
  const registry = openRegistry(path.join(folder, 'diffusion_models'));
  await assert.rejects(
    registry.find(file, { vae, textEncoders: [] }),
    told(/needs Qwen3 4B \(qwen_3_4b\.safetensors, 8 GB\).*--text-encoder/),
  );
  await assert.rejects(
    registry.find(file, { vae: null, textEncoders: texts }),
    told(/needs ae\.safetensors \(335 MB\).*--vae/),
  );
  await assert.rejects(
    registry.find(file, { vae, textEncoders: [vae] }),
    told(/no text encoder that Z-Image reads prompts with/),
  );
  await assert.rejects(registry.find(texts[0]!), UserError);
});

test('a GGUF of another architecture, or of a text encoder, is called what it is', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gguf-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const text = (value: string): Buffer =>
    Buffer.concat([
      Buffer.from(BigUint64Array.of(BigInt(value.length)).buffer),
      Buffer.from(value),
    ]);
  const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  const file = path.join(folder, 'llm.gguf');
  const counts = Buffer.from(BigUint64Array.of(0n, 1n).buffer);
  const key = Buffer.concat([text('general.architecture'), u32(8), text('llama')]);
  await writeFile(file, Buffer.concat([Buffer.from('GGUF'), u32(3), counts, key]));
  await assert.rejects(openRegistry(folder).find(file), told(/architecture "llama".*Z-Image/));
});

test('seventeen references, and guidance for a model that was distilled to do without', async (t) => {
  const folder = await goldenModel(t, 'klein/diffusers');
  if (folder === null) return;
  const entry = await openRegistry(path.dirname(folder)).find(folder);
  const references = Array.from({ length: 17 }, () => new Uint8Array(4));
  assert.throws(
    () => parseRequest({ prompt: 'a', references }, entry.info),
    told(/At most 16 reference pictures.*not 17/),
  );
  const [note] = ignoredGuidance({ guidanceScale: 4 }, entry.layout);
  assert.match(note?.words ?? '', /distilled to paint without guidance/);
  assert.equal(entry.info.network?.guidance, 'none');
  assert.equal(entry.info.unguided, true);
  assert.deepEqual(ignoredGuidance({ guidanceScale: 1, distilledGuidance: 0 }, entry.layout), []);
  assert.equal(ignoredGuidance({ guidanceScale: 1, distilledGuidance: 3 }, entry.layout).length, 1);
});

test('a flow may be asked for what its noise levels can be walked by', () => {
  const walkable = SAMPLERS.filter((name) => SAMPLER_TABLE[name].flow);
  for (const { limits } of TRANSFORMERS) assert.deepEqual(limits.samplers, walkable);
});

test('a text that the encoder cannot take is refused with both figures', async (t) => {
  const folder = await goldenModel(t, 'zimage/diffusers');
  if (folder === null) return;
  const entry = await openRegistry(path.dirname(folder)).find(folder);
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const model = await loadModel(entry, options);
  t.after(() => model.release());
  const { emphasis, profile, clipSkip, steps } = parseRequest({ prompt: 'a' }, entry.info);
  const words = { emphasis, profile, clipSkip, steps, negative: false };
  await assert.rejects(
    model.textEncoder.encode('fox '.repeat(600), words),
    told(/takes 512 tokens, this one has \d+/),
  );
});

test('what T5 leaves out of a long text is told; a schedule may hold infinities', async (t) => {
  const folder = await goldenModel(t, 'flux-schnell/diffusers');
  if (folder === null) return;
  const config = path.join(folder, 'scheduler/scheduler_config.json');
  const scheduler = `{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 2.5, "lambda_min_clipped": -Infinity}`;
  await writeFile(config, scheduler);
  const entry = await openRegistry(path.dirname(folder)).find(folder);
  assert.equal(entry.layout.schedulerConfig['shift'], 2.5);
  const options = { device: 'cpu', clock: { ms: 0 }, warn: () => {} } as const;
  const model = await loadModel(entry, options);
  t.after(() => model.release());
  const read = async (profile: string): Promise<unknown> => {
    const request = parseRequest({ prompt: 'a', profile }, entry.info);
    const { emphasis, clipSkip, steps } = request;
    const words = { emphasis, profile: request.profile, clipSkip, steps, negative: false };
    const { parts } = await model.textEncoder.encode('fox '.repeat(600), words);
    const { tokens, cut } = parts[0]!.schedule[0]!.text;
    return { tokens, cut: cut && { ...cut, found: cut.found > 600 } };
  };
  // the makers' own programs fill up to 256, the pipeline to twice as many
  const cut = { reader: 'T5', found: true };
  assert.deepEqual(await read('comfy'), { tokens: 256, cut: { ...cut, most: 256 } });
  assert.deepEqual(await read('diffusers'), { tokens: 512, cut: { ...cut, most: 512 } });
  // a registry that has seen the folder notices what is edited in it
  const registry = openRegistry(path.dirname(folder));
  const [before] = await registry.list();
  await writeFile(config, scheduler.replace('2.5', '6.25'));
  const [after] = await registry.list();
  assert.notEqual((await registry.find(folder)).layout.stamp, entry.layout.stamp);
  assert.deepEqual(
    [before, after].map((info) => info?.network?.schedulerConfig['shift']),
    [2.5, 6.25],
  );
  await writeFile(config, '{"shift": 2.5');
  await assert.rejects(
    openRegistry(path.dirname(folder)).find(folder),
    told(/scheduler_config\.json/),
  );
});

test('weights quantised in another way are refused by the tensor that tells', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'foreign-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const layer = 'double_blocks.0.img_attn.qkv';
  const own = [['double_blocks.0.img_mod.lin.weight', [8, 4]] as const];
  const kinds = { '.weight.absmax': [16], '.weight_scale': [8, 2], '.wscales': [2, 8] };
  for (const [ending, shape] of Object.entries(kinds)) {
    const file = path.join(folder, `flux${ending}.safetensors`);
    const all = [...own, [`${layer}${ending}`, shape] as const];
    await writeRaw(file, new Map(all.map(([name, sides]) => [name, tinyTensor(name, sides)])));
    await assert.rejects(
      openRegistry(folder).find(file),
      told(/quantised in a way.*double_blocks\.0\.img_attn\.qkv/),
    );
  }
});

test('a picture larger than the stored table of places is refused with the figure', async (t) => {
  const folder = await goldenModel(t, 'sd3-no-t5/diffusers-no-t5');
  if (folder === null) return;
  const { entry, ...model } = await loadModel(
    await openRegistry(path.dirname(folder)).find(folder),
    { device: 'cpu', clock: { ms: 0 }, warn: () => {} },
  );
  t.after(() => model.release());
  const words = { prompt: 'a', steps: 1, profile: 'diffusers' };
  const plan = (width: number) => {
    const request = parseRequest({ ...words, width, height: 64 }, entry.info);
    return planPasses(request, { model: { ...model, entry }, refiner: null });
  };
  assert.equal(plan(640).steps, 1);
  assert.throws(() => plan(656), told(/656 is more than .* has places for: 640 pixels/));
});

test('a recipe of another model leaves behind what this one does not take, and says so', async (t) => {
  const folder = await goldenModel(t, 'klein/diffusers');
  if (folder === null) return;
  const { info } = await openRegistry(path.dirname(folder)).find(folder);
  const input = {
    prompt: 'a fox',
    negativePrompt: 'blurry',
    guidanceScale: '7',
    steps: '150',
    sampler: 'DPM++ 2M SDE Karras',
  };
  const recipe = { input: { ...input, model: 'dream_xl' }, loras: [], notes: [] } as never;
  const { input: fitted, notes } = await fitRecipe(recipe, info, [info]);
  const request = parseRequest(fitted, info);
  assert.deepEqual(
    [request.guidanceScale, request.negativePrompt, request.steps, request.sampler],
    [1, '', 100, 'flow_euler'],
  );
  const said = notes.map(({ words }) => words).join('\n');
  for (const what of [/cfg 7/, /negative prompt/, /150/, /dpmpp_2m_sde karras/]) {
    assert.match(said, what);
  }
  // the model's own picture is painted again as it was
  const own = {
    input: { prompt: 'a fox', guidanceScale: 4, model: info.name },
    loras: [],
    notes: [],
  };
  assert.equal((await fitRecipe(own as never, info, [info])).input.guidanceScale, 4);
});
