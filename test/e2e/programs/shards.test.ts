import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allDone, idsOf, imagine, inHall, order } from '../../support/hall.ts';
import { isDone, textOf, waitUntil } from '../../support/discord/messages.ts';
import { openRedisServer } from '../../support/servers/redis-server.ts';
import { slowly } from '../../support/models/slow-network.ts';

const redis = await openRedisServer();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-shards-'));
after(async () => {
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});
const skip = redis === null ? 'there is no redis-server here: apt-get install redis-server' : false;

test(
  'two processes share one bot: each answers its servers, one leads, one message a picture',
  { skip },
  async () => {
    let registrations = 0;
    await inHall(
      async (hall) => {
        const { ada } = hall;
        hall.onExchange = ({ method, path: asked }) => {
          if (method === 'PUT' && asked.endsWith('/commands')) registrations++;
        };
        // The playground's servers are of shard 2 of 3; its direct messages of shard 0, which paints.
        const second = hall.startAnother({ SHARDS: '2/3', DEVICES: 'none' });
        await imagine(hall, 'by two', 3);
        await waitUntil(() => ada.messages().some(isDone), 'the picture', 60_000);
        await allDone(hall, idsOf(hall).slice(-1));
        await order(hall, 'models', {});
        await ada.waitForMessage((one) => /### Models/.test(textOf(one)), 30_000);
        const begun = registrations;
        assert.ok(begun <= 1, `${begun} registrations`);

        // The one that paints goes on while the other one is away; what it missed is delivered once it is back.
        const painted = ada.messages().filter(isDone).length;
        await imagine(hall, 'while away', 40);
        const isThere = (one: Parameters<typeof textOf>[0]) =>
          /while away/.test(textOf(one)) && /Step \d/.test(textOf(one));
        await ada.waitForMessage(isThere, 60_000);
        second.kill('SIGKILL');
        hall.startAnother({ SHARDS: '2/3', DEVICES: 'none' });
        await waitUntil(() => ada.messages().filter(isDone).length === painted + 1, 'both', 60_000);
        await sleep(500);
        assert.equal(ada.messages().filter(isDone).length, painted + 1, 'once');
      },
      {
        env: {
          ...slowly(100),
          QUEUE_URL: redis!.url,
          PICTURES_URL: path.join(folder, 'pictures'),
          SHARDS: '0-1/3',
        },
      },
    );
  },
);
