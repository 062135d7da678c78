import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import { forgetLeftBehind } from '../../src/bot/owner/left-behind.ts';
import { openPreferences, NO_PREFERENCES } from '../../src/bot/stores/preferences.ts';
import { openPresets } from '../../src/bot/stores/presets.ts';
import { openSettings } from '../../src/bot/stores/settings.ts';
import { openStars } from '../../src/bot/stores/stars.ts';
import { loadConfig } from '../../src/config.ts';
import { UserError } from '../../src/engine/errors.ts';
import { moveRows, takeOverRows } from '../../src/rows/moving-rows.ts';
import { openSharedRows, type SharedRows } from '../../src/rows/shared-rows.ts';
import { openHosts } from '../support/servers/hosts.ts';
import { memoryLog } from '../support/memory-log.ts';
import { waitUntil } from '../support/discord/messages.ts';
import { openPostgresServer } from '../support/servers/postgres-server.ts';
import { openRedisServer } from '../support/servers/redis-server.ts';

const [redis, postgres] = await Promise.all([
  openRedisServer(['--requirepass', 'word']),
  openPostgresServer(),
]);
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-shared-rows-'));
after(async () => {
  await redis?.close();
  await postgres?.close();
  await rm(folder, { recursive: true, force: true });
});

const { log, lines } = memoryLog();
const at = (name: string) => path.join(folder, name);
const star = (jobId: string, userId: string) => ({ jobId, index: 0, userId });
const redisUrl = redis?.url.replace('//', '//:word@') ?? '';
/** In words that hold no password. */
const tells = (words: RegExp) => (error: unknown) =>
  error instanceof UserError &&
  words.test(error.message) &&
  !/word@|w%2Frd|wrong@/.test(error.message);

const places = {
  Redis: { server: redis, url: redisUrl },
  Postgres: { server: postgres, url: postgres?.url ?? '' },
};
for (const [kind, { server, url }] of Object.entries(places)) {
  if (server === null) test(`settings in ${kind}`, (t) => t.skip(`there is no ${kind} here`));
  else describe(`settings in ${kind}`, () => contract(kind, server, url));
}

