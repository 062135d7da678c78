import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import { rmse } from '../../../src/explore/curve/measures.ts';
import { toRgb } from '../../../src/explore/sheet/run-sheet.ts';
import { openDemo } from '../../support/engine.ts';

const { engine, demo } = await openDemo();
after(() => engine.close());

test('x̂0 of chosen steps as pictures, without touching the picture itself', async () => {
  const request = parseRequest(
    { prompt: 'a red star', steps: 6, seed: 7n, sampler: 'euler', count: 2, width: 64, height: 64 },
    demo,
  );
  const snapshots = new Map<number, readonly Uint8Array[]>();
  const watched = await engine.generate(request, {
    decodeAt: [1, 3, 6, 99],
    onProgress(progress) {
      if (progress.phase === 'sampling' && progress.decoded)
        snapshots.set(progress.step, progress.decoded);
    },
  });
  assert.deepEqual([...snapshots.keys()], [1, 3, 6]);
  assert.ok([...snapshots.values()].every((pictures) => pictures.length === 2));
  assert.equal(watched.timings.steps_ms.length, 6);

  const plain = await engine.generate(request);
  assert.deepEqual(
    watched.images.map(({ png }) => Buffer.compare(png, plain.images[0]!.png)).includes(0),
    true,
  );
  // The picture takes shape: each snapshot is nearer to the end, the last one is the end itself.
  for (const image of [0, 1]) {
    const end = await toRgb(plain.images[image]!.png);
    const far: number[] = [];
    for (const pictures of snapshots.values()) far.push(rmse(await toRgb(pictures[image]!), end));
    assert.ok(far[0]! > far[1]! && far[1]! > far[2]!, String(far));
    assert.ok(far[2]! < 0.5, String(far));
  }
});
