import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Playground, startPlayground } from '../../../playground/playground.ts';
import { closeAccess, createAccess, gatewayOf } from '../../../src/bot/discord/client.ts';
import type { DiscordCall } from '../../../src/metrics/monitored.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { waitUntil } from '../../support/discord/messages.ts';

let folder: string;
let playground: Playground;
const open = (port: number): Promise<Playground> =>
  startPlayground({ port, dataFile: path.join(folder, 'playground.db') });
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'darkroom-calls-'));
  playground = await open(0);
});
after(async () => {
  await playground.close();
  await rm(folder, { recursive: true, force: true });
});

test('every request is told by its kind and end, and whether the gateway stands', async () => {
  const calls: DiscordCall[] = [];
  const { log } = memoryLog();
  const { token, apiBase, url, faults } = playground;
  const access = createAccess(token, apiBase, log, { onCall: (call) => calls.push(call) });
  try {
    assert.deepEqual(gatewayOf(access), { connected: false, latencySeconds: null, servers: 0 });
    await access.client.login(token);
    await waitUntil(() => gatewayOf(access).connected, 'the gateway');
    assert.ok(gatewayOf(access).servers > 0);
    assert.deepEqual(
      calls.map(({ method, resource, status, limit }) => [method, resource, status, limit]),
      [['GET', 'gateway', 200, null]],
    );
    calls.length = 0;
    faults.add({ match: { route: /users/ }, answer: 429, retryAfter: 0.05 });
    faults.add({ match: { route: /users/ }, answer: 'reset', times: 9 });
    await assert.rejects(access.messages.get('/users/@me'));
    await assert.rejects(access.messages.get('/users/@me'));
    assert.deepEqual(
      calls.map(({ resource, status }) => [resource, status]),
      [
        ['users', 429],
        ['users', null],
      ],
    );
    assert.ok(calls.every(({ seconds }) => seconds >= 0));
    await playground.close();
    await waitUntil(() => !gatewayOf(access).connected, 'the end of the gateway');
    playground = await open(Number(new URL(url).port));
    await waitUntil(() => gatewayOf(access).connected, 'the gateway again', 60_000);
  } finally {
    await closeAccess(access);
  }
});
