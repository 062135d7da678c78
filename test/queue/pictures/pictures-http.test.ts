import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../../src/engine/errors.ts';
import { openPictures } from '../../../src/queue/open-pictures.ts';
import { servePictures } from '../../../src/queue/pictures/pictures-http.ts';
import { openPictureStore, type PictureStore } from '../../../src/queue/pictures.ts';
import { memoryLog } from '../../support/memory-log.ts';

const SECRET = 'a secret: with/odd letters';
let folder: string;
let store: PictureStore;
let served: Awaited<ReturnType<typeof servePictures>>;
let url: string;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-lent-'));
  store = await openPictureStore(folder);
  const { log } = memoryLog();
  served = await servePictures({ store, host: '127.0.0.1', port: 0, secret: SECRET, log });
  url = `http://:${encodeURIComponent(SECRET)}@127.0.0.1:${served.port}`;
});
after(async () => {
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

test('a lent store does what the store itself does', async () => {
  const lent = await openPictures(url);
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  await lent.put('abc-0.png', bytes);
  assert.deepEqual(new Uint8Array((await store.get('abc-0.png'))!), bytes);
  assert.deepEqual(await lent.get('abc-0.png'), bytes);
  await lent.append('abc.steps-1', bytes.subarray(0, 10));
  await lent.append('abc.steps-1', bytes.subarray(10, 20));
  assert.deepEqual(await lent.get('abc.steps-1'), bytes.subarray(0, 20));
  assert.deepEqual((await lent.keys()).toSorted(), ['abc-0.png', 'abc.steps-1']);
  assert.deepEqual(await lent.sizes(), await store.sizes());
  assert.equal((await lent.sizes()).get('abc.steps-1'), 20);
  await lent.delete('abc-0.png');
  assert.equal(await lent.get('abc-0.png'), null);
  await lent.tryOut();
});

test('without the secret, or with a key that is none, nothing is read or written', async () => {
  await store.put('secret.png', new Uint8Array([1]));
  const at = `http://127.0.0.1:${served.port}`;
  for (const authorization of ['', 'Bearer', 'Bearer another', `Bearer ${SECRET} `.repeat(2)]) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const init = { method, headers: { authorization }, ...(method === 'PUT' && { body: 'x' }) };
      assert.equal((await fetch(`${at}/secret.png`, init)).status, 401);
    }
  }
  const headers = { authorization: `Bearer ${SECRET}` };
  for (const key of ['..%2f..%2fetc%2fpasswd', '.hidden', 'A.png', 'x'.repeat(200)]) {
    assert.equal((await fetch(`${at}/${key}`, { headers })).status, 400, key);
  }
  assert.deepEqual([...(await store.get('secret.png'))!], [1]);
});

test('a program that stops in the middle of a picture leaves nothing, and the store goes on', async () => {
  const socket = connect(served.port, '127.0.0.1');
  socket.write(
    `PUT /torn.png HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRET}\r\ncontent-length: 100000\r\n\r\nhalf`,
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  const lent = await openPictures(url);
  assert.equal(await lent.get('torn.png'), null);
});

test('a port that is taken, in a sentence', async () => {
  const { log } = memoryLog();
  const taken = { store, host: '127.0.0.1', port: served.port, secret: SECRET, log };
  await assert.rejects(servePictures(taken), (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, /^Pictures cannot be served at 127\.0\.0\.1:\d+ .*PICTURES_PORT/);
    return true;
  });
});

test('a store that is not there, another secret, no secret: sentences', async () => {
  const refusal = (address: string) =>
    openPictures(address).then(
      () => assert.fail('should have been refused'),
      (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        return error.message;
      },
    );
  assert.match(
    await refusal('http://:s@127.0.0.1:1'),
    /cannot be kept at http:..127.0.0.1:1 .*Start the bot/,
  );
  const other = url.replace(encodeURIComponent(SECRET), 'other');
  const words = await refusal(other);
  assert.match(words, /401 the secret is another one/);
  assert.match(await refusal(`http://127.0.0.1:${served.port}`), /must carry the secret/);
  assert.match(await refusal('ftp://key:word@bucket'), /expected a folder, http/);
});
