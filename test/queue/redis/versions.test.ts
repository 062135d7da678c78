import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { hasOf, needsOf } from '../../../src/engine/request/needs.ts';
import { openRegistry } from '../../../src/engine/model/registry.ts';
import type { GenerateRequest, ModelInfo } from '../../../src/engine/request.ts';
import { openPictureStore } from '../../../src/queue/pictures.ts';
import { openQueue } from '../../../src/queue/queue.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { openRedisServer } from '../../support/servers/redis-server.ts';
import { MODELS } from '../../support/engine.ts';
import { anOrder, aRequest, WORKER } from '../orders.ts';

const limits = { waitingPerUser: 100, waitingPerGuild: 100 };
const server = await openRedisServer();
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-versions-'));
after(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A machine's models folder: the demo model, under a name, and a LoRA file. */
async function machine(name: string, model: string, lora: string | null): Promise<ModelInfo[]> {
  const models = path.join(folder, name);
  await cp(path.join(MODELS, 'demo'), path.join(models, model), { recursive: true });
  await mkdir(path.join(models, 'loras'));
  if (lora !== null) await writeFile(path.join(models, 'loras', 'Style.safetensors'), lora);
  return [...(await openRegistry(models).list())];
}

const lacking = (request: GenerateRequest, models: ModelInfo[], other: ModelInfo[]) => {
  const has = new Set(hasOf(other));
  return needsOf(request, models).filter((need) => !has.has(need));
};

test('what an order needs: model, refiner, family, LoRA by its content, VAE, upscaler', async () => {
  const first = await machine('first', 'demo', 'some weights');
  const second = await machine('second', 'demo', 'other weights of that name');
  const third = await machine('third', 'demo', null);
  const fourth = await machine('fourth', 'other', 'some weights');
  const plain = aRequest({});
  const styled = aRequest({ prompt: 'an apple <lora:style:0.8>' });
  for (const [asked, other, expected] of [
    [plain, second, []],
    [plain, fourth, ['model:demo']],
    [styled, first, []],
    [styled, second, [/^lora:[0-9a-f]{12}$/]],
    [styled, third, [/^lora:/]],
    [styled, fourth, ['model:demo']],
    [aRequest({ refiner: { model: 'xl', switchAt: 0.8 } }), first, ['model:xl']],
    [aRequest({ vae: 'soft' }), first, ['vae:soft']],
  ] as const) {
    const lacks = lacking(asked, first, other);
    assert.equal(lacks.length, expected.length, `${lacks}`);
    for (const [at, one] of expected.entries()) {
      if (typeof one === 'string') assert.equal(lacks[at], one);
      else assert.match(lacks[at]!, one);
    }
  }
  assert.deepEqual(lacking(plain, [{ ...first[0]!, family: 'flux' }], second), ['family:flux']);
  // What a later version may add: names that this one does not know.
  const later = {
    ...plain,
    sampler: 'later_2m' as 'euler',
    hires: { scale: 2, steps: 5, strength: 0.5, upscaler: 'later' as 'pixel' },
    brightness: 3,
  };
  const unknown = ['upscaler:later', 'way:later_2m', 'field:brightness'];
  assert.deepEqual(lacking(later, first, first), unknown);
  assert.deepEqual(needsOf(aRequest({ hires: null, pagScale: 3 })), ['payload:1', 'model:demo']);
});

if (server === null) {
  test('versions side by side', (t) => t.skip('there is no redis-server here'));
} else {
  const pictures = await openPictureStore(path.join(folder, 'pictures'), { shared: true });
  const open = async (prefix: string, needs?: readonly string[]) => {
    const { log, lines } = memoryLog();
    const options = { url: server.url, limits, pictures, prefix: `{${prefix}}`, log };
    const queue = await openQueue({ ...options, ...(needs && { needsOf: () => needs }) });
    return { queue, line: queue.line, lines };
  };
  const worker = (...has: string[]) => ({ ...WORKER, has: [...has, 'model:demo'] });

  describe('versions side by side', () => {
    test('an update, workers before bots: each job is painted by one that knows it', async () => {
      const oldBot = await open('update');
      const newBot = await open('update', ['payload:2', 'model:demo']);
      const oldWorker = worker('payload:1');
      const newWorker = worker('payload:1', 'payload:2');
      const { id: first } = await oldBot.line.submit(anOrder());
      assert.equal((await newBot.line.claim(newWorker))?.job.id, first, 'new ones read old orders');
      const { id: second } = await newBot.line.submit(anOrder());
      const { id: third } = await oldBot.line.submit(anOrder());
      assert.equal((await oldBot.line.claim(oldWorker))?.job.id, third, 'it holds up nobody');
      assert.equal(await oldBot.line.claim(oldWorker), null);
      assert.equal((await newBot.line.claim(newWorker))?.job.id, second);
      for (const { queue } of [oldBot, newBot]) await queue.close();
    });

    test('what cannot be read is handed back, and the log, its place and others tell so', async () => {
      const { queue, line, lines } = await open('unread');
      const other = await open('unread');
      const { id: strange } = await line.submit(anOrder());
      const { id: broken } = await line.submit(anOrder());
      const { id: plain } = await line.submit(anOrder());
      const redis = new Redis(server.url);
      const key = (id: string) => `{unread}:job:${id}`;
      const text = await redis.hget(key(strange), 'request');
      await redis.hset(key(strange), 'request', text!.replace('"version":1', '"version":7'));
      await redis.hset(key(broken), 'request', text!.slice(0, 50));
      await redis.quit();

      const claim = await line.claim(WORKER);
      assert.equal(claim?.job.id, plain, 'it holds up nobody');
      assert.equal(await line.claim(WORKER), null, 'nor is it tried again and again');
      assert.equal((await queue.archive.get(broken))?.status, 'failed');
      const job = await other.queue.archive.get(strange);
      assert.equal(job?.status, 'waiting');
      assert.equal(job.request, 'unreadable');
      assert.ok(lines.some(({ message }) => /of another version .* was handed back/.test(message)));
      await queue.workers.report({ name: 'w', models: [], has: hasOf([]), devices: [] });
      const [place] = await line.outlook();
      assert.equal(place?.id, strange);
      assert.ok(place.lacks !== undefined);
      assert.equal(await other.line.claim(WORKER), null, 'the other one looks at it once, too');
      assert.equal((await queue.archive.get(strange))?.attempt, 2);
      for (const each of [queue, other.queue]) await each.close();
    });

    test('a place says what no machine that is up has, as long as none has it', async () => {
      const { queue, line } = await open('lacks');
      await line.submit(anOrder({ request: aRequest({ model: 'xl' }) }));
      await line.submit(anOrder());
      assert.deepEqual(
        (await line.outlook()).map(({ lacks }) => lacks),
        [undefined, undefined],
        'nothing is known of any machine',
      );
      const report = (...models: string[]) => ({
        name: models.join('-'),
        models: [],
        devices: [],
        has: ['payload:1', ...models.map((model) => `model:${model}`)],
      });
      await queue.workers.report(report('demo'));
      const lacks = async () => (await line.outlook()).map((place) => place.lacks);
      assert.deepEqual(await lacks(), ['model:xl', undefined]);
      await queue.workers.report(report('xl'));
      assert.deepEqual(await lacks(), [undefined, undefined]);
      await queue.close();
    });

    test('what an older version left and still adds in its own lines is taken over', async () => {
      const { queue, line } = await open('older');
      const redis = new Redis(server.url);
      const key = (name: string) => `{older}:${name}`;
      const ids: string[] = [];
      for (let n = 0; n < 3; n++) {
        const order = anOrder({ guildId: n === 1 ? 'g2' : 'g1' });
        ids.push((await line.submit(order)).id);
      }
      // As they stood there before: a list a person, tags and clocks by other names.
      const named = await redis.keys(key('line:*'));
      await redis.del(...named);
      for (const [at, id] of ids.entries()) {
        const guild = at === 1 ? 'g2' : 'g1';
        await redis.hdel(key(`job:${id}`), 'class');
        await redis.zadd(key(`wait:${guild}|user-a`), at + 1, id);
        await redis.hset(key('gtag'), guild, guild === 'g1' ? 9 : 4);
        await redis.hset(key(`utag:${guild}`), 'user-a', 0);
        await redis.zadd(key('guilds'), guild === 'g1' ? 9 : 4, guild);
      }
      await redis.set(key('clock'), 4);
      const next = async () => (await line.claim(WORKER))?.job.id ?? null;
      assert.deepEqual([await next(), await next()], [ids[1], ids[0]], 'tags came along');
      const { id: late } = await line.submit(anOrder({ guildId: 'g3' }));
      assert.deepEqual([await next(), await next(), await next()], [late, ids[2], null]);
      assert.deepEqual(await redis.keys(key('wait:*')), []);
      assert.deepEqual(await redis.keys(key('gtag')), []);
      await redis.quit();
      await queue.close();
    });
  });
}
