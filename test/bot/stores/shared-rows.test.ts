import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { openPreferences, NO_PREFERENCES } from '../../../src/bot/stores/preferences.ts';
import { openPresets } from '../../../src/bot/stores/presets.ts';
import { openSettings } from '../../../src/bot/stores/settings.ts';
import { openSharedRows } from '../../../src/bot/stores/shared-rows.ts';
import { openStars } from '../../../src/bot/stores/stars.ts';
import { UserError } from '../../../src/engine/errors.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { waitUntil } from '../../support/messages.ts';
import { openRedisServer } from '../../support/redis-server.ts';

const server = await openRedisServer(['--requirepass', 'word']);
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-shared-rows-'));
after(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

if (server === null) {
  test('settings in Redis', (t) => t.skip('there is no redis-server here'));
} else {
  const { log, lines } = memoryLog();
  const url = server.url.replace('//', '//:word@');
  const at = (name: string) => path.join(folder, name);
  const star = (jobId: string, userId: string) => ({ jobId, index: 0, userId });

  describe('settings in Redis', () => {
    test('what a data folder holds moves there once, and two bots see each other’s changes', async () => {
      const own = { file: at('settings.db'), log };
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
      assert.ok((await a.takeOver(own.file)) >= 3);
      assert.equal(await a.takeOver(own.file), 0, 'once');
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
      assert.deepEqual(await stars.ofGuild('g1'), []);
      // One store's end is not the others'.
      await first.close();
      assert.equal((await preferences.get('u1')).private, true);

      const redis = new Redis(url);
      const keys = await redis.keys('*');
      assert.ok(keys.length > 0 && keys.every((key) => key.startsWith('{darkroom}:kept:')));
      await redis.quit();
      await a.close();
      await b.close();
    });

    test('out of reach: words instead of defaults, nothing is replaced, and then all is there', async () => {
      const shared = await openSharedRows({ url, prefix: '{away}', log });
      const rows = { file: at('c.db'), shared, log };
      const [settings, stars] = [openSettings(rows), openStars(rows)];
      await settings.changePolicy('g2', { blockedUsers: ['9'] });
      await stars.toggle(star('job2', 'u2'), 'g2');
      await server.kill();
      const isTold = (error: unknown) =>
        error instanceof UserError && /settings cannot be reached/.test(error.message);
      await assert.rejects(settings.policy('g2'), isTold);
      await assert.rejects(settings.change('g2', { steps: 4 }), isTold);
      await assert.rejects(stars.toggle(star('job3', 'u2'), 'g2'), isTold);
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
      assert.ok(lines.some(({ message }) => /settings in Redis cannot be reached/.test(message)));
      await shared.close();
      const nowhere = openSharedRows({ url: 'redis://127.0.0.1:4', log });
      await assert.rejects(nowhere, isTold);
    });
  });
}
