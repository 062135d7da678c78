import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadConfig } from '../../../src/config.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { openPictures } from '../../../src/queue/open-pictures.ts';
import { failureOf, StoreError } from '../../../src/runner/attempt/failure.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { openS3Server } from '../../support/servers/s3-server.ts';

const SECRET = 'a/secret+with odd&letters%';
const server = await openS3Server({ key: 'KEY1', secret: SECRET, region: 'eu-1' });
after(() => server.close());

const at = (path: string, secret = SECRET, key = 'KEY1', region = 'eu-1') =>
  `s3+http://${key}:${encodeURIComponent(secret)}@${server.host}/${path}?region=${region}`;

test('a bucket keeps pictures, adds to what is added to, and lists more than a page', async () => {
  const store = await openPictures(at('pictures/dark room/ä&b'));
  const bytes = Uint8Array.from({ length: 300_000 }, (_, n) => n % 251);
  await store.put('abc-0.png', bytes);
  assert.deepEqual(await store.get('abc-0.png'), bytes);
  assert.equal(await store.get('none-0.png'), null);
  assert.equal(await store.get('none.steps-1'), null);
  await store.put('abc.steps-1', bytes.subarray(0, 10));
  for (let n = 1; n < 12; n++) {
    await store.append('abc.steps-1', bytes.subarray(n * 10, n * 10 + 10));
  }
  assert.deepEqual(await store.get('abc.steps-1'), bytes.subarray(0, 120), 'in order');
  // Another attempt's file, and one that only ever was added to.
  await store.append('abc.steps-12', bytes.subarray(0, 5));
  assert.deepEqual(await store.get('abc.steps-12'), bytes.subarray(0, 5));
  assert.deepEqual(await store.get('abc.steps-1'), bytes.subarray(0, 120));
  const all = ['abc-0.png', 'abc.steps-1', 'abc.steps-12'];
  assert.deepEqual((await store.keys()).toSorted(), all);
  assert.deepEqual([...(await store.sizes())].toSorted(), [
    ['abc-0.png', 300_000],
    ['abc.steps-1', 120],
    ['abc.steps-12', 5],
  ]);
  const other = await openPictures(at('pictures/dark room'));
  assert.deepEqual(await other.keys(), [], 'what lies in another folder is none of its own');
  await store.put('abc.steps-1', bytes.subarray(0, 3));
  assert.deepEqual(await store.get('abc.steps-1'), bytes.subarray(0, 3), 'begun anew');
  for (const key of all) await store.delete(key);
  await store.delete('abc-0.png');
  assert.equal(server.objects.size, 0, [...server.objects.keys()].join(' '));
  await assert.rejects(store.put('../x', bytes), /not a picture key/);
});

test('a bucket that is busy for a moment is asked again', async () => {
  const store = await openPictures(at('pictures'));
  server.state.busy = 2;
  await store.put('busy-0.png', new Uint8Array(4));
  assert.deepEqual(await store.get('busy-0.png'), new Uint8Array(4));
  await store.delete('busy-0.png');
});

test('a bucket without room: its own words for the person, the same as for a disk', async () => {
  const store = await openPictures(at('pictures'));
  server.state.full = true;
  const cause: unknown = await store.put('full-0.png', new Uint8Array(4)).catch((e: unknown) => e);
  await assert.rejects(store.tryOut(), /XMinioStorageFull/);
  await assert.rejects(openPictures(at('pictures')), /has no room for pictures/);
  server.state.full = false;
  const error = new StoreError('x', { cause });
  const { log } = memoryLog();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const failure = failureOf(error, { id: 'a' } as never, () => 'r1', log);
  assert.ok(failure !== 'retry' && /no room left where pictures are kept/.test(failure.message));
  await store.tryOut();
});

test('what cannot be a bucket, or refuses, is told in words without the secret', async () => {
  const refusal = (address: string) =>
    openPictures(address).then(
      () => assert.fail('should have been refused'),
      (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        assert.doesNotMatch(error.message, /odd|wrong-secret/);
        return error.message;
      },
    );
  assert.match(await refusal(at('pictures', 'wrong-secret')), /refuses the key .*SignatureDoesNot/);
  assert.match(await refusal(at('pictures', SECRET, 'KEY2')), /refuses the key .*InvalidAccessKey/);
  assert.match(await refusal(at('pictures', SECRET, 'KEY1', 'us-1')), /refuses the key .*region/);
  assert.match(await refusal(at('nowhere')), /There is no bucket at http:..127.*nowhere/);
  assert.match(await refusal(at('')), /names no bucket/);
  assert.match(await refusal(`s3://${server.host}/pictures`), /must carry a key/);
  assert.match(await refusal('s3://k:s@127.0.0.1:4/pictures'), /cannot be kept at .*ECONNREFUSED/);
});

test('the key may stand in the environment', async () => {
  const { picturesUrl } = loadConfig({
    PICTURES_URL: `s3+http://${server.host}/pictures?region=eu-1`,
    AWS_ACCESS_KEY_ID: 'KEY1',
    AWS_SECRET_ACCESS_KEY: SECRET,
  });
  await (await openPictures(picturesUrl!)).tryOut();
  const folder = { PICTURES_URL: '/mnt/x', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  assert.equal(loadConfig(folder).picturesUrl, '/mnt/x');
});
