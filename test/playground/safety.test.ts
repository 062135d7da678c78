import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { memoryLog } from '../support/memory-log.ts';
import { openPageLink } from '../support/discord/page-link.ts';
import { connectUser } from '../support/discord/playground-user.ts';
import { tinyPng } from '../support/tiny-png.ts';

describe('what the local Discord lets in', () => {
  let playground: Playground;
  let port: number;
  before(async () => {
    playground = await startPlayground({ port: 0, dataFile: ':memory:', log: memory.log });
    port = Number(new URL(playground.url).port);
  });
  after(() => playground.close());
  const memory = memoryLog();
  const errors = () => memory.lines.filter(({ level }) => level === 'error');

  /** fetch would not send a foreign Host header. */
  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const sent = request({ host: '127.0.0.1', port, path, headers, method });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
  };
  const opens = async (path: string, headers: Record<string, string>): Promise<boolean> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('open', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    socket.terminate();
    return opened;
  };

  test('a name that was rebound to 127.0.0.1 is refused, on every door', async () => {
    const host = `evil.test:${port}`;
    for (const path of ['/', '/web/app.ts', '/api/v10/gateway', '/attachments/1/1/a.png']) {
      assert.equal((await get(path, { host })).status, 403, path);
    }
    assert.equal(await opens('/client', { host }), false);
    assert.equal(await opens('/gateway', { host }), false);
    assert.equal((await get('/')).status, 200);
  });

  test("another site's page cannot open the sockets or upload", async () => {
    for (const origin of ['https://evil.test', 'null', `http://127.0.0.1:${port + 1}`]) {
      assert.equal(await opens('/client', { origin }), false, origin);
      assert.equal(await opens('/gateway/?v=10', { origin }), false, origin);
      assert.equal((await get('/client/upload?name=a', { origin }, 'POST')).status, 403, origin);
    }
    assert.equal(await opens('/client', { origin: `http://127.0.0.1:${port}` }), true);
    assert.equal(await opens('/elsewhere', {}), false);
  });

  test('the page, its scripts as JavaScript, its libraries, and nothing else', async () => {
    const page = await get('/');
    assert.match(String(page.headers['content-security-policy']), /default-src 'self'/);
    const scripts = (
      await readdir(new URL('../../playground/web/', import.meta.url), { recursive: true })
    ).filter((name) => name.endsWith('.ts'));
    for (const name of scripts) {
      const script = await get(`/web/${name}`);
      assert.equal(script.status, 200, name);
      assert.match(String(script.headers['content-type']), /^text\/javascript/);
      assert.doesNotMatch(String(script.body), /^import type|^export type/m, name);
    }
    for (const name of ['preact.js', 'preact-hooks.js', 'htm.js']) {
      assert.equal((await get(`/vendor/${name}`)).status, 200, name);
    }
    const sheet = await get('/vendor/inter/400.css');
    assert.match(String(sheet.headers['content-type']), /^text\/css/);
    const fonts = String(sheet.body).match(/files\/[\w-]+\.woff2/g) ?? [];
    assert.ok(fonts.length > 1, 'the sheet names fonts');
    for (const name of fonts) {
      const font = await get(`/vendor/inter/${name}`);
      assert.deepEqual([font.status, font.headers['content-type']], [200, 'font/woff2'], name);
    }
    for (const path of [
      '/web/../playground.ts',
      '/web/%2e%2e/playground.ts',
      '/web/..%2fplayground.ts',
      '/web/nothing.ts',
      '/vendor/../../package.json',
      '/vendor/inter/package.json',
      '/vendor/inter/files/../package.json',
      '/package.json',
    ]) {
      assert.equal((await get(path)).status, 404, path);
    }
    const local = await get('/', { host: `localhost:${port}` });
    assert.deepEqual([local.status, local.headers.location], [302, playground.url]);
  });

  test('odd paths and bodies are refused, never a failure of the server', async () => {
    for (const path of [
      '//',
      '/%',
      '/%E0%A4%A',
      '/web/%00',
      '/web/',
      '/vendor/',
      '/api/',
      '/\\',
      '*',
    ]) {
      const { status = 0 } = await get(path);
      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
    }
    const odd = [
      '%',
      '%E0%A4%A',
      '%00',
      '-1',
      '0'.repeat(300),
      '__proto__',
      '@me',
      '%2F',
      '9'.repeat(30),
    ];
    for (const one of odd) {
      for (const path of [
        `/channels/${one}`,
        `/channels/${one}/messages/${one}`,
        `/guilds/${one}/members/${one}`,
        `/users/${one}`,
        `/webhooks/${one}/${one}/messages/@original`,
        `/interactions/${one}/${one}/callback`,
        `/applications/${one}/commands`,
        `/${one}`,
      ]) {
        for (const method of ['GET', 'POST', 'PATCH', 'PUT']) {
          for (const body of ['null', '[]', '{"type":{"toString":1}}']) {
            const answer = await fetch(`${playground.apiBase}/v10${path}`, {
              method,
              headers: {
                authorization: `Bot ${playground.token}`,
                'content-type': 'application/json',
              },
              ...(method === 'GET' ? {} : { body }),
            });
            assert.notEqual(answer.status, 500, `${method} ${path} ${body}`);
            await answer.arrayBuffer();
          }
        }
      }
    }
    assert.deepEqual(errors(), []);
  });

  test('a message that is none is answered in words, and the log stays quiet', async () => {
    const link = await openPageLink(playground);
    link.send({ type: 'hello', userId: null });
    const trap = { toString: 1 };
    const wrong: unknown[] = [
      { type: 'nonsense' },
      { type: '__proto__' },
      { type: 'toString' },
      { type: 'open' },
      { type: 'open', channelId: trap },
      { type: 'dismiss', messageId: {} },
      { type: 'say', channelId: '1', content: trap },
      { type: 'roles', guildId: '1', userId: '1', roleIds: [trap] },
      { type: 'age', channelId: '1', ageRestricted: 'yes' },
      { type: 'command', nonce: 'n', channelId: '1', commandId: '1', options: [5] },
      { type: 'command', nonce: 5, channelId: '1', commandId: '1', options: {} },
      { type: 'component', nonce: 'n', messageId: 7, customId: 'a', componentType: 2 },
      { type: 'modal', nonce: 'n', interactionId: '1', customId: 'a', values: null },
      { type: 'modal', nonce: 'n', interactionId: '1', customId: 'a', values: { a: trap } },
      [],
      null,
      7,
    ];
    for (const message of wrong) link.send(message as Parameters<typeof link.send>[0]);
    const refused = () => link.received.filter(({ type }) => type === 'refused').length;
    await link.until(() => refused() === wrong.length || undefined, 10_000, 'all refused');
    assert.deepEqual(errors(), []);
    await link.close();
  });

  test('the page may load from here alone', async () => {
    const policy = String((await get('/')).headers['content-security-policy']);
    assert.match(policy, /img-src 'self' data: blob:(;|$)/);
    assert.match(policy, new RegExp(`connect-src 'self' ws://127\\.0\\.0\\.1:${port} `));
    assert.doesNotMatch(policy, /https:|ws:;/);
  });

  test('a picture is served as what it is, whatever its sender called it', async () => {
    const ada = await connectUser(playground);
    const upload = await ada.upload('a.png', 'text/html', tinyPng(8, 8));
    const { pathname, search } = new URL(upload.url);
    const file = await get(pathname + search);
    assert.equal(file.headers['content-type'], 'image/png');
    assert.match(String(file.headers['content-disposition']), /^inline/);
    await ada.close();
  });

  test('an uploaded page is only ever a download', async () => {
    const ada = await connectUser(playground);
    const html = Buffer.from('<script>alert(1)</script>');
    const upload = await ada.upload('a.html', 'text/html', html);
    const { pathname, search } = new URL(upload.url);
    const file = await get(pathname + search);
    assert.equal(file.headers['content-type'], 'application/octet-stream');
    assert.match(String(file.headers['content-disposition']), /^attachment/);
    assert.equal(file.headers['x-content-type-options'], 'nosniff');
    assert.deepEqual(file.body, html);
    assert.equal((await get(pathname)).status, 404, 'unsigned');
    await ada.close();
  });

  test('nonsense on the page socket is refused with words and the socket lives on', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/client`);
    await once(socket, 'open');
    const nonsense = [
      '{',
      '[]',
      '{"type":7}',
      '{"type":"open","channelId":"1"}',
      '{"type":"nothing","nonce":"n"}',
    ];
    for (const text of nonsense) {
      socket.send(text);
      const [data] = (await once(socket, 'message')) as [Buffer];
      const { type } = JSON.parse(String(data)) as { type: string };
      assert.match(type, /^(refused|interaction-failed)$/, text);
    }
    socket.send('{"type":"hello","userId":"nobody"}');
    const [data] = (await once(socket, 'message')) as [Buffer];
    assert.equal((JSON.parse(String(data)) as { type: string }).type, 'ready');
    socket.terminate();
  });
});

test('a taken port: the message says which and what to set', async () => {
  const first = await startPlayground({ port: 0, dataFile: ':memory:' });
  const port = Number(new URL(first.url).port);
  await assert.rejects(startPlayground({ port, dataFile: ':memory:' }), {
    name: 'PlaygroundError',
    message: new RegExp(`^Port ${port} is already taken.*PLAYGROUND_PORT`),
  });
  await first.close();
});

test('a data file that cannot be opened: the message names it, and the port is free again', async () => {
  const first = await startPlayground({ port: 0, dataFile: ':memory:' });
  const port = Number(new URL(first.url).port);
  await first.close();
  await assert.rejects(startPlayground({ port, dataFile: '/nowhere/at/all.db' }), {
    name: 'PlaygroundError',
    message: /\/nowhere\/at\/all\.db.*DATA_DIR/,
  });
  await (await startPlayground({ port, dataFile: ':memory:' })).close();
});
