import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findModels } from '../../../src/engine/model/found/find-models.ts';
import { namedFiles } from '../../../src/engine/model/named-files.ts';

test('links that lead back to a folder above them are noticed, and end', async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'darkroom-circles-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const [loras, inner] = [path.join(root, 'loras'), path.join(root, 'loras', 'style')];
  await mkdir(inner, { recursive: true });
  await writeFile(path.join(inner, 'ink.safetensors'), 'x');
  await symlink(path.join(inner, 'ink.safetensors'), path.join(loras, 'linked.safetensors'));
  // Two of them: followed, each level would have twice as many as the one above.
  await symlink('..', path.join(inner, 'back'), 'dir');
  await symlink('.', path.join(inner, 'here'), 'dir');
  await symlink('nowhere', path.join(inner, 'lost.safetensors'));
  const noticed: string[] = [];
  const found = await namedFiles(loras, ['.safetensors'], (one) => noticed.push(one));
  assert.deepEqual(
    found.map(({ name }) => name),
    ['linked', 'ink'],
  );
  assert.deepEqual(noticed.toSorted(), [path.join(inner, 'back'), path.join(inner, 'here')]);

  const models = path.join(root, 'models');
  await mkdir(path.join(models, 'sub'), { recursive: true });
  await symlink('..', path.join(models, 'sub', 'up'), 'dir');
  const circles: string[] = [];
  await findModels(models, (one) => circles.push(one));
  assert.deepEqual(circles, [path.join(models, 'sub', 'up')]);
});
