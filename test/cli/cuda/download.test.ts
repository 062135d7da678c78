import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { download } from '../../../src/cli/cuda/download.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { type Fault, openRegistry, type Registry } from './registry.ts';

const BYTES = randomBytes(300_000);
const digest = createHash('sha256').update(BYTES).digest('hex');
const QUICK = { pauseMs: 1, tries: 3, stallMs: 1000 };

let registry: Registry;
let folder: string;
let made = 0;
before(async () => {
  registry = await openRegistry();
  folder = mkdtempSync(path.join(tmpdir(), 'download-'));
});
after(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

function wanted(faults: Fault[] = []) {
  const place = `/file-${++made}.whl`;
  registry.files.set(place, BYTES);
  registry.faults.set(place, faults);
  registry.asked.length = 0;
  const file = path.join(folder, `file-${made}.whl`);
  return {
    url: registry.url + place,
    file,
    bytes: BYTES.length,
    algorithm: 'sha256',
    digest,
  } as const;
}

const partOf = ({ file }: { file: string }): string => `${file}.${digest.slice(0, 12)}.part`;

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail('expected a refusal'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof UserError, String(error));
  return error.message;
}

test('a line that breaks again and again: it goes on where it stopped, however often', async () => {
  const faults = Array.from({ length: 20 }, () => ({ breakAfter: 10_000 }));
  const one = wanted(faults);
  await download(one, QUICK);
  assert.deepEqual(readFileSync(one.file), BYTES);
  assert.ok(!existsSync(partOf(one)));
  const ranges = registry.asked.map((each) => Number(/bytes=(\d+)/.exec(each)?.[1] ?? 0));
  assert.ok(ranges.length > 20);
  assert.deepEqual(
    ranges,
    ranges.toSorted((a, b) => a - b),
  );
});

test('a run that was ended goes on in the next one', async () => {
  const one = wanted([{ breakAfter: 100_000 }, { status: 503 }, { status: 503 }, { status: 503 }]);
  assert.match(
    await refusal(download(one, QUICK)),
    /could not be fetched: the server answers 503\. Start again/,
  );
  assert.ok(readFileSync(partOf(one)).length > 0);
  registry.asked.length = 0;
  await download(one, QUICK);
  assert.match(registry.asked[0] ?? '', /bytes=\d+-/);
  assert.deepEqual(readFileSync(one.file), BYTES);
});

test('servers that know no ranges, answer with another part, or stall', async () => {
  for (const fault of [
    'no-ranges',
    'wrong-range',
    'stall',
    { status: 416 },
    { status: 429 },
  ] as const) {
    const one = wanted([{ breakAfter: 50_000 }, fault]);
    await download(one, QUICK);
    assert.deepEqual(readFileSync(one.file), BYTES, JSON.stringify(fault));
  }
});

test('another size than published is said at once, whatever way it comes', async () => {
  for (const fault of [
    { length: 299_999 },
    { bytes: Buffer.alloc(400_000) },
    { endless: true },
  ] as const) {
    const one = wanted([fault, fault]);
    assert.match(
      await refusal(download(one, QUICK)),
      /30{5} bytes it should have|bytes, its publisher says 300000/,
    );
    assert.ok(!existsSync(one.file));
  }
  const part = wanted([{ breakAfter: 1000 }, { bytes: Buffer.alloc(400_000) }]);
  assert.match(await refusal(download(part, QUICK)), /publisher says 300000/);
});

test('other bytes than published never get their name; a damaged beginning costs one more try', async () => {
  const other = wanted([{ bytes: randomBytes(300_000) }]);
  assert.match(await refusal(download(other, QUICK)), /another sha256 checksum .* thrown away/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith(path.basename(other.file))),
    [],
  );

  const resumed = wanted();
  writeFileSync(partOf(resumed), Buffer.alloc(200_000, 1));
  await download(resumed, QUICK);
  assert.deepEqual(readFileSync(resumed.file), BYTES);
  const longer = wanted();
  writeFileSync(partOf(longer), Buffer.alloc(400_000, 1));
  await download(longer, QUICK);
  assert.deepEqual(readFileSync(longer.file), BYTES);
});

test('what can never come, and where nothing is fetched from', async () => {
  assert.match(
    await refusal(download({ ...wanted(), url: `${registry.url}/none` }, QUICK)),
    /answers 404/,
  );
  assert.match(
    await refusal(download({ ...wanted(), url: 'http://example.org/x' }, QUICK)),
    /is not https/,
  );
  assert.match(
    await refusal(download({ ...wanted(), url: 'file:///etc/passwd' }, QUICK)),
    /is not https/,
  );
  const huge = { ...wanted(), bytes: 2 ** 52 };
  assert.match(await refusal(download(huge, QUICK)), /needs \d+ MB more on the disk/);
  const closed = { ...wanted(), url: 'http://127.0.0.1:9/x' };
  assert.match(
    await refusal(download(closed, QUICK)),
    /could not be fetched: .*ECONNREFUSED|bad port/,
  );
});
