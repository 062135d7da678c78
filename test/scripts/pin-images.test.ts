import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const script = path.join(import.meta.dirname, '../../scripts/pin-images.ts');
let folder: string;
let registry: Server;
let host: string;
let manifest = '{"schemaVersion":2}';
let lies = false;

/** Speaks as registries do: who asks without a token is told where to get one. */
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'darkroom-pin-'));
  registry = createServer((request, response) => {
    const url = new URL(request.url ?? '', `http://${host}`);
    if (url.pathname === '/token') {
      return response.end(JSON.stringify({ token: `for ${url.searchParams.get('scope')}` }));
    }
    const scope = 'repository:library/node:pull';
    if (request.headers.authorization !== `Bearer for ${scope}`) {
      const realm = `Bearer realm="http://${host}/token",service="here",scope="${scope}"`;
      return response.writeHead(401, { 'www-authenticate': realm }).end();
    }
    if (url.pathname !== '/v2/library/node/manifests/24') return response.writeHead(404).end();
    if (lies) response.setHeader('docker-content-digest', `sha256:${'0'.repeat(64)}`);
    return response.end(manifest);
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
});
after(async () => {
  registry.close();
  await rm(folder, { recursive: true, force: true });
});

async function pin(text: string, ...args: string[]) {
  const file = path.join(folder, 'Dockerfile');
  await writeFile(file, text);
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string }>();
  const child = execFile(process.execPath, [script, file, ...args], (_, out, err) =>
    resolve({ code: child.exitCode ?? -1, out: out + err }),
  );
  return { ...(await promise), text: await readFile(file, 'utf8') };
}

const digest = () => `sha256:${createHash('sha256').update(manifest).digest('hex')}`;

test('the digest of what a tag means now is written behind its name, and asked for again', async () => {
  const rest = '\nFROM ${NODE_IMAGE} AS base\nARG OTHER=1\n';
  const first = await pin(`ARG NODE_IMAGE=${host}/library/node:24${rest}`);
  assert.equal(first.code, 0, first.out);
  assert.equal(first.text, `ARG NODE_IMAGE=${host}/library/node:24@${digest()}${rest}`);
  assert.equal((await pin(first.text, '--check')).code, 0);
  manifest = '{"schemaVersion":2,"moved":true}';
  const moved = await pin(first.text, '--check');
  assert.equal(moved.code, 1);
  assert.equal(moved.text, first.text, 'a look changes nothing');
  assert.ok((await pin(first.text)).text.includes(`node:24@${digest()}\n`));
});

test('a tag that is not there, a registry that lies or is away: a sentence, and nothing is changed', async () => {
  const texts = [`ARG A_IMAGE=${host}/library/node:25\n`, `ARG A_IMAGE=127.0.0.1:1/node:24\n`];
  for (const text of texts) {
    const answer = await pin(text);
    assert.deepEqual([answer.code, answer.text], [1, text]);
    assert.match(answer.out, /^The images could not be pinned, and nothing was changed: .*\.\n$/);
  }
  lies = true;
  const text = `ARG A_IMAGE=${host}/library/node:24\n`;
  const answer = await pin(text);
  assert.deepEqual([answer.code, answer.text], [1, text]);
  assert.match(answer.out, /says sha256:0+ and sends/);
});
