import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { compileCache } from '../../../src/engine/host/compile-cache.ts';
import { startPlayground } from '../../../playground/playground.ts';
import { examineMachine } from '../../../src/cli/doctor/examine-machine.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { isCudaSetUp } from '../../../src/engine/network/cuda-files.ts';
import { commandsOnOneEngine, type Ended } from '../in-process.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const folder = mkdtempSync(path.join(tmpdir(), 'doctor-'));
after(() => rmSync(folder, { recursive: true }));

const SETTINGS = {
  MODELS_DIR: path.join(ROOT, 'models'),
  DEVICE: 'cpu',
  ORT_THREADS: '1',
  DATA_DIR: path.join(folder, 'data'),
};
const commands = commandsOnOneEngine(SETTINGS);

/** What the program does, without its start. */
const doctor = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  commands.run(examineMachine, args, env);

/** The command as people run it: a program of its own. */
function start(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const command = [path.join(ROOT, 'scripts/run.cjs'), 'src/cli/doctor.ts', ...args];
  const all = { PATH: process.env['PATH'] ?? '', ...compileCache(), ...SETTINGS, ...env };
  const child = spawn(process.execPath, command, { cwd: folder, env: all });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

type Told = { ok: boolean; seconds: number; findings: Finding[] };
const find = ({ stdout }: Ended, check: string): Finding[] =>
  (JSON.parse(stdout) as Told).findings.filter((one) => one.check === check);

test('a machine that is well: it paints, the step is measured, Discord was asked; nothing is left behind', async () => {
  const playground = await startPlayground({ port: 0, dataFile: ':memory:' });
  const ended = await start(['--json'], {
    DISCORD_TOKEN: playground.token,
    DISCORD_API_BASE: playground.apiBase,
  });
  await playground.close();
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const { ok, findings } = JSON.parse(ended.stdout) as Told;
  assert.equal(ok, true);
  const [cpu] = find(ended, 'devices');
  assert.equal(cpu?.facts?.['provider'], 'cpu');
  assert.ok(Number(cpu?.facts?.['stepMs']) > 0);
  for (const check of [
    'node',
    'memory',
    'disk',
    'data folder',
    'rights',
    'models',
    'clock',
    'token',
    'application',
    'servers',
  ]) {
    assert.ok(
      findings.some((one) => one.check === check),
      check,
    );
  }
});

test('what stops it: a device that is none, no model, a refused token, mistakes in the configuration', async (t) => {
  const models = path.join(folder, 'empty');
  const cuda = { DEVICE: 'cuda' };
  if (isCudaSetUp()) t.diagnostic('CUDA is here: what it lacks is not tried');
  else {
    const ended = await doctor(['--json'], cuda);
    assert.equal(ended.code, 1);
    assert.match(find(ended, 'devices')[0]?.said ?? '', /cuda does not paint/);
    assert.deepEqual(
      find(ended, 'cuda').map(({ level, mend }) => [level, mend]),
      [['stops', 'npm run setup:cuda']],
    );
  }
  writeFileSync(path.join(folder, 'file'), '');
  const settings = {
    MODELS_DIR: models,
    DATA_DIR: path.join(folder, 'file'),
    DISCORD_TOKEN: 'one.of.nobody',
    DISCORD_API_BASE: 'http://127.0.0.1:1',
  };
  const none = await doctor(['--offline'], settings);
  assert.equal(none.code, 1);
  assert.match(none.stdout, /^✗ models /m);
  assert.match(none.stdout, /✗ data folder .*is no folder\.\n +→ set DATA_DIR to a folder/);
  // the machine itself is tried out all the same, and nobody else asked
  assert.match(none.stdout, /^✓ node .*\n✓ devices .*cpu paints/m);
  assert.doesNotMatch(none.stdout, /token|servers/);

  const wrong = await doctor(['--json'], { DEVICE: 'gpu', LOG_LEVEL: 'loud' });
  assert.equal(wrong.code, 1);
  assert.deepEqual(
    find(wrong, 'configuration').map(({ said }) => said.split(' ')[0]),
    ['DEVICE', 'LOG_LEVEL'],
  );
});

test('arguments that there are not', async () => {
  const { code, stderr } = await doctor(['--jsno']);
  assert.equal(code, 2);
  assert.match(stderr, /There are --json, --offline and --help\./);
});
