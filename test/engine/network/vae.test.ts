import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadModel } from '../../../src/engine/model/loader.ts';
import { readLayout } from '../../../src/engine/model/folder-layout.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import { decodeLatents, scaleLatents } from '../../../src/engine/network/vae.ts';
import { goldenModels } from '../../support/golden/golden-cases.ts';

const folder = await mkdtemp(join(tmpdir(), 'vae-'));
after(() => rm(folder, { recursive: true }));

const MEANS = [-1.6574, 1.886, -1.383, 2.5155];
const DEVIATIONS = [8.4927, 5.9022, 6.5498, 5.2299];

test('an SDXL VAE whose channels have a mean and a deviation each is scaled by them both ways', async (t) => {
  if (!existsSync(`${goldenModels}/sdxl`)) return t.skip('no SDXL folder here');
  await cp(`${goldenModels}/sdxl`, folder, { recursive: true });
  const file = join(folder, 'vae_decoder/config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const channels = { latents_mean: MEANS, latents_std: DEVIATIONS };
  await writeFile(file, JSON.stringify({ ...config, ...channels, scaling_factor: 0.5 }));
  const layout = await readLayout(folder);
  const model = await loadModel(await openRegistry(tmpdir()).find(folder), {
    device: 'cpu',
    clock: { ms: 0 },
    warn: () => {},
  });
  t.after(() => model.release());

  const mean = Float32Array.from({ length: 4 * 4 }, (_, i) => Math.sin(i) * 3);
  const latents = scaleLatents({ mean, std: null }, layout, null);
  for (const [i, value] of mean.entries()) {
    const channel = Math.floor(i / 4);
    const wanted = ((value - MEANS[channel]!) * 0.5) / DEVIATIONS[channel]!;
    assert.ok(Math.abs(latents[i]! - wanted) < 1e-6);
  }
  let asked: ArrayLike<number | bigint> = [];
  const decoder: typeof model.vaeDecoder = {
    ...model.vaeDecoder,
    run(feeds, outputs) {
      asked = Object.values(feeds)[0]?.data ?? [];
      return model.vaeDecoder.run(feeds, outputs);
    },
  };
  await decodeLatents(decoder, layout, latents, { width: 16, height: 16 }, 'diffusers');
  assert.equal(asked.length, mean.length);
  for (const [i, value] of mean.entries()) assert.ok(Math.abs(Number(asked[i]) - value) < 1e-6);
});
