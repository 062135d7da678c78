import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const modulePath = path.join(import.meta.dirname, '../../../src/engine/host/compile-cache.ts');
const TELL = `
  const { compileCache } = await import(${JSON.stringify(modulePath)});
  const { Worker } = await import('node:worker_threads');
  const what = \`
    import { getCompileCacheDir } from 'node:module';
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage(getCompileCacheDir() ?? '');
  \`;
  const thread = new Worker(what, { eval: true, env: compileCache() });
  thread.on('message', (dir) => console.log(JSON.stringify([compileCache(), dir])));
`;

function told(env: Record<string, string>): [Record<string, string>, string] {
  const own = { PATH: process.env['PATH'], ...env };
  const words = ['--input-type=module', '-e', TELL];
  const { stdout, stderr } = spawnSync(process.execPath, words, { env: own, encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as [Record<string, string>, string];
}

test('a thread with variables of its own takes part in the cache, where there is one', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'darkroom-compiled-'));
  try {
    assert.deepEqual(told({}), [{}, '']);
    const [variables, ofThread] = told({ NODE_COMPILE_CACHE: folder });
    assert.deepEqual(variables, { NODE_COMPILE_CACHE: folder });
    assert.equal(path.dirname(ofThread), folder);
    assert.deepEqual(readdirSync(folder), [path.basename(ofThread)]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
