/** What lies beside the embedded model to be tried at once does what its words say. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import type { Engine } from '../../../src/engine/engine.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { MODELS, openEngine } from '../../support/engine.ts';

type Colour = [red: number, green: number, blue: number];

describe('beside the embedded model', () => {
  let engine: Engine;
  before(async () => {
    engine = await openEngine(MODELS);
  });
  after(() => engine.close());

  async function paint(prompt: string, seed: number): Promise<Colour[]> {
    const model = (await engine.models()).find(({ name }) => name === 'demo')!;
    const { images } = await engine.generate(parseRequest({ prompt, seed, steps: 7 }, model));
    const { data } = await sharp(images[0]!.png)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return Array.from({ length: data.length / 3 }, (_, i): Colour => {
      return [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    });
  }

  /** 0 for greys … 255 */
  const colourfulness = (pixels: Colour[]): number =>
    pixels.reduce((sum, pixel) => sum + Math.max(...pixel) - Math.min(...pixel), 0) / pixels.length;

  const shareOf = (pixels: Colour[], is: (pixel: Colour) => boolean): number =>
    pixels.filter(is).length / pixels.length;

  test('the LoRA lineart makes line drawings on white paper of what a prompt names', async () => {
    for (const [seed, prompt] of ['a red boat on the sea', 'a green star at night'].entries()) {
      const plain = await paint(prompt, seed);
      const drawn = await paint(`${prompt} <lora:lineart>`, seed);
      assert.ok(colourfulness(drawn) < colourfulness(plain) / 3, prompt);
      assert.ok(shareOf(drawn, (pixel) => Math.min(...pixel) > 190) > 0.6, prompt);
      assert.ok(shareOf(drawn, (pixel) => Math.max(...pixel) < 130) > 0.01, prompt);
    }
  });

  test('the embedding velvet-fox is a purple fox, wherever it stands', async () => {
    const isPurple = ([red, green, blue]: Colour): boolean => blue - green > 35 && red - green > 15;
    for (const [seed, place] of ['in a meadow', 'in the snow', 'on the sea'].entries()) {
      const fox = shareOf(await paint(`a fox ${place}`, seed), isPurple);
      const velvet = shareOf(await paint(`a velvet-fox ${place}`, seed), isPurple);
      assert.ok(velvet > fox + 0.05, `${place}: ${velvet} and ${fox}`);
    }
  });
});
