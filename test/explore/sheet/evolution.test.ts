import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../../src/engine/errors.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { animate, evolve, openStrip, planSnapshots } from '../../../src/explore/sheet/evolution.ts';
import { openDemo } from '../../support/engine.ts';

const { engine, demo } = await openDemo();
after(() => engine.close());

describe('which steps to look at', () => {
  test('usual ones, or those named, always with the last', () => {
    assert.deepEqual(planSnapshots(20, null), [1, 2, 3, 5, 8, 12, 16, 20]);
    assert.deepEqual(planSnapshots(1, null), [1]);
    assert.deepEqual(planSnapshots(20, '10,1'), [1, 10, 20]);
    assert.deepEqual(planSnapshots(20, '1..5,20'), [1, 2, 3, 4, 5, 20]);
  });
  test('steps that the run does not have, and too many', () => {
    const refuses = (steps: number, text: string, words: RegExp): void =>
      assert.throws(
        () => planSnapshots(steps, text),
        (error) => error instanceof UserError && words.test(error.message),
      );
    refuses(20, '5,21', /no step 21: this picture takes steps 1 to 20/);
    refuses(20, '0', /no step 0/);
    refuses(100, '1..50', /51 steps are too many to show; at most 24/);
    refuses(20, '', /no values/);
  });
});

test('one run as strip and as animation', async () => {
  const request = parseRequest(
    { prompt: 'a red heart', steps: 6, seed: 7n, sampler: 'heun' },
    demo,
  );
  const told: number[] = [];
  const { snapshots, result } = await evolve(engine, request, [1, 3, 6], {
    onSnapshot: ({ step }) => void told.push(step),
  });
  assert.deepEqual(told, [1, 3, 6]);
  assert.deepEqual(
    snapshots.map(({ step }) => step),
    [1, 3, 6],
  );
  assert.ok(snapshots[0]!.sigma > snapshots[1]!.sigma);
  assert.equal(Buffer.compare(snapshots[2]!.picture, result.images[0]!.png), 0);

  const words = { title: 'a red heart', subtitle: 'demo', theme: 'dark' as const };
  const strip = await openStrip(request, [1, 3, 6], words);
  for (const [index, { picture }] of snapshots.entries()) {
    await strip.setTile(index, { state: 'done', picture });
  }
  assert.ok((await strip.toPng()).byteLength > 50_000);

  const film = await animate(snapshots, { steps: 6, theme: 'dark' });
  const { pages, delay, format, pageHeight, width, xmp } = await sharp(film, {
    animated: true,
  }).metadata();
  assert.deepEqual([format, pages, width, pageHeight], ['webp', 3, 256, 296]);
  assert.ok(delay?.at(-1) === 2600 && delay[0] === 450);
  assert.match(String(xmp), /trainedAlgorithmicMedia/);
  const small = await animate(snapshots, { steps: 6, theme: 'light', bytes: 9000 });
  assert.ok(small.byteLength <= 9000 && film.byteLength > 9000, `${film.byteLength}`);
});
