import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/engine/errors.ts';
import { serve } from '../../src/metrics/endpoint.ts';
import { memoryLog } from '../support/memory-log.ts';

const { log, lines } = memoryLog();
const pages = {
  '/fine': async () => ({ status: 200, type: 'text/plain', body: 'all well' }),
  '/broken': () => Promise.reject(new Error('a secret of the log')),
};
let port: number;
let close: () => Promise<void>;
before(async () => {
  ({ port, close } = await serve({ host: '127.0.0.1', port: 0 }, pages, log));
});
after(() => close());

async function ask(path: string, init: RequestInit = {}): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return [answer.status, await answer.text()];
}

test('its pages are answered, everything else is refused in a sentence', async () => {
  assert.deepEqual(await ask('/fine'), [200, 'all well']);
  assert.deepEqual(await ask('/fine?deep=1'), [200, 'all well']);
  assert.deepEqual(await ask('/fine', { method: 'HEAD' }), [200, '']);
  assert.deepEqual(await ask('/'), [404, 'There is /fine, /broken.\n']);
  for (const odd of ['/__proto__', '/constructor', '/fine/', '//fine', '/%']) {
    assert.equal((await ask(odd))[0], 404, odd);
  }
  const [status, words] = await ask('/fine', { method: 'POST', body: 'x'.repeat(100_000) });
  assert.deepEqual([status, words], [405, 'Only GET is answered here.\n']);
});

test('a page that fails says nothing of why, the log does', async () => {
  const [status, words] = await ask('/broken');
  assert.equal(status, 500);
  assert.doesNotMatch(words, /secret/);
  assert.match(JSON.stringify(lines), /could not be told/);
});

test('what is no HTTP ends its own connection and nothing else', async () => {
  const socket = connect(port, '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  socket.resume();
  socket.write('\0\0\0 not a request\r\n\r\n');
  await ended;
  assert.deepEqual(await ask('/fine'), [200, 'all well']);
});

async function refusal(where: { host: string; port: number }): Promise<string> {
  const error = await serve(where, pages, log).then(
    () => assert.fail('should have been refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.doesNotMatch(error.message, /\n/);
  return error.message;
}

test('a port in use, a host that is not this machine: one sentence each, with what to set', async () => {
  assert.match(
    await refusal({ host: '127.0.0.1', port }),
    /^METRICS_PORT is \d+, and another program listens there/,
  );
  for (const host of ['203.0.113.7', 'no such host', 'nowhere.invalid', '::ffff']) {
    assert.match(await refusal({ host, port: 0 }), /METRICS_HOST/, host);
  }
});
