import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { loadConfig } from '../src/config.ts';
import { UserError } from '../src/engine/errors.ts';

function refusal(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    assert.ok(error instanceof UserError);
    return error.message;
  }
  assert.fail('expected a UserError');
}

test('an empty environment gives the playground on the best device', () => {
  const config = loadConfig({});
  assert.equal(config.discordToken, null);
  assert.equal(config.device, 'auto');
  assert.equal(config.isolation, 'thread');
  assert.equal(config.playgroundPort, 3000);
  assert.equal(config.keepDays, 0);
  assert.equal(config.calibrateAfterMs, 60_000);
  assert.ok(Object.isFrozen(config));
});

test('KEEP_DAYS is a whole number of days', () => {
  assert.equal(loadConfig({ KEEP_DAYS: '30' }).keepDays, 30);
  assert.match(
    refusal({ KEEP_DAYS: '-1' }),
    /KEEP_DAYS is "-1"; expected a whole number from 0 to/,
  );
});

test('KEEP_GB may be a fraction, and addresses and tokens of hubs are looked at', () => {
  assert.equal(loadConfig({}).keepGigabytes, 0);
  assert.equal(loadConfig({ KEEP_GB: '0.25' }).keepGigabytes, 0.25);
  for (const value of ['-1', '1e3', 'ten', '99999999']) {
    assert.match(refusal({ KEEP_GB: value }), /KEEP_GB is ".+"; expected a number from 0 to/);
  }
  const { hub } = loadConfig({ HF_ENDPOINT: 'https://hf-mirror.com/', HF_TOKEN: 'hf_x' });
  assert.deepEqual([hub.hub, hub.hubToken], ['https://hf-mirror.com', 'hf_x']);
  assert.match(refusal({ HF_ENDPOINT: 'hf-mirror' }), /HF_ENDPOINT is "hf-mirror"; expected an/);
  const told = refusal({ HF_TOKEN: 'secret' });
  assert.match(told, /HF_TOKEN is no token of the hub/);
  assert.ok(!told.includes('secret'));
});

test('health and metrics are off unless told, and then for this machine alone unless told', () => {
  assert.equal(loadConfig({}).metrics, null);
  assert.equal(loadConfig({ METRICS_PORT: '0', METRICS_HOST: '0.0.0.0' }).metrics, null);
  const { metrics } = loadConfig({ METRICS_PORT: '9464' });
  assert.deepEqual(metrics, { host: '127.0.0.1', port: 9464 });
  const open = loadConfig({ METRICS_PORT: '9464', METRICS_HOST: ' 0.0.0.0 ' });
  assert.equal(open.metrics?.host, '0.0.0.0');
  for (const port of ['65536', '-1', '9464.5', 'on', '0x10']) {
    assert.match(refusal({ METRICS_PORT: port }), /METRICS_PORT is ".*"; expected a whole number/);
  }
});

test('every mistake is reported at once, with the value and what is allowed', () => {
  const message = refusal({
    DEVICE: 'gpu',
    PLAYGROUND_PORT: '99999',
    LOG_LEVEL: 'loud',
    ENGINE_ISOLATION: 'vm',
    ORT_THREADS: 'all',
  });
  assert.match(message, /DEVICE is "gpu"; allowed: auto, cuda, webgpu, dml, coreml, cpu\./);
  assert.match(message, /PLAYGROUND_PORT is "99999"; expected a whole number from 0 to 65535/);
  assert.match(message, /LOG_LEVEL is "loud"/);
  assert.match(message, /ENGINE_ISOLATION is "vm"; allowed: thread, process/);
  assert.match(message, /ORT_THREADS is "all"; expected a whole number from 0 to 1024/);
});

test('only a Discord on this machine may be named as the API', () => {
  for (const base of [
    'http://127.0.0.1:8080/api',
    'http://localhost:1/api/',
    'http://[::1]:9/api',
  ]) {
    assert.equal(loadConfig({ DISCORD_API_BASE: base }).discordApiBase, base.replace(/\/$/, ''));
  }
  for (const base of [
    'https://discord.com/api',
    'http://127.0.0.1.evil.example/api',
    'ftp://127.0.0.1/',
    'nonsense',
  ]) {
    assert.match(
      refusal({ DISCORD_API_BASE: base }),
      /expected the API of a Discord on this machine/,
    );
  }
});

test('a real-looking token is never sent to a local Discord', () => {
  const real = [
    Buffer.from('123456789012345678').toString('base64'),
    'GxYzAb',
    'a'.repeat(38),
  ].join('.');
  const local = { DISCORD_API_BASE: 'http://127.0.0.1:8080/api' };
  assert.match(refusal({ ...local, DISCORD_TOKEN: real }), /looks like a real bot token/);
  assert.equal(loadConfig({ ...local, DISCORD_TOKEN: 'local-token' }).discordToken, 'local-token');
  assert.equal(loadConfig({ DISCORD_TOKEN: real }).discordToken, real);
});

test('DEVICES: a list, CPUs numbered, mistakes named', () => {
  const devices = (list: string) =>
    loadConfig({ DEVICES: list }).devices?.map(({ name, device, index }) => [name, device, index]);
  assert.deepEqual(devices(' cuda:0, CUDA:1,cpu '), [
    ['cuda:0', 'cuda', 0],
    ['cuda:1', 'cuda', 1],
    ['cpu', 'cpu', null],
  ]);
  assert.deepEqual(devices('cpu,cpu'), [
    ['cpu:0', 'cpu', null],
    ['cpu:1', 'cpu', null],
  ]);
  const { device, deviceIndex } = loadConfig({ DEVICES: 'cuda:1', DEVICE: 'cpu' });
  assert.deepEqual([device, deviceIndex], ['cuda', 1]);
  assert.equal(loadConfig({ DEVICE: 'cpu' }).devices, null);
  for (const [list, words] of [
    ['cuda;cpu', /DEVICES is "cuda;cpu"; expected names with commas/],
    ['cpu:1', /with a number behind cuda and dml/],
    ['cuda:x', /expected names/],
    ['gpu', /expected names/],
    ['cuda:0,,cpu', /expected names/],
    ['cuda,cuda:0', /cuda:0 is the same GPU twice/],
  ] as const) {
    assert.throws(() => loadConfig({ DEVICES: list }), words, list);
  }
});

test('processes that Darkroom starts see where libraries are, and no secret', () => {
  const { childEnvironment } = loadConfig({
    DISCORD_TOKEN: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    NODE_OPTIONS: '--require=/tmp/x.js',
    PATH: '/bin',
    LD_LIBRARY_PATH: '/cuda',
    CUDA_VISIBLE_DEVICES: '1',
    HOME: '/home/ada',
  });
  assert.deepEqual(childEnvironment, {
    PATH: '/bin',
    LD_LIBRARY_PATH: '/cuda',
    CUDA_VISIBLE_DEVICES: '1',
    HOME: '/home/ada',
  });
});
