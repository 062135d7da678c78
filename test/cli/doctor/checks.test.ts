import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { stops, warning } from '../../../src/cli/doctor/finding.ts';
import { checkFolders } from '../../../src/cli/doctor/folders.ts';
import { checkDisk, checkMemory } from '../../../src/cli/doctor/machine.ts';
import { checkModels, lookAtModels } from '../../../src/cli/doctor/models.ts';
import { judge, judgeCuda } from '../../../src/cli/doctor/painting.ts';
import { checkPorts } from '../../../src/cli/doctor/ports.ts';
import { lackingIn, permissionsIn } from '../../../src/cli/doctor/permissions.ts';
import { reportInWords, summary } from '../../../src/cli/doctor/report.ts';
import { tryDevice } from '../../../src/cli/doctor/try-device.ts';
import { loadConfig } from '../../../src/config.ts';
import { claimDataFolder } from '../../../src/data-folder.ts';
import { MODELS } from '../../support/engine.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'doctor-'));
after(() => rmSync(folder, { recursive: true }));

const levels = (findings: readonly Finding[]): string[] => findings.map(({ level }) => level);
const said = (findings: readonly Finding[]): string => findings.map((one) => one.said).join('\n');

test('free memory against each model: what fails, what is slow, what fits', () => {
  const small = { name: 'small', weights: 1e9, run: 1e8 };
  const large = { name: 'large', weights: 20e9, run: 2e9 };
  assert.deepEqual(levels(checkMemory([small], null, 8e9)), ['good']);
  const slow = checkMemory([small, large], null, 8e9);
  assert.deepEqual(levels(slow), ['warning', 'good']);
  assert.match(
    said(slow),
    /large needs about 22\.0 GB \(20\.0 GB of weights, 2\.0 GB for a picture\), free are 8\.0 GB: it paints slowly/,
  );
  assert.match(said(slow), /1 of 2 models fit/);
  assert.match(said(checkMemory([small, large], null, 1.5e9)), /its pictures fail/);
  assert.deepEqual(levels(checkMemory([small, large], null, 1.5e9)), ['warning', 'good']);
  assert.deepEqual(levels(checkMemory([large], null, 1e9)), ['stops', 'good']);
  const gpu = { name: 'RTX', memory: 8e9, freeMemory: 6e9, computeCapability: 8.6 };
  const driver = { version: '580', cuda: '13.0', gpus: [gpu] };
  assert.match(
    said(checkMemory([small, large], driver, 64e9)),
    /RTX has 6\.0 GB free: it does not fit there/,
  );
});

test('a disk that is full, nearly so, without inodes, or not there yet', async () => {
  const on = (free: number, total = 100e9, inodes = 1000) =>
    checkDisk({ dataDir: '/data' }, async () => ({ free, total, inodes }));
  assert.deepEqual(levels(await on(50e9)), ['good']);
  assert.deepEqual(levels(await on(4e9)), ['warning']);
  assert.deepEqual(levels(await on(0.5e9, 1e9)), ['warning']);
  assert.deepEqual(levels(await on(1e6)), ['stops']);
  assert.match(said(await on(50e9, 100e9, 0)), /no inodes are left/);
  assert.deepEqual(levels(await checkDisk({ dataDir: path.join(folder, 'none/yet') })).length, 1);
});

