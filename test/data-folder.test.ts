import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { claimDataFolder } from '../src/data-folder.ts';

async function temporaryFolder(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-data-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('two programs never share a data folder, and a killed one leaves it free', async (t) => {
  const folder = await temporaryFolder(t);
  const script = `import { claimDataFolder } from ${JSON.stringify(path.join(import.meta.dirname, '../src/data-folder.ts'))};
    await claimDataFolder(${JSON.stringify(folder)}); console.log('claimed'); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => void other.kill('SIGKILL'));
  await once(other.stdout, 'data');
  await assert.rejects(claimDataFolder(folder), /Another Darkroom is running on the data folder/);
  other.kill('SIGKILL');
  await once(other, 'exit');
  (await claimDataFolder(folder))();
});

test('a folder that cannot be made is a sentence with the way out', async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  await assert.rejects(
    claimDataFolder(path.join(file, 'data')),
    /cannot be written \(ENOTDIR\).*set DATA_DIR/,
  );
});

test(
  'a place where no folder can be answers instead of hanging',
  { skip: process.platform !== 'linux' },
  async () => {
    await assert.rejects(claimDataFolder('/proc/darkroom/data'), /cannot be written \(E[A-Z]+\)/);
  },
);
