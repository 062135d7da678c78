/** The compact set of reference numbers says nothing that the full one does not, and has what a clone's tests stand on. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { compactSet, goldenFolder } from './support/golden/golden-set.ts';

const compact = await compactSet();
const manifests = globSync('**/manifest.json', { cwd: compact }).map((file) => path.dirname(file));

test('families, checkpoints, pictures, schedules, noise and prompts are among it', () => {
  const wanted = [
    ...['flux', 'flux2-klein', 'qwen-image', 'sd3', 'z-image'].map((name) => `dit/${name}`),
    ...['sd1', 'sd1-inpaint', 'sd2', 'sd2-v', 'sdxl', 'sdxl-inpaint', 'sdxl-refiner', 'sdxl-v'].map(
      (name) => `checkpoints/cases/${name}`,
    ),
    'pipelines/sd15',
    'pipelines/a1111-sd15',
    'schedules',
    'rng',
    'prompts',
  ];
  assert.deepEqual(
    manifests.map((name) => name.split(path.sep).join('/')).toSorted(),
    wanted.toSorted(),
  );
  for (const maker of ['checkpoints/make-checkpoints.mjs', 'dit/make-models.mjs']) {
    assert.ok(existsSync(path.join(compact, maker)), maker);
  }
  assert.ok(existsSync(path.join(compact, 'models/sd15/tokenizer/vocab.json')));
});

type Ref = { $: [offset: number, shape: number[], type: string] };
type Arrays = (ref: Ref) => Buffer;

function arraysOf(folder: string): Arrays {
  const bytes = readFileSync(path.join(folder, 'arrays.bin'));
  const sizes: Readonly<Record<string, number>> = { f32: 4, f64: 8, i32: 4, u32: 4, u8: 1 };
  return ({ $: [offset, shape, type] }) =>
    bytes.subarray(offset, offset + shape.reduce((all, side) => all * side, sizes[type] ?? 0));
}

/** Every value and array of `own` as `all` has it; what `own` leaves out is left out. */
function assertPart(own: unknown, all: unknown, [a, b]: [Arrays, Arrays], where: string): void {
  if (typeof own !== 'object' || own === null) return assert.deepEqual(own, all, where);
  assert.ok(typeof all === 'object' && all !== null, where);
  if ('$' in own) {
    const [mine, theirs] = [own as Ref, all as Ref];
    assert.deepEqual(mine.$.slice(1), theirs.$.slice(1), where);
    if (mine.$[0] >= 0) assert.ok(a(mine).equals(b(theirs)), where);
    return;
  }
  for (const [key, value] of Object.entries(own)) {
    assertPart(value, (all as Record<string, unknown>)[key], [a, b], `${where}.${key}`);
  }
}

test('its numbers are those of the full set', { skip: goldenFolder === compact }, () => {
  for (const name of manifests) {
    const [own, all] = [path.join(compact, name), path.join(goldenFolder, name)];
    const read = (folder: string): unknown =>
      JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'));
    assertPart(read(own), read(all), [arraysOf(own), arraysOf(all)], name);
  }
});
