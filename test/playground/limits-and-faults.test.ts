import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Client, DiscordAPIError, Interaction } from 'discord.js';
import { Events } from 'discord.js';
import type { Exchange, Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { loginClient } from '../support/discord/discord-client.ts';
import { connectUser } from '../support/discord/playground-user.ts';
import { patience } from '../support/machine/patience.ts';
import { caller } from '../support/discord/rest-caller.ts';
import { tinyPng } from '../support/tiny-png.ts';

const channel = '1300000000000001101';

describe('rate limits and faults', () => {
  let playground: Playground;
  let bot: Client<true>;
  let call: ReturnType<typeof caller>;
  let exchanges: Exchange[] = [];
  let handler: (interaction: Interaction) => Promise<unknown> = async () => {};
  const failures: unknown[] = [];
  before(async () => {
    playground = await startPlayground({
      port: 0,
      dataFile: ':memory:',
      onExchange: (exchange) => void exchanges.push(exchange),
    });
    call = caller(playground);
    bot = await loginClient(playground, {
      rest: { api: playground.apiBase, version: '10', timeout: patience(700), retries: 2 },
    });
    bot.on(Events.InteractionCreate, (interaction) => {
      handler(interaction).catch((error: unknown) => void failures.push(error));
    });
    await bot.application.commands.set([{ name: 'paint', description: 'Paints' }]);
  });
  after(async () => {
    await bot.destroy();
    await playground.close();
    assert.deepEqual(failures, []);
  });

  test('headers count down, then 429 with Retry-After, then it opens again', async () => {
    const path = `/channels/${channel}/typing`;
    const remaining: (string | null)[] = [];
    for (let i = 0; i < 5; i++)
      remaining.push((await call('POST', path)).headers.get('x-ratelimit-remaining'));
    assert.deepEqual(remaining, ['4', '3', '2', '1', '0']);
    const refused = await call('POST', path);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('x-ratelimit-scope'), 'user');
    const wait = Number(refused.body?.['retry_after']);
    assert.ok(wait > 0 && wait <= 5);
    assert.equal(refused.headers.get('retry-after'), String(Math.ceil(wait)));
    const elsewhere = await call('POST', '/channels/1300000000000002101/typing');
    assert.equal(elsewhere.status, 204, 'another channel has its own bucket');
    await new Promise((resolve) => setTimeout(resolve, wait * 1000 + 20));
    assert.equal((await call('POST', path)).status, 204);
  });

  test('discord.js editing as fast as it can meets no 429: it reads the headers', async () => {
    const ada = await connectUser(playground);
    exchanges = [];
    handler = async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      await interaction.deferReply();
      for (let i = 0; i < 12; i++) await interaction.editReply({ content: `edit ${i}` });
    };
    await ada.command('paint');
    await ada.waitForMessage((one) => one.content === 'edit 11', 15_000);
    assert.deepEqual(
      exchanges.filter((one) => one.status === 429),
      [],
    );
    await ada.close();
  });

  test('lost ack: carried out, so the repeated request gets 40060; the message is there once', async () => {
    const ada = await connectUser(playground);
    playground.faults.add({ match: { method: 'POST', route: /callback/ }, answer: 'lost-ack' });
    let code: unknown;
    handler = async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      await interaction.reply('only once').catch((error: DiscordAPIError) => {
        code = error.code;
      });
    };
    assert.equal((await ada.command('paint')).type, 'acknowledged');
    for (let i = 0; i < 100 && code === undefined; i++) await new Promise((r) => setTimeout(r, 20));
    assert.equal(code, 40060);
    assert.equal(ada.messages().filter((one) => one.content === 'only once').length, 1);
    await ada.close();
  });

  test('500, 502, 429, reset and timeout: retried by discord.js and then done', async () => {
    for (const answer of [500, 502, 429, 'reset', 'timeout'] as const) {
      playground.faults.add({
        match: { route: /^\/users\/@me$/ },
        answer,
        times: 1,
        retryAfter: 0.1,
      });
      exchanges = [];
      const user = (await bot.rest.get('/users/@me')) as { id: string };
      assert.equal(user.id, playground.applicationId, String(answer));
      assert.deepEqual(
        exchanges.map((one) => one.fault),
        [true, false],
        String(answer),
      );
    }
  });

  test("an API error of the tester's own, as often as asked, and none after clear()", async () => {
    const answer = { status: 400, code: 50083, message: 'Thread is archived' };
    playground.faults.add({ match: { method: 'GET', route: /^\/users/ }, answer, times: 9 });
    await assert.rejects(bot.rest.get('/users/@me'), { code: 50083 });
    playground.faults.clear();
    await bot.rest.get('/users/@me');
  });

  test('an expired token is 50027; the channel route still edits the message', async () => {
    const short = await startPlayground({ port: 0, dataFile: ':memory:' });
    const client = await loginClient(short);
    await client.application.commands.set([{ name: 'paint', description: 'Paints' }]);
    const ada = await connectUser(short);
    const done = new Promise<void>((resolve, reject) => {
      client.on(Events.InteractionCreate, (interaction) => {
        const run = async (): Promise<void> => {
          if (!interaction.isChatInputCommand()) return;
          const answer = await interaction.deferReply({ withResponse: true });
          short.faults.endTokens();
          await assert.rejects(interaction.editReply('late'), { code: 50027, status: 401 });
          const id = answer.resource?.message?.id ?? '';
          await client.rest.patch(`/channels/${interaction.channelId}/messages/${id}`, {
            body: { content: 'by channel' },
          });
        };
        run().then(resolve, reject);
      });
    });
    await ada.command('paint');
    await done;
    await ada.waitForMessage((one) => one.content === 'by channel');
    await ada.close();
    await client.destroy();
    await short.close();
  });

  test('a picture of a message that was replaced is gone from it, its new one is there', async () => {
    const { id, attachments } = (await bot.rest.post(`/channels/${channel}/messages`, {
      body: {},
      files: [{ name: 'a.png', data: tinyPng(2, 2) }],
    })) as { id: string; attachments: { id: string }[] };
    const edited = (await bot.rest.patch(`/channels/${channel}/messages/${id}`, {
      body: { attachments: [{ id: attachments[0]?.id }, { id: 0, description: 'alt' }] },
      files: [{ name: 'b.png', data: tinyPng(3, 3) }],
    })) as { attachments: { filename: string; description?: string }[] };
    assert.deepEqual(
      edited.attachments.map((one) => [one.filename, one.description]),
      [
        ['a.png', undefined],
        ['b.png', 'alt'],
      ],
    );
  });
});
