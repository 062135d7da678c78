import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ownPart, shareOf } from '../../../src/bot/discord/shards.ts';
import { loadConfig } from '../../../src/config.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { anOrder } from '../../queue/orders.ts';

const at = (n: number) => String(BigInt(n) << 22n);

test('SHARDS: ranges and lists, or one sentence', () => {
  const shards = (text: string) =>
    loadConfig({ SHARDS: text, QUEUE_URL: 'redis://127.0.0.1' }).shards;
  assert.deepEqual(shards('0-3/8'), { ids: [0, 1, 2, 3], count: 8 });
  assert.deepEqual(shards(' 6, 0,2-3,2 / 8'), { ids: [0, 2, 3, 6], count: 8 });
  assert.deepEqual(shards('0/1'), { ids: [0], count: 1 });
  assert.equal(loadConfig({}).shards, null);
  for (const wrong of ['3', '0-3', '0-8/8', '8/8', '3-1/8', '/8', '-1/8', 'a/b', '0/0', '1,,2/8']) {
    assert.throws(() => shards(wrong), /SHARDS is .*expected some of all shards.*0-3\/8/, wrong);
  }
  assert.throws(
    () => loadConfig({ SHARDS: '0/2' }),
    (error) =>
      error instanceof UserError && /set QUEUE_URL to the queue they share/.test(error.message),
  );
});

test('every server and every direct message belongs to one process, and one of them leads', () => {
  const parts = [[0, 1], [2], [3, 4]].map((ids) => shareOf({ ids, count: 5 }));
  for (let n = 0; n < 50; n++) {
    assert.deepEqual(
      parts.map(({ owns }) => owns(at(n))),
      [n % 5 < 2, n % 5 === 2, n % 5 > 2],
    );
  }
  assert.deepEqual(
    parts.map(({ owns }) => owns('dm:123456789012345678')),
    [true, false, false],
  );
  assert.deepEqual(
    parts.map(({ leads }) => leads),
    [true, false, false],
  );
  const all = shareOf(null);
  assert.ok(all.leads && all.owns(at(3)));
});

test('a process hears of its own jobs, and takes up its own', async () => {
  const limits = { waitingPerUser: 9, waitingPerGuild: 9 };
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-shards-'));
  const queue = await openQueue({ url: `sqlite:${path.join(folder, 'queue.db')}`, limits });
  const clock = { now: Date.now() };
  const [even, odd] = [0, 1].map((id) =>
    ownPart(queue, shareOf({ ids: [id], count: 2 }), () => clock.now),
  );
  const heard: string[] = [];
  even!.events.subscribe(({ job }) => heard.push(`even ${job.guildId}`));
  odd!.events.subscribe(({ job }) => heard.push(`odd ${job.guildId}`));
  for (const guildId of [at(4), at(7), 'dm:9']) {
    const job = await odd!.line.submit(anOrder({ guildId }));
    queue.events.publish({ job, state: { status: 'running', progress: null } });
  }
  assert.deepEqual(heard, [`even ${at(4)}`, `odd ${at(7)}`, 'even dm:9']);
  const own = async (part: typeof even) =>
    (await part!.archive.unsettled()).map(({ guildId }) => guildId);
  assert.deepEqual([await own(even), await own(odd)], [[at(4), 'dm:9'], [at(7)]]);
  await odd!.deferrals.note('p', { token: 't' });
  const open = async () => [
    (await even!.deferrals.open()).length,
    (await odd!.deferrals.open()).length,
  ];
  assert.deepEqual(await open(), [0, 1]);
  clock.now += 3_600_000;
  assert.deepEqual(await open(), [1, 1], 'what can no longer be answered is cleared away');
  await queue.close();
  await rm(folder, { recursive: true, force: true });
});
