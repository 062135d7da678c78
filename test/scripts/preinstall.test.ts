import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';

const root = path.join(import.meta.dirname, '../..');
const isLinux = process.platform === 'linux' && process.arch === 'x64';
const CUDA = ['cuda', 'shared', 'tensorrt'].map((name) => `libonnxruntime_providers_${name}.so`);

/** A folder with the package and ONNX Runtime as npm unpacks them, but for the libraries. */
function unpack(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'darkroom-preinstall-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const own = path.join(folder, 'node_modules/darkroom-bot');
  cpSync(path.join(root, 'scripts/preinstall.cjs'), path.join(own, 'scripts/preinstall.cjs'), {
    recursive: true,
  });
  const runtime = path.join(folder, 'node_modules/onnxruntime-node');
  for (const part of ['package.json', 'script']) {
    const from = path.join(root, 'node_modules/onnxruntime-node', part);
    cpSync(from, path.join(runtime, part), { recursive: true });
  }
  const libraries = path.join(runtime, 'bin/napi-v6', process.platform, process.arch);
  mkdirSync(libraries, { recursive: true });
  const node = (script: string, more: Record<string, string> = {}) =>
    spawnSync(process.execPath, [script], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], NODE_PATH: path.join(root, 'node_modules'), ...more },
    });
  const preinstall = (more?: Record<string, string>) =>
    node(path.join(own, 'scripts/preinstall.cjs'), more);
  return { own, runtime, libraries, node, preinstall };
}

test(
  'ONNX Runtime’s install script finds nothing to fetch',
  { skip: !isLinux && 'it fetches nothing here' },
  (t) => {
    const { runtime, libraries, node, preinstall } = unpack(t);
    writeFileSync(path.join(libraries, CUDA[0]!), 'a real one');
    assert.deepEqual([preinstall().status, preinstall().stderr], [0, '']);
    assert.deepEqual(readdirSync(libraries).toSorted(), CUDA);
    assert.equal(readFileSync(path.join(libraries, CUDA[0]!), 'utf8'), 'a real one');
    const { status, stdout, stderr } = node(path.join(runtime, 'script/install.js'));
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  },
);

test('whoever asks for the libraries, a clone, another layout: nothing is done, and nothing fails', (t) => {
  const asked = unpack(t);
  assert.equal(asked.preinstall({ ONNXRUNTIME_NODE_INSTALL: 'cuda12' }).status, 0);
  assert.deepEqual(readdirSync(asked.libraries), []);
  mkdirSync(path.join(asked.own, 'src'));
  writeFileSync(path.join(asked.own, 'src/main.ts'), '');
  assert.equal(asked.preinstall().status, 0);
  assert.deepEqual(readdirSync(asked.libraries), []);
  const other = unpack(t);
  rmSync(path.join(other.runtime, 'script'), { recursive: true });
  assert.deepEqual([other.preinstall().status, other.preinstall().stderr], [0, '']);
});
