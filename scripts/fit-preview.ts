/**
 * Fits the colours of previews for a model whose VAE is its own, and writes preview.json into its folder:
 *   node scripts/run.cjs scripts/fit-preview.ts models/demo
 * Makes pictures of many colours, then solves latents -> mean colour of the pixels below by least squares.
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describeModel, startEngine } from '../src/engine/engine.ts';
import { decodeImage } from '../src/engine/picture/image.ts';
import { fitPreviewFactors, type Sample } from '../src/engine/preview/preview.ts';
import { parseRequest } from '../src/engine/request-codec.ts';

const COLOURS = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'white', 'black'];
const SCENES = [
  'on a plain background',
  'on a meadow',
  'at sunset',
  'at night',
  'by the sea',
  'in snow',
];
const OBJECTS = ['star', 'flower', 'house', 'cat', 'balloon', 'boat', 'tree', 'fish'];

const folder = resolve(process.argv[2] ?? 'models/demo');
const quiet = { info() {}, warn: console.error, error: console.error };
const info = await describeModel(folder);
const engine = await startEngine(
  {
    modelsDir: dirname(folder),
    device: 'auto',
    isolation: 'thread',
    modelCacheBytes: 8 * 2 ** 30,
    stepDeadlineMs: 600_000,
  },
  quiet,
);

const samples: Sample[] = [];
let channels = 4;
for (const [index, colour] of COLOURS.flatMap((c) => [c, c, c]).entries()) {
  const prompt = `a ${colour} ${OBJECTS[index % OBJECTS.length]} ${SCENES[index % SCENES.length]}`;
  const request = parseRequest({ prompt, model: folder, steps: 15, seed: BigInt(index) }, info);
  const { images, latents } = await engine.generate(request, {
    keepLatents: true,
    previews: false,
  });
  const [image] = images;
  if (image === undefined || latents === undefined) throw new Error('no picture to fit');
  channels = latents.shape[1] ?? 4;
  samples.push({ latents: latents.data, pixels: await decodeImage(image.png) });
}
await engine.close();

const { rows, bias } = fitPreviewFactors(samples, channels);
const rounded = (values: readonly number[]): number[] => values.map((v) => Number(v.toFixed(4)));
const text = JSON.stringify(
  { latent_rgb_factors: rows.map(rounded), bias: rounded(bias) },
  null,
  2,
);
await writeFile(join(folder, 'preview.json'), `${text}\n`);
console.log(`wrote ${join(folder, 'preview.json')} from ${samples.length} pictures`);
