import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Client } from 'discord.js';
import { watchDeletions } from '../../../src/bot/discord/deletions.ts';
import type { Queue } from '../../../src/queue/contracts.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { anOrder } from '../../queue/orders.ts';
import { memoryLog } from '../../support/memory-log.ts';

const GUILD = '1300000000000001000';

type Tools = {
  queue: Queue;
  order: (context: object) => Promise<string>;
  /** Lets an event come, and waits until it was followed. */
  dispatch: (event: string, data: object) => Promise<void>;
  gone: (id: string) => Promise<boolean>;
};

/** discord.js's own dispatcher of gateway events, without a gateway. */
async function hearing(work: (tools: Tools) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-deletions-'));
  const limits = { waitingPerUser: 99, waitingPerGuild: 99 };
  const queue = await openQueue({ url: path.join(folder, 'queue.db'), limits });
  const client = new Client({ intents: [] });
  const { log, lines } = memoryLog();
  try {
    await work({
      queue,
      order: async (context) =>
        (await queue.line.submit({ ...anOrder(), guildId: GUILD, context: { ...context } })).id,
      async dispatch(event, data) {
        const end = watchDeletions(client, { archive: queue.archive, line: queue.line, log });
        client.ws.emit(event, data, 0);
        await end();
      },
      gone: async (id) => ((await queue.archive.get(id))?.retractedAt ?? null) !== null,
    });
    assert.ok(!lines.some(({ level }) => level === 'error'), JSON.stringify(lines));
  } finally {
    await client.destroy();
    await queue.close();
    await rm(folder, { recursive: true, force: true });
  }
}

test('one message, many at once, a channel, a thread: their jobs are retracted and stopped', async () => {
  await hearing(async ({ queue, order, dispatch, gone }) => {
    const ids: string[] = [];
    for (const n of [1, 2, 3, 4, 5]) {
      ids.push(await order({ messageId: String(n), channelId: String(10 + n) }));
    }
    await dispatch('MESSAGE_DELETE', { id: '1', channel_id: '11', guild_id: GUILD });
    await dispatch('MESSAGE_DELETE_BULK', { ids: ['2', '77'], channel_id: '12', guild_id: GUILD });
    await dispatch('CHANNEL_DELETE', { id: '13', type: 0, guild_id: GUILD });
    await dispatch('THREAD_DELETE', { id: '14', type: 11, guild_id: GUILD, parent_id: '1' });
    await dispatch('MESSAGE_DELETE', { id: '78', channel_id: '15', guild_id: GUILD });
    assert.deepEqual(await Promise.all(ids.map(gone)), [true, true, true, true, false]);
    const states = await Promise.all(ids.map((id) => queue.archive.get(id)));
    assert.deepEqual(
      states.map((job) => job?.status),
      ['cancelled', 'cancelled', 'cancelled', 'cancelled', 'waiting'],
    );
  });
});

test('a server that is left takes its jobs along and brings them back; an outage takes none', async () => {
  await hearing(async ({ order, dispatch, gone }) => {
    const id = await order({ messageId: '1', channelId: '11' });
    await dispatch('GUILD_DELETE', { id: GUILD, unavailable: true });
    assert.equal(await gone(id), false);
    await dispatch('GUILD_DELETE', { id: GUILD });
    assert.equal(await gone(id), true);
    await dispatch('GUILD_CREATE', { id: GUILD });
    assert.equal(await gone(id), false);
  });
});
