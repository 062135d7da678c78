/** Weights that are no numbers deep inside a file: its header is right, so that only a run can tell. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RunError } from '../../../src/engine/errors.ts';
import { loadModel } from '../../../src/engine/model/loader.ts';
import type { LoadedModel } from '../../../src/engine/model/loaded-model.ts';
import { ChangedError } from '../../../src/engine/model/model-files.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { generate } from '../../../src/engine/pipeline/pipeline.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { safetensorsOf } from '../checkpoint/file/make-safetensors.ts';
import { miniSd1, type Tensors } from '../checkpoint/mini-checkpoint.ts';

const folder = await mkdtemp(join(tmpdir(), 'darkroom-damaged-'));
after(() => rm(folder, { recursive: true }));

const clock = { ms: 0 };

async function open(tensors: Tensors): Promise<LoadedModel> {
  await writeFile(join(folder, 'x.safetensors'), safetensorsOf(tensors));
  const entry = await openRegistry(folder).find('x');
  return loadModel(entry, { device: 'cpu', clock, warn: () => {} });
}

async function paint(model: LoadedModel): Promise<number> {
  const request = parseRequest(
    { prompt: 'a', width: 64, height: 64, steps: 2, seed: 1 },
    model.entry.info,
  );
  const options = { previews: false, sendDenoised: false, keepLatents: false };
  const hooks = {
    signal: new AbortController().signal,
    clock,
    loadMs: 0,
    onProgress: () => {},
  };
  try {
    return (await generate(request, model, options, hooks)).images.length;
  } finally {
    await model.release();
  }
}

/** The tensor's numbers are all NaN. */
function damaged(name: string): Tensors {
  const tensors = miniSd1();
  const made = tensors[name];
  assert.ok(made, name);
  const count = made.shape.reduce((product, dim) => product * dim, 1);
  return { ...tensors, [name]: { ...made, bytes: new Uint8Array(2 * count).fill(0xff) } };
}

const isSaid = (code: string) => (error: unknown) => {
  assert.ok(error instanceof RunError, String(error));
  assert.equal(error.said[0]?.code, code);
  return true;
};

test('a whole file paints, though its weights are all zeros', async () => {
  assert.equal(await paint(await open(miniSd1())), 1);
});

test('a denoiser with weights that are no numbers does not open', async () => {
  const name = 'model.diffusion_model.output_blocks.1.0.out_layers.3.weight';
  await assert.rejects(open(damaged(name)), isSaid('denoiser-not-finite'));
});

test('a file that was replaced since its header was read is not opened by its old numbers', async () => {
  const file = join(folder, 'y.safetensors');
  await writeFile(file, safetensorsOf(miniSd1()));
  const entry = await openRegistry(folder).find('y');
  const options = { device: 'cpu', clock, warn: () => {} } as const;
  await (await loadModel(entry, options)).release();
  await writeFile(file, safetensorsOf(miniSd1({ channels: [32, 64] })));
  await assert.rejects(loadModel(entry, options), (error) => {
    assert.ok(error instanceof ChangedError);
    return isSaid('model-changed')(error);
  });
  const anew = await openRegistry(folder).find('y');
  assert.equal(await paint(await loadModel(anew, options)), 1);
});

test('a text encoder with such weights is told after the run, and so is a VAE', async () => {
  const text = 'cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias';
  await assert.rejects(open(damaged(text)).then(paint), isSaid('latents-not-finite'));
  const vae = 'first_stage_model.decoder.up.2.block.1.conv1.bias';
  await assert.rejects(open(damaged(vae)).then(paint), isSaid('vae-not-finite'));
});
