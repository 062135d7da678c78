import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { openMedia } from '../../../src/bot/pictures/media.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { UserError } from '../../../src/engine/errors.ts';

const text = textFor('en');
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  switch (request.url) {
    case '/picture':
      return response.end('bytes');
    case '/away':
      return response.writeHead(302, { location: '/picture' }).end();
    case '/endless': {
      // No stated length: only counting can stop it.
      const block = Buffer.alloc(1 << 20);
      const more = (): void => {
        while (!response.destroyed && response.write(block));
        if (!response.destroyed) response.once('drain', more);
      };
      return more();
    }
    case '/boast':
      return response.writeHead(200, { 'content-length': String(1 << 30) }).end();
    default:
      return response.writeHead(404).end();
  }
});
let origin = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test('only the hosts where Discord keeps files are trusted', () => {
  const media = openMedia(null);
  for (const url of [
    'https://cdn.discordapp.com/attachments/1/2/a.png?ex=1',
    'https://media.discordapp.net/attachments/1/2/a.png',
  ]) {
    assert.ok(media.trusts(url), url);
  }
  for (const url of [
    'http://cdn.discordapp.com/a.png',
    'https://cdn.discordapp.com.evil.example/a.png',
    'https://cdn.discordapp.com@evil.example/a.png',
    'https://user@cdn.discordapp.com/a.png',
    'https://cdn.discordapp.com:8443/a.png',
    'https://127.0.0.1/a.png',
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    '/etc/passwd',
    '',
  ]) {
    assert.ok(!media.trusts(url), url);
  }
});

test('a local Discord: its own origin and no other', async () => {
  const media = openMedia(`${origin}/api`);
  assert.equal(Buffer.from(await media.download(`${origin}/picture`, text)).toString(), 'bytes');
  assert.ok(media.trusts(`${origin.replace('127.0.0.1', 'localhost')}/picture`));
  for (const url of ['http://127.0.0.1:1/picture', 'https://cdn.discordapp.com/a.png']) {
    await assert.rejects(media.download(url, text), { message: text.fileNotFromDiscord }, url);
  }
});

test('redirects, missing files and too many bytes end in words', async () => {
  const media = openMedia(`${origin}/api`);
  asked.length = 0;
  const cases: [string, string][] = [
    ['/away', text.fileNotReachable],
    ['/nothing', text.fileNotReachable],
    ['/endless', text.fileTooLarge(25)],
    ['/boast', text.fileTooLarge(25)],
  ];
  for (const [path, message] of cases) {
    const failed = media.download(`${origin}${path}`, text);
    await assert.rejects(
      failed,
      (error) => error instanceof UserError && error.message === message,
    );
  }
  assert.ok(!asked.includes('/picture'), 'no redirect was followed');
});