/** What holds wherever several bots share settings. */
function contract(
  kind: string,
  server: { kill(): Promise<void>; start(): Promise<void> },
  url: string,
): void {
  test('what a data folder holds moves there once, and two bots see each other’s changes', async () => {
    const own = { file: at(`${kind}.db`), log };
    const before = [
      openSettings(own),
      openPreferences(own),
      openStars(own),
      openPresets(own),
    ] as const;
    await before[0].change('g1', { steps: 33 });
    await before[0].changePolicy('g1', { blockedUsers: ['7'] });
    await before[1].set('u1', { ...NO_PREFERENCES, private: true });
    await before[2].toggle(star('job1', 'u1'), 'g1');
    for (const store of before) await store.close();

    const [a, b] = [await openSharedRows({ url, log }), await openSharedRows({ url, log })];
    assert.ok((await takeOverRows(a, { file: own.file, before: null, log })) >= 3);
    assert.equal(await takeOverRows(a, { file: own.file, before: null, log }), 0, 'once');
    const first = openSettings({ file: at('a.db'), shared: a, log });
    const second = openSettings({ file: at('b.db'), shared: b, log });
    assert.deepEqual(await second.defaults('g1'), { steps: 33 });
    const policy = await second.policy('g1');
    assert.equal(await second.policy('g1'), policy, 'the same object until it changes');
    await first.change('g1', { steps: 12 });
    assert.deepEqual(await second.defaults('g1'), { steps: 12 });
    await first.changePolicy('g1', { blockedUsers: ['7', '8'] });
    assert.deepEqual((await second.policy('g1')).blockedUsers, ['7', '8']);
    await second.forgetPerson('8');
    assert.ok(!(await first.policy('g1')).blockedUsers.includes('8'));

    const shared = { file: at('a.db'), shared: b, log };
    const [preferences, stars] = [openPreferences(shared), openStars(shared)];
    assert.equal((await preferences.get('u1')).private, true);
    assert.deepEqual(
      (await stars.of('u1')).map(({ jobId }) => jobId),
      ['job1'],
    );
    await stars.forgetPerson('u1', ['job1']);
    await preferences.forget('u1');
    assert.deepEqual(await stars.ofGuild('g1'), []);
    assert.deepEqual(await preferences.get('u1'), NO_PREFERENCES);
    await forgetLeftBehind(own.file, { userId: 'u1', jobs: ['job1'] }, log);
    await forgetLeftBehind(own.file, { userId: '7', jobs: [] }, log);
    const left = await readFile(own.file, 'latin1');
    assert.ok(!left.includes('user u1') && !left.includes('job1') && !left.includes('"7"'));
    // One store's end is not the others'.
    await first.close();
    assert.deepEqual((await second.policy('g1')).blockedUsers.length, 2);
    await a.close();
    assert.deepEqual((await second.policy('g1')).blockedUsers.length, 2);
    await b.close();
  });

  test('rows of any text and name come back as they were', async () => {
    const rows = await openSharedRows({ url, log });
    const odd = JSON.stringify({
      text: 'a%b_c\\ 猫 🎨 \u0000 \ud800 \' " $1',
      long: 'x'.repeat(200_000),
    });
    await rows.set('odd%_:ключ', odd);
    await rows.set('oddXY:other', '1');
    assert.equal(await rows.get('odd%_:ключ'), odd);
    assert.equal(await rows.get('odd%_'), undefined);
    assert.deepEqual(await rows.open().keysIn('odd%_'), ['ключ']);
    for (let n = 0; n < 150; n++) await rows.set(`many:${n}`, '{}');
    assert.equal((await rows.open().keysIn('many')).length, 150);
    assert.equal(await rows.open().delete('odd%_:ключ'), true);
    assert.equal(await rows.open().delete('odd%_:ключ'), false);
    await rows.close();
  });

  test('out of reach: words instead of defaults, nothing is replaced, and then all is there', async () => {
    const shared = await openSharedRows({ url, log });
    const rows = { file: at('c.db'), shared, log };
    const [settings, stars] = [openSettings(rows), openStars(rows)];
    await settings.changePolicy('g2', { blockedUsers: ['9'] });
    await stars.toggle(star('job2', 'u2'), 'g2');
    lines.length = 0;
    await server.kill();
    const isTold = tells(/settings cannot be reached/);
    await assert.rejects(settings.policy('g2'), isTold);
    await assert.rejects(settings.change('g2', { steps: 4 }), isTold);
    await assert.rejects(stars.toggle(star('job3', 'u2'), 'g2'), isTold);
    await assert.rejects(openSharedRows({ url, log }), isTold, 'nor does a program start');
    await server.start();
    await waitUntil(
      () =>
        settings.policy('g2').then(
          ({ blockedUsers }) => blockedUsers.length === 1,
          () => false,
        ),
      'there again',
    );
    assert.deepEqual(
      (await stars.of('u2')).map(({ jobId }) => jobId),
      ['job2'],
    );
    const told = lines.map(({ message }) => message).filter((said) => said.includes('settings ca'));
    assert.ok(told.includes('the settings cannot be reached'));
    assert.ok(told.includes('the settings can be reached again'));
    await shared.close();
  });

  test('a connection that is dead without a word is opened anew', async () => {
    const host = await openHosts('proxies')!.add(Number(new URL(url).port));
    const near = new URL(url);
    near.port = String(host.address.port);
    const rows = await openSharedRows({ url: near.href, log });
    await rows.set('dead:line', '1');
    host.lose();
    await assert.rejects(rows.get('dead:line'), tells(/settings cannot be reached/));
    await waitUntil(
      () =>
        rows.get('dead:line').then(
          (row) => row === '1',
          () => false,
        ),
      'again',
    );
    await rows.close();
    await host.close();
  });

  test('a wrong password is said as such', async () => {
    const wrong = url.replace(/:[^:@/]*@/, ':wrong@');
    await assert.rejects(openSharedRows({ url: wrong, log }), tells(/refuses the password/));
  });
}

test('bad addresses are told with all other mistakes, without what they hold', () => {
  for (const bad of ['mysql://u:secret@h/d', 'postgres:', 'data/settings.db', 'http://h']) {
    assert.throws(() => loadConfig({ SETTINGS_URL: bad }), /SETTINGS_URL is no address/);
    assert.throws(
      () => loadConfig({ SETTINGS_URL: bad }),
      (error: Error) => !error.message.includes('secret'),
    );
  }
  const good = ['postgres://u:p@h/d', 'postgresql://h/d?sslmode=verify-full', 'rediss://h:1'];
  for (const url of good) assert.equal(loadConfig({ SETTINGS_URL: url }).settingsUrl, url);
});