test('the data folder: in use, newer, no folder, open to others, impossible to make', async () => {
  const dataDir = path.join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  assert.match(said(await checkFolders({ dataDir })), /can be used/);
  const release = await claimDataFolder(dataDir);
  const inUse = await checkFolders({ dataDir });
  release();
  assert.match(said(inUse), /a Darkroom runs on it/);
  assert.ok(!levels(inUse).includes('stops'));
  chmodSync(dataDir, 0o755);
  const [open] = (await checkFolders({ dataDir })).filter(
    ({ check, level }) => check === 'rights' && level === 'warning',
  );
  assert.match(open?.mend ?? '', /^chmod -R go= '/);
  const db = new DatabaseSync(path.join(dataDir, 'queue.db'));
  db.exec('PRAGMA user_version = 9999');
  db.close();
  const newer = await checkFolders({ dataDir });
  assert.match(said(newer), /written by a newer Darkroom/);
  assert.ok(levels(newer).includes('stops'));
  writeFileSync(path.join(folder, 'file'), '');
  assert.equal((await checkFolders({ dataDir: path.join(folder, 'file') }))[0]?.level, 'stops');
  assert.match(
    said(await checkFolders({ dataDir: path.join(folder, 'new/er') })),
    /will be made at the first start/,
  );
  if (process.platform === 'linux') {
    assert.deepEqual((await checkFolders({ dataDir: '/proc/nowhere/data' }))[0]?.level, 'stops');
  }
});

test('models: those that paint, each that does not with its reason and its line, none at all', async () => {
  const models = checkModels(await lookAtModels(MODELS), MODELS);
  assert.match(said(models), /demo \(sd1\)/);
  const dir = path.join(folder, 'models');
  mkdirSync(dir);
  const none = checkModels(await lookAtModels(dir), dir);
  assert.deepEqual(levels(none), ['stops']);
  writeFileSync(path.join(dir, 'broken.safetensors'), Buffer.alloc(64, 0xff));
  const broken = checkModels(await lookAtModels(dir), dir);
  assert.deepEqual(levels(broken), ['warning', 'stops']);
  assert.match(broken[0]?.said ?? '', /^broken\.safetensors: .{10}/);
  assert.equal(broken[0]?.mend, `npm run -s models -- '${path.join(dir, 'broken.safetensors')}'`);
  const gone = path.join(folder, 'gone');
  assert.ok(levels(checkModels(await lookAtModels(gone), gone)).includes('stops'));
});

test('devices: one that paints is enough, unless it was named alone', () => {
  const paints = {
    device: 'cpu',
    model: 'demo',
    provider: 'cpu',
    canaryMaxError: null,
    stepMs: 20,
    loadMs: 90,
    error: null,
  } as const;
  const fails = {
    ...paints,
    device: 'cuda',
    provider: null,
    stepMs: null,
    error: 'no kernel image',
  } as const;
  assert.deepEqual(levels(judge([fails, paints], false)), ['warning', 'good']);
  assert.deepEqual(levels(judge([fails], true)), ['stops']);
  assert.equal(judge([fails], true)[0]?.mend, 'npm run setup:cuda');
  const gpu = { ...paints, device: 'cuda', provider: 'cuda', canaryMaxError: 0.0123 } as const;
  assert.match(
    said(judge([gpu, paints], false)),
    /cuda paints: cuda, 20 ms a step of demo, 1\.23 % from the CPU \(DEVICE=auto takes it\)/,
  );
});

test('CUDA: each thing that is missing with its line', () => {
  const state = {
    provider: '/p.so',
    cuda: 13,
    cudnn: 9,
    required: ['libcudart.so.13'],
    optional: [],
    libraries: [{ name: 'libcudart.so.13', by: 'p.so', path: '/lib/libcudart.so.13', lacks: [] }],
    missing: [] as string[],
    tooOld: [] as { name: string; by: string; path: string; lacks: string[] }[],
    driver: { version: '580.1', cuda: '13.0', gpus: [] },
    driverTrouble: null as string | null,
  };
  assert.deepEqual(levels(judgeCuda(state, warning)), ['good']);
  const bad = judgeCuda(
    {
      ...state,
      missing: ['libcudnn.so.9', 'libcuda.so.1'],
      tooOld: [
        {
          name: 'libstdc++.so.6',
          by: 'p.so',
          path: '/lib/libstdc++.so.6',
          lacks: ['GLIBCXX_3.4.32'],
        },
      ],
      driverTrouble: 'the NVIDIA driver is 535, CUDA 13 needs at least 580',
    },
    stops,
  );
  assert.deepEqual(levels(bad), ['stops', 'stops', 'stops']);
  assert.match(said(bad), /CUDA 13 and cuDNN 9; not found: libcudnn\.so\.9$/m);
  assert.match(said(bad), /GLIBCXX_3\.4\.32/);
  assert.match(said(bad), /needs at least 580/);
});

const [VIEW, SEND, ATTACH, THREADS] = [1n << 10n, 1n << 11n, 1n << 15n, 1n << 38n];
const ALL = String(VIEW | SEND | ATTACH | THREADS);

test('what may be done in a channel, by Discord’s order of overwrites', () => {
  const guild = {
    id: 'g',
    owner_id: 'o',
    roles: [
      { id: 'g', permissions: ALL },
      { id: 'bot', permissions: '0' },
      { id: 'other', permissions: '8' },
    ],
  };
  const me = { userId: 'me', roles: ['bot'] };
  const at = (
    overwrites: { id: string; allow?: bigint; deny?: bigint }[],
    member = me,
    of = guild,
  ) =>
    permissionsIn(
      of,
      {
        permission_overwrites: overwrites.map(({ id, allow = 0n, deny = 0n }) => ({
          id,
          allow: String(allow),
          deny: String(deny),
        })),
      },
      member,
    );
  assert.equal(at([]), BigInt(ALL));
  assert.equal(at([{ id: 'g', deny: SEND }]) & SEND, 0n);
  assert.equal(
    at([
      { id: 'g', deny: SEND },
      { id: 'bot', allow: SEND },
    ]) & SEND,
    SEND,
  );
  assert.equal(
    at([
      { id: 'bot', allow: SEND },
      { id: 'g', deny: SEND },
    ]) & SEND,
    SEND,
  );
  assert.equal(
    at([
      { id: 'me', deny: SEND },
      { id: 'bot', allow: SEND },
    ]) & SEND,
    0n,
  );
  assert.equal(at([{ id: 'other', deny: SEND }]) & SEND, SEND);
  assert.ok(at([{ id: 'me', deny: SEND }], { userId: 'me', roles: ['other'] }) & SEND);
  assert.ok(at([{ id: 'o', deny: SEND }], { userId: 'o', roles: [] }) & SEND);

  const channel = (name: string, type: number, deny: bigint) => ({
    id: name,
    name,
    type,
    permission_overwrites: [{ id: 'g', allow: '0', deny: String(deny) }],
  });
  const lacking = lackingIn(
    guild,
    [
      channel('fine', 0, 0n),
      channel('mute', 5, SEND | ATTACH),
      channel('hidden', 0, VIEW | SEND),
      channel('group', 4, VIEW),
    ],
    me,
  );
  assert.deepEqual(lacking, [
    { channel: 'mute', lacks: ['Send Messages', 'Attach Files'] },
    { channel: 'hidden', lacks: ['View Channel'] },
  ]);
});

test('ports that another program has, unless that is this Darkroom', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dataDir = path.join(folder, 'ports');
  mkdirSync(dataDir, { mode: 0o700 });
  const on = (env: Record<string, string>) =>
    checkPorts(loadConfig({ DATA_DIR: dataDir, PLAYGROUND_PORT: '0', ...env }));
  assert.deepEqual(await on({}), []);
  const [taken] = await on({ PLAYGROUND_PORT: String(port) });
  assert.equal(taken?.level, 'stops');
  assert.match(
    taken?.said ?? '',
    /the playground cannot listen on 127\.0\.0\.1:\d+: another program has it/,
  );
  assert.match(taken?.mend ?? '', /^set PLAYGROUND_PORT to another port/);
  assert.match((await on({ METRICS_PORT: String(port) }))[0]?.mend ?? '', /METRICS_PORT/);
  assert.deepEqual(await on({ PLAYGROUND_PORT: String(port), DISCORD_TOKEN: 'x' }), []);
  const release = await claimDataFolder(dataDir);
  assert.deepEqual(await on({ PLAYGROUND_PORT: String(port) }), []);
  release();
  server.close();
});

test('the report: a sign a line, the line that mends it below, one sentence at the end', () => {
  const findings = [warning('disk', 'little', { mend: 'free some' }), stops('models', 'none')];
  assert.equal(
    reportInWords({ findings, seconds: 1.23 }),
    '! disk    little\n          → free some\n✗ models  none\n\nOne thing stops it from painting; 1 thing to look at besides. (1.2 s)\n',
  );
  assert.equal(summary([]), 'All is well.');
  assert.equal(summary([findings[0]!]), 'It paints; 1 thing to look at.');
});

test('a device that hangs is given up, and its process with it', async () => {
  const spec = { name: 'cpu', device: 'cpu', index: null } as const;
  const config = loadConfig({ DATA_DIR: path.join(folder, 'hangs'), MODELS_DIR: MODELS });
  const tried = await tryDevice(spec, config, null, 1);
  assert.match(tried.error ?? '', /did not finish 4 steps within 0 s/);
  assert.equal(tried.provider, null);
});
