import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DiscordAPIError } from 'discord.js';
import { Client, REST } from 'discord.js';
import type { Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { permission } from '../../playground/world/permission-bits.ts';
import { createSchemaRecorder } from '../support/discord/discord-schema.ts';
import { connectUser } from '../support/discord/playground-user.ts';
import type { RestReply } from '../support/discord/rest-caller.ts';
import { caller, fieldCodes } from '../support/discord/rest-caller.ts';

const channel = '1300000000000001101';
const guild = '1300000000000001000';

describe('REST', () => {
  let playground: Playground;
  let call: ReturnType<typeof caller>;
  const recorder = createSchemaRecorder();
  before(async () => {
    playground = await startPlayground({
      port: 0,
      dataFile: ':memory:',
      onExchange: recorder.onExchange,
    });
    call = caller(playground);
  });
  after(async () => {
    await playground.close();
    recorder.assertValid();
  });

  test('answers what it does not know as Discord does', async () => {
    const facts: [string, string, unknown, number, number][] = [
      ['GET', '/nothing', undefined, 404, 0],
      ['PUT', '/users/@me', undefined, 405, 0],
      ['GET', '/channels/1', undefined, 404, 10003],
      ['GET', '/guilds/1', undefined, 404, 10004],
      ['GET', `/channels/${channel}/messages/1`, undefined, 404, 10008],
      ['PATCH', `/channels/${channel}/messages/1`, { content: 'c' }, 404, 10008],
      ['POST', '/interactions/1/x/callback', { type: 5 }, 404, 10062],
      [
        'PATCH',
        '/webhooks/1100000000000000001/x/messages/%40original',
        { content: 'c' },
        401,
        50027,
      ],
      ['GET', '/applications/1100000000000000001/commands/1', undefined, 404, 10063],
      ['GET', '/applications/1/commands', undefined, 404, 10002],
    ];
    for (const [method, path, body, status, code] of facts) {
      const answer = await call(method, path, body);
      assert.deepEqual([answer.status, answer.body?.['code']], [status, code], `${method} ${path}`);
    }
    const wrongVersion = await fetch(`${playground.apiBase}/v6/users/@me`);
    assert.equal(((await wrongVersion.json()) as { code: number }).code, 50041);
    const noJson = await fetch(`${playground.apiBase}/v10/channels/${channel}/messages`, {
      method: 'POST',
      headers: { authorization: `Bot ${playground.token}` },
      body: '{',
    });
    assert.equal(((await noJson.json()) as { code: number }).code, 50109);
  });

  test('only its own token opens it; a token shaped like a real one is refused', async () => {
    const real = `${'M'.repeat(26)}.${'a'.repeat(6)}.${'b'.repeat(38)}`;
    for (const token of ['', 'nobody', real]) {
      const answer = await call('GET', '/users/@me', undefined, token);
      assert.deepEqual(
        [answer.status, answer.body],
        [401, { message: '401: Unauthorized', code: 0 }],
      );
    }
    const client = new Client({ intents: [], rest: { api: playground.apiBase } });
    await assert.rejects(client.login(real), /invalid token/i);
  });

  test('a 204 has no content type', async () => {
    const sent = await call('POST', `/channels/${channel}/messages`, { content: 'gone soon' });
    const answer = await call(
      'DELETE',
      `/channels/${channel}/messages/${String(sent.body?.['id'])}`,
    );
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('content-type'), null);
  });

  test('a nonce makes a repeated message the same message', async () => {
    const body = { content: 'once', nonce: 'job-1', enforce_nonce: true };
    const first = await call('POST', `/channels/${channel}/messages`, body);
    const again = await call('POST', `/channels/${channel}/messages`, body);
    assert.equal(first.body?.['id'], again.body?.['id']);
  });

  test('whom a message pings is decided by allowed_mentions, on every edit again', async () => {
    const person = '1200000000000000001';
    const text = `@everyone <@${person}>`;
    const pings = ({ body }: RestReply) => [
      body?.['mention_everyone'],
      (body?.['mentions'] as { id: string }[] | undefined)?.map((one) => one.id),
    ];
    const place = '/channels/1300000000000001102/messages';
    const careless = await call('POST', place, { content: text });
    assert.deepEqual(pings(careless), [true, [person]]);
    const careful = await call('POST', place, { content: text, allowed_mentions: { parse: [] } });
    assert.deepEqual(pings(careful), [false, []]);
    const one = { parse: [], users: [person] };
    const named = await call('POST', place, { content: text, allowed_mentions: one });
    assert.deepEqual(pings(named), [false, [person]]);
    const forgotten = await call('PATCH', `${place}/${String(careful.body?.['id'])}`, {
      content: null,
      flags: 1 << 15,
      components: [{ type: 10, content: text }],
    });
    assert.deepEqual(pings(forgotten), [true, [person]]);
  });

  test('permissions of the bot: no look (50001), no word (50013)', async () => {
    playground.faults.denyBot(channel, permission.sendMessages);
    const mute = await call('POST', `/channels/${channel}/messages`, { content: 'c' });
    playground.faults.denyBot(channel, permission.viewChannel);
    const blind = await call('GET', `/channels/${channel}`);
    playground.faults.denyBot(channel, 0n);
    assert.deepEqual([mute.status, mute.body?.['code']], [403, 50013]);
    assert.deepEqual([blind.status, blind.body?.['code']], [403, 50001]);
    assert.equal((await call('GET', `/channels/${channel}`)).status, 200);
  });

  test("somebody else's message cannot be edited, a file over 10 MiB not sent", async () => {
    const ada = await connectUser(playground);
    ada.say('mine');
    const { id } = await ada.waitForMessage((one) => one.content === 'mine');
    const edit = await call('PATCH', `/channels/${channel}/messages/${id}`, { content: 'yours' });
    assert.deepEqual([edit.status, edit.body?.['code']], [403, 50005]);
    await ada.close();
    const rest = new REST({ api: playground.apiBase }).setToken(playground.token);
    await assert.rejects(
      rest.post(`/channels/${channel}/messages`, {
        files: [{ name: 'big.png', data: Buffer.alloc(10 * 1024 * 1024 + 1) }],
      }),
      (error: DiscordAPIError) => error.status === 413 && error.code === 40005,
    );
  });

  test('commands: global and per server, same name keeps its id, wrong ones are told by field', async () => {
    const rest = new REST({ api: playground.apiBase }).setToken(playground.token);
    const base = '/applications/1100000000000000001' as const;
    type Command = { id: string; version: string; name: string; options?: { name: string }[] };
    const paint = { name: 'paint', description: 'Paints', default_member_permissions: '32' };
    const [first] = (await rest.put(`${base}/commands`, { body: [paint] })) as Command[];
    const [again] = (await rest.put(`${base}/commands`, { body: [paint] })) as Command[];
    assert.deepEqual(again, first, 'nothing changed, nothing new');
    const changed = (await rest.post(`${base}/commands`, {
      body: { ...paint, description: 'More' },
    })) as Command;
    assert.equal(changed.id, first?.id);
    assert.notEqual(changed.version, first?.version);
    const own = (await rest.post(`${base}/guilds/${guild}/commands`, { body: paint })) as Command;
    await rest.patch(`${base}/guilds/${guild}/commands/${own.id}`, {
      body: { description: 'Here' },
    });
    await rest.delete(`${base}/guilds/${guild}/commands/${own.id}`);
    assert.deepEqual(await rest.get(`${base}/guilds/${guild}/commands`), []);

    const option = { type: 3, name: 'a', description: 'd' };
    const wrong: [object, Record<string, string>][] = [
      [{ name: 'Upper', description: 'd' }, { '0.name': 'APPLICATION_COMMAND_INVALID_NAME' }],
      [{ name: 'a', description: '' }, { '0.description': 'BASE_TYPE_REQUIRED' }],
      [
        {
          name: 'a',
          description: 'd',
          options: [option, { ...option, name: 'b', required: true }],
        },
        { '0.options.1': 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID' },
      ],
      [
        {
          name: 'a',
          description: 'd',
          options: Array.from({ length: 26 }, (_, i) => ({ ...option, name: `o${i}` })),
        },
        { '0.options': 'BASE_TYPE_MAX_LENGTH' },
      ],
      [
        {
          name: 'a',
          description: 'd',
          options: [
            {
              ...option,
              choices: Array.from({ length: 26 }, (_, i) => ({ name: `${i}`, value: `${i}` })),
            },
          ],
        },
        { '0.options.0.choices': 'BASE_TYPE_MAX_LENGTH' },
      ],
    ];
    const fresh = new REST({ api: playground.apiBase, retries: 0 }).setToken(playground.token);
    for (const [command, codes] of wrong.slice(0, 3)) {
      await assert.rejects(
        fresh.put(`${base}/guilds/${guild}/commands`, { body: [command] }),
        (error: DiscordAPIError) => {
          assert.deepEqual(fieldCodes((error.rawError as { errors?: unknown }).errors), codes);
          return true;
        },
      );
    }
    for (const [command, codes] of wrong.slice(3)) {
      const answer = await call('POST', `${base}/guilds/${guild}/commands`, command);
      const renamed = Object.fromEntries(
        Object.entries(codes).map(([at, code]) => [at.slice(2), code]),
      );
      assert.deepEqual(fieldCodes(answer.body?.['errors']), renamed);
    }
  });
});
