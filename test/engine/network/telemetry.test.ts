import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const root = path.join(import.meta.dirname, '../../..');
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'telemetry-'));
});
after(() => rm(folder, { recursive: true }));

/** Paints in a thread and in a process, as a program of its own whose home and temporary files are empty folders. */
const PROGRAM = `
const { startEngine } = await import(${JSON.stringify(pathToFileURL(path.join(root, 'src/engine/engine.ts')).href)});
const { parseRequest } = await import(${JSON.stringify(pathToFileURL(path.join(root, 'src/engine/request-codec.ts')).href)});
for (const isolation of ['thread', 'process']) {
  const modelsDir = ${JSON.stringify(path.join(root, 'models'))};
  const engine = await startEngine(
    { modelsDir, device: 'cpu', isolation, modelCacheBytes: 2 ** 30, stepDeadlineMs: 600_000,
      childEnvironment: { HOME: process.env.HOME, TMPDIR: process.env.TMPDIR } },
    { info() {}, warn() {}, error() {} },
  );
  const demo = (await engine.models()).find(({ name }) => name === 'demo');
  await engine.generate(parseRequest({ prompt: 'a star', steps: 1, width: 64, height: 64 }, demo));
  await engine.close();
}
process.exit();
`;

/** What lies in its two folders afterwards. */
async function leftBy(name: string, env: Record<string, string>): Promise<string[]> {
  const [home, temporary] = [path.join(folder, name, 'home'), path.join(folder, name, 'tmp')];
  for (const each of [home, temporary]) await mkdir(each, { recursive: true });
  const program = path.join(folder, `${name}.mjs`);
  await writeFile(program, PROGRAM);
  await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      TMPDIR: temporary,
      ORT_THREADS: '1',
      ...env,
    },
  });
  const left = await Promise.all(
    [home, temporary].map((each) => readdir(each, { recursive: true })),
  );
  return left.flat();
}

test('what paints tells nobody of it: ONNX Runtime keeps no database of how it is used, in a thread nor in a process', async () => {
  assert.deepEqual(await leftBy('as-it-is', {}), []);
});

test('somebody who wants it is not hindered', { skip: process.platform !== 'linux' }, async () => {
  const left = await leftBy('wanted', { ORT_DISABLE_TELEMETRY: '0' });
  assert.ok(
    left.some((name) => name.endsWith('onnxruntime.db')),
    left.join(),
  );
});
