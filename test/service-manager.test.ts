import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type Engine, startEngine } from '../src/engine/engine.ts';
import { createDevices } from '../src/runner/devices.ts';
import { tellServiceManager } from '../src/service-manager.ts';
import { loadConfig } from '../src/config.ts';
import { memoryLog } from './support/memory-log.ts';
import { waitUntil } from './support/discord/messages.ts';
import { MODELS } from './support/engine.ts';

/** systemd's end of the socket; Node has none of this kind. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
`;
const isThere = (command: string): boolean =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
const missing = ['python3', 'systemd-notify'].filter((command) => !isThere(command));

test('what systemd says in the environment', () => {
  assert.equal(loadConfig({}).serviceManager, null);
  assert.equal(loadConfig({ NOTIFY_SOCKET: 'x' }).serviceManager, null);
  const socket = '/run/systemd/notify';
  assert.deepEqual(
    loadConfig({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '60000000' }).serviceManager,
    {
      socket,
      watchdogMs: 60_000,
    },
  );
  assert.equal(
    loadConfig({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: 'x' }).serviceManager?.watchdogMs,
    null,
  );
});

test(
  'systemd hears that it is ready, lives, and stops; of an engine that hangs it hears nothing',
  { skip: missing.length > 0 && `no ${missing.join(', ')} on this machine` },
  async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-notify-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const socket = path.join(folder, 'notify');
    const systemd = spawn('python3', ['-c', LISTENER, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => systemd.kill());
    let heard: string[] = [];
    systemd.stdout.on('data', (part: Buffer) => heard.push(...String(part).trim().split('\n')));
    await once(systemd.stdout, 'data');
    const { log, lines } = memoryLog();
    const engine: Engine = await startEngine(
      {
        modelsDir: MODELS,
        device: 'cpu',
        isolation: 'process',
        modelCacheBytes: 1e9,
        stepDeadlineMs: 60_000,
      },
      log,
    );
    t.after(() => engine.close());
    assert.ok(await engine.answers(60_000));
    const manager = tellServiceManager({
      socket,
      watchdogMs: 150,
      environment: { PATH: process.env['PATH'] ?? '' },
      log: log as never,
    });
    manager.ready(createDevices([{ name: 'cpu', engine }], log));
    const signs = () => heard.filter((line) => line === 'WATCHDOG=1').length;
    await waitUntil(() => signs() > 2, 'signs of life');
    assert.equal(
      heard.filter((line) => /^[A-Z]+=/.test(line) && line !== 'BARRIER=1')[0],
      'READY=1',
    );

    const { pid } = engine.status();
    assert.ok(typeof pid === 'number');
    process.kill(pid, 'SIGSTOP');
    await waitUntil(() => JSON.stringify(lines).includes('no sign of life'), 'the silence');
    heard = [];
    process.kill(pid, 'SIGCONT');
    await waitUntil(() => signs() > 1, 'signs of life again');
    manager.stopping();
    await waitUntil(() => heard.includes('STOPPING=1'), 'the end');
  },
);
