import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { claimDataFolder, openToOthers } from '../src/data-folder.ts';

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

test('a new data folder is its owner’s alone; what others can read is told with the command that mends it', async (t) => {
  if (process.platform === 'win32') return t.skip('rights are kept elsewhere there');
  const folder = path.join(await temporaryFolder(t), "it's data");
  (await claimDataFolder(folder))();
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  const env = path.join(folder, '.env');
  await writeFile(env, 'DISCORD_TOKEN=x', { mode: 0o600 });
  assert.deepEqual(await openToOthers([folder, env, path.join(folder, 'nothing')]), []);
  await chmod(env, 0o644);
  await chmod(folder, 0o755);
  const sentences = await openToOthers([folder, env]);
  assert.equal(sentences.length, 2);
  // The command does what the sentence promises.
  for (const sentence of sentences) {
    const command = /Close it with: (.+)$/.exec(sentence)?.[1] ?? '';
    execFileSync('sh', ['-c', command]);
  }
  assert.deepEqual(await openToOthers([folder, env]), []);
});

/** Every lock is answered as an NFS share without a lock daemon answers it. */
const NO_LOCKS = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
static int answer(const char *name, int fd, int cmd, void *arg) {
  if (cmd == F_SETLK || cmd == F_SETLKW) { errno = ENOLCK; return -1; }
  int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);
  return real(fd, cmd, arg);
}
int fcntl(int fd, int cmd, ...) {
  va_list list; va_start(list, cmd); void *arg = va_arg(list, void *); va_end(list);
  return answer("fcntl", fd, cmd, arg);
}
int fcntl64(int fd, int cmd, ...) {
  va_list list; va_start(list, cmd); void *arg = va_arg(list, void *); va_end(list);
  return answer("fcntl64", fd, cmd, arg);
}
`;
const hasCompiler =
  process.platform === 'linux' && spawnSync(process.env.CC ?? 'cc', ['--version']).status === 0;

test(
  'a share without locks is told as one, not as another Darkroom',
  { skip: hasCompiler ? false : 'needs a C compiler on Linux' },
  async (t) => {
    const folder = await temporaryFolder(t);
    const source = path.join(folder, 'no-locks.c');
    const library = path.join(folder, 'no-locks.so');
    await writeFile(source, NO_LOCKS);
    const built = spawnSync(process.env.CC ?? 'cc', [
      '-shared',
      '-fPIC',
      '-o',
      library,
      source,
      '-ldl',
    ]);
    assert.equal(built.status, 0, String(built.stderr));
    const script = `import { claimDataFolder } from ${JSON.stringify(path.join(import.meta.dirname, '../src/data-folder.ts'))};
      await claimDataFolder(${JSON.stringify(path.join(folder, 'data'))}).catch((error) => console.log(error.message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, LD_PRELOAD: library },
      encoding: 'utf8',
    });
    assert.match(stdout, /file system without locks.*set DATA_DIR/);
  },
);
