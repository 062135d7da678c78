import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Events } from 'discord.js';
import { WebSocket } from 'ws';
import type { Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { loginClient } from '../support/discord/discord-client.ts';
import { connectUser } from '../support/discord/playground-user.ts';

type Payload = { op: number; t?: string | null; s?: number | null; d: Record<string, unknown> };

/** A bare gateway connection that collects what it is sent. */
async function connect(playground: Playground) {
  const url = new URL(playground.apiBase.replace('/api', '/gateway'));
  url.protocol = 'ws:';
  url.search = '?v=10&encoding=json';
  const socket = new WebSocket(url);
  const payloads: Payload[] = [];
  socket.on('message', (data) => void payloads.push(JSON.parse(String(data)) as Payload));
  const closed = once(socket, 'close').then(([code]) => Number(code));
  await once(socket, 'message');
  const seen = async (fits: (payload: Payload) => boolean): Promise<Payload> => {
    for (let i = 0; i < 200; i++) {
      const found = payloads.find(fits);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`Not received. Last: ${JSON.stringify(payloads.slice(-2))}`);
  };
  const send = (op: number, d: unknown): void => socket.send(JSON.stringify({ op, d }));
  const identify = (extra: object = {}): void =>
    send(2, { token: playground.token, intents: 1, properties: {}, ...extra });
  return { socket, payloads, closed, seen, send, identify };
}

describe('gateway', () => {
  let playground: Playground;
  before(async () => {
    playground = await startPlayground({ port: 0, dataFile: ':memory:' });
  });
  after(() => playground.close());

  test('hello, heartbeat, READY with application and resume address, then the guilds', async () => {
    const gateway = await connect(playground);
    assert.deepEqual(gateway.payloads[0]?.d, { heartbeat_interval: 41_250 });
    gateway.send(1, null);
    await gateway.seen((one) => one.op === 11);
    gateway.identify();
    const ready = await gateway.seen((one) => one.t === 'READY');
    assert.deepEqual(ready.d['application'], { id: playground.applicationId, flags: 0 });
    assert.match(String(ready.d['resume_gateway_url']), /^ws:\/\/127\.0\.0\.1:\d+\/gateway$/);
    const guild = await gateway.seen((one) => one.t === 'GUILD_CREATE');
    assert.equal(guild.d['member_count'], 4);
    gateway.socket.close(1000);
  });

  for (const [name, code, act] of [
    ['unknown token', 4004, (g) => g.identify({ token: 'nobody' })],
    [
      'a token shaped like a real one',
      4004,
      (g) => g.identify({ token: `${'M'.repeat(26)}.${'a'.repeat(6)}.${'b'.repeat(38)}` }),
    ],
    ['privileged intents', 4014, (g) => g.identify({ intents: 1 | (1 << 15) })],
    ['intents that do not exist', 4013, (g) => g.identify({ intents: 2 ** 30 })],
    ['impossible shard', 4010, (g) => g.identify({ shard: [2, 2] })],
    ['unknown opcode', 4001, (g) => g.send(99, null)],
    ['no JSON', 4002, (g) => g.socket.send('{')],
    ['presence before identify', 4003, (g) => g.send(3, {})],
    ['a second identify', 4005, (g) => (g.identify(), g.identify())],
    [
      'more than 120 payloads in a minute',
      4008,
      (g) => Array.from({ length: 121 }, () => g.send(1, null)),
    ],
  ] as [string, number, (g: Awaited<ReturnType<typeof connect>>) => unknown][]) {
    test(`${name}: closed with ${code}`, async () => {
      const gateway = await connect(playground);
      act(gateway);
      assert.equal(await gateway.closed, code);
    });
  }

  test('a resume replays what was missed, in order, and an invented session is refused', async () => {
    const first = await connect(playground);
    first.identify({ intents: 1 | (1 << 9) });
    const ready = await first.seen((one) => one.t === 'READY');
    await first.seen((one) => one.t === 'GUILD_CREATE' && one.s === 3);
    first.socket.terminate();
    await first.closed;
    const ada = await connectUser(playground);
    ada.say('while you were away');
    ada.say('and again');
    await ada.waitForMessage((one) => one.content === 'and again');

    const second = await connect(playground);
    const session = String(ready.d['session_id']);
    second.send(6, { token: playground.token, session_id: session, seq: 3 });
    const resumed = await second.seen((one) => one.t === 'RESUMED');
    const events = second.payloads.filter((one) => one.op === 0);
    assert.deepEqual(
      events.map((one) => [one.t, one.s]),
      [
        ['MESSAGE_CREATE', 4],
        ['MESSAGE_CREATE', 5],
        ['RESUMED', resumed.s],
      ],
    );
    assert.equal(events[0]?.d['content'], '', 'no content without its intent');

    const stranger = await connect(playground);
    stranger.send(6, { token: playground.token, session_id: 'invented', seq: 0 });
    assert.equal((await stranger.seen((one) => one.op === 9)).d, false);
    const ahead = await connect(playground);
    ahead.send(6, { token: playground.token, session_id: session, seq: 999 });
    assert.equal(await ahead.closed, 4007);
    stranger.socket.terminate();
    second.socket.terminate();
    await ada.close();
  });

  test('shards get the servers that the formula gives them, and shard 0 the direct messages', async () => {
    const shards = await Promise.all(
      [0, 1].map(async (id) => {
        const gateway = await connect(playground);
        gateway.identify({ shard: [id, 2] });
        const ready = await gateway.seen((one) => one.t === 'READY');
        gateway.socket.close(1000);
        return (ready.d['guilds'] as { id: string }[]).map((guild) => guild.id);
      }),
    );
    for (const [id, guilds] of shards.entries()) {
      for (const guild of guilds) assert.equal(Number((BigInt(guild) >> 22n) % 2n), id);
    }
    assert.equal(shards.flat().length, 2);
  });
});

describe('gateway faults with discord.js', () => {
  for (const how of ['op7', 'op9', 'kill', 'half-open'] as const) {
    test(`${how}: the bot comes back and answers what was asked meanwhile`, async () => {
      // A half-open socket is noticed by the missing heartbeat ack, so hearts beat fast here.
      const playground = await startPlayground({
        port: 0,
        dataFile: ':memory:',
        timing: { heartbeat: how === 'half-open' ? 400 : 41_250 },
      });
      const bot = await loginClient(playground);
      const lifecycle: string[] = [];
      bot.on(Events.ShardResume, () => void lifecycle.push('resumed'));
      bot.on(Events.ShardReady, () => void lifecycle.push('ready'));
      bot.on(Events.InteractionCreate, (interaction) => {
        if (interaction.isChatInputCommand()) void interaction.reply('here');
      });
      await bot.application.commands.set([{ name: 'ping', description: 'Ping' }]);
      const ada = await connectUser(playground);
      assert.equal((await ada.command('ping')).type, 'acknowledged');
      playground.faults.dropGateway(how);
      const meanwhile = ada.command('ping');
      // With op 9 the session and what was kept for it are gone: Discord loses that command too.
      assert.equal((await meanwhile).type, how === 'op9' ? 'failed' : 'acknowledged');
      await ada.waitFor(
        (all) => all.findLast((one) => one.type === 'bot')?.online === true || undefined,
      );
      assert.equal((await ada.command('ping')).type, 'acknowledged');
      assert.deepEqual(lifecycle, [how === 'op9' ? 'ready' : 'resumed']);
      await ada.close();
      await bot.destroy();
      await playground.close();
    });
  }
});