describe(
  'a Postgres that cannot be used',
  { skip: postgres === null && 'there is no Postgres here' },
  () => {
    const named = (database: string) => postgres!.url.replace('/darkroom', `/${database}`);

    test('no such database, another encoding, no right to make a table', async () => {
      await assert.rejects(openSharedRows({ url: named('other'), log }), tells(/no such database/));
      await assert.rejects(
        openSharedRows({ url: named('latin'), log }),
        tells(/LATIN1.*ENCODING 'UTF8'/),
      );
      const guest = postgres!.url.replace('bot:w%2Frd', 'guest:guest');
      await assert.rejects(
        openSharedRows({ url: guest, table: 'new_one', log }),
        tells(/may not make their table/),
      );
    });

    test('a user who may use the table needs no right to make one', async () => {
      await (await openSharedRows({ url: postgres!.url, table: 'given', log })).close();
      const admin = new pg.Client(postgres!.adminUrl);
      await admin.connect();
      await admin.query('GRANT SELECT, INSERT, UPDATE, DELETE ON public.given TO guest');
      await admin.end();
      const url = postgres!.url.replace('bot:w%2Frd', 'guest:guest');
      const rows = await openSharedRows({ url, table: 'given', log });
      await rows.set('a:b', '1');
      await rows.open().compact();
      assert.equal(await rows.get('a:b'), '1');
      await rows.close();
    });
  },
);

const both = { skip: (redis === null || postgres === null) && 'needs Redis and Postgres' };

describe('from one place to another', both, () => {
  const opened: SharedRows[] = [];
  const open = async (url: string, name: string) => {
    const rows = await openSharedRows({ url, prefix: `{${name}}`, table: name, log });
    opened.push(rows);
    return rows;
  };
  after(() => Promise.all(opened.map((rows) => rows.close())));

  test('a bot that is given SETTINGS_URL takes over what lay with the queue, once, not what its file held before', async () => {
    const [queue, rows] = [await open(redisUrl, 'one'), await open(postgres!.url, 'one')];
    const file = at('old.db');
    const own = openPreferences({ file, log });
    await own.set('old', { ...NO_PREFERENCES, language: 'de' });
    await own.close();
    await takeOverRows(queue, { file, before: null, log });
    const there = openPreferences({ file, shared: queue, log });
    await there.forget('old');
    await there.set('new', { ...NO_PREFERENCES, language: 'fr' });

    assert.equal(await takeOverRows(rows, { file, before: queue, log }), 1);
    const now = openPreferences({ file, shared: rows, log });
    assert.equal((await now.get('old')).language, null, 'what was deleted does not come back');
    assert.equal((await now.get('new')).language, 'fr');
    await now.forget('new');
    // Another bot with a data folder of its own.
    assert.equal(await takeOverRows(rows, { file: at('other.db'), before: queue, log }), 0);
    assert.equal((await now.get('new')).language, null);
  });

  test('what went elsewhere before is told, not taken over from the file', async () => {
    const [one, two] = [await open(redisUrl, 'two'), await open(postgres!.url, 'two')];
    const file = at('elsewhere.db');
    const own = openPreferences({ file, log });
    await own.set('p', { ...NO_PREFERENCES, language: 'de' });
    await own.close();
    assert.equal(await takeOverRows(one, { file, before: null, log }), 1);
    lines.length = 0;
    assert.equal(await takeOverRows(two, { file, before: null, log }), 0);
    assert.match(lines[0]?.message ?? '', /moved elsewhere before.*queue -- settings FROM TO/);
  });

  test('by hand: file, Redis, Postgres and back, what is there stays', async () => {
    const file = at('hand.db');
    const own = openPreferences({ file, log });
    await own.set('by-hand', { ...NO_PREFERENCES, language: 'de' });
    await own.close();
    await moveRows(file, redisUrl, log);
    await moveRows(redisUrl, postgres!.url, log);
    const back = at('back.db');
    assert.ok((await moveRows(postgres!.url, back, log)).copied >= 1);
    const again = await moveRows(postgres!.url, back, log);
    assert.equal(again.copied, 0);
    assert.ok(again.there >= 1);
    const after = openPreferences({ file: back, log });
    assert.equal((await after.get('by-hand')).language, 'de');
    await after.close();
    await assert.rejects(moveRows(at('none.db'), back, log), tells(/There are no settings at/));
    await assert.rejects(
      moveRows(back, 'mysql://u:w@h/d', log),
      tells(/There are no settings at "mysql:\/\/…@h/),
    );
  });
});

describe(
  'a Redis without room, and one that throws away',
  { skip: redis === null && 'there is no Redis here' },
  () => {
    test('both in words', async () => {
      const rows = await openSharedRows({ url: redisUrl, log });
      const admin = new Redis(redisUrl);
      const keys = await admin.keys('*');
      assert.ok(keys.every((key) => /^\{\w+\}:kept:/.test(key)));
      await admin.config('SET', 'maxmemory', '1');
      await assert.rejects(
        rows.set('a:b', '1'),
        tells(/cannot be kept: where they lie is no room/),
      );
      await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await admin.config('SET', 'maxmemory', '100mb');
      await assert.rejects(
        openSharedRows({ url: redisUrl, log }),
        tells(/may lose them: its maxmemory-policy is allkeys-lru/),
      );
      await admin.quit();
      await rows.close();
    });
  },
);
