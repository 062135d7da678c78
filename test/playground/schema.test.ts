import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import {
  createSchemaRecorder,
  knownFalsePositives,
  problemsOf,
} from '../support/discord/discord-schema.ts';

/** Every GET that the local Discord answers, as recorded from it. */
async function recorded(): Promise<readonly Exchange[]> {
  const recorder = createSchemaRecorder();
  const playground = await startPlayground({
    port: 0,
    dataFile: ':memory:',
    onExchange: recorder.onExchange,
  });
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${playground.apiBase}/v10${path}`, {
      ...init,
      headers: { authorization: `Bot ${playground.token}`, 'content-type': 'application/json' },
    });
  const guild = '1300000000000001000';
  const channel = '1300000000000001101';
  for (const path of [
    '/gateway',
    '/gateway/bot',
    '/users/@me',
    '/users/@me/guilds',
    '/users/1200000000000000001',
    '/applications/@me',
    `/guilds/${guild}?with_counts=true`,
    `/guilds/${guild}/channels`,
    `/guilds/${guild}/roles`,
    `/guilds/${guild}/members/1200000000000000001`,
    `/channels/${channel}`,
    '/channels/1400000000000000001',
    '/channels/1',
  ]) {
    await call(path);
  }
  const sent = await call(`/channels/${channel}/messages`, {
    method: 'POST',
    body: JSON.stringify({
      content: 'hello',
      embeds: [{ title: 'a', image: { url: 'https://x.test/a.png' } }],
    }),
  });
  const { id } = (await sent.json()) as { id: string };
  await call(`/channels/${channel}/messages`, {
    method: 'POST',
    body: JSON.stringify({ content: 'reply', message_reference: { message_id: id } }),
  });
  await call(`/channels/${channel}/messages`);
  await call(`/channels/${channel}/messages`, {
    method: 'POST',
    body: JSON.stringify({ content: 'x'.repeat(2001) }),
  });
  await playground.close();
  return recorder.exchanges;
}

const exchanges = await recorded();

function one(method: string, route: string): Exchange {
  const found = exchanges.find(
    (exchange) => exchange.method === method && exchange.route === route,
  );
  assert.ok(found, `${method} ${route} was not recorded`);
  return found;
}

test('what the local Discord answers is what Discord describes', () => {
  assert.equal(exchanges.length, 17);
  assert.deepEqual(exchanges.flatMap(problemsOf), []);
});

test('a drifted answer, a drifted request and an unknown route are all noticed', () => {
  const message = one('POST', '/channels/{channel_id}/messages');
  const response = message.response as Record<string, unknown>;
  const planted: [string, Exchange, RegExp][] = [
    ['missing field', { ...message, response: { ...response, author: undefined } }, /author/],
    ['number as id', { ...message, response: { ...response, id: 5 } }, /: id: /],
    ['text as flags', { ...message, response: { ...response, flags: '0' } }, /flags/],
    ['text too long', { ...message, request: { content: 'x'.repeat(4001) } }, /request.*content/],
    [
      'component of no known type',
      { ...message, request: { components: [{ type: 1, components: [{ type: 99 }] }] } },
      /components/,
    ],
    ['body beside 204', { ...message, status: 204 }, /204 carries a body/],
    ['unknown route', { ...message, route: '/nowhere' }, /no expectation/],
    ['error without code', { ...message, status: 400, response: { message: 'no' } }, /code/],
  ];
  for (const [what, exchange, words] of planted) {
    assert.match(problemsOf(exchange).join('\n'), words, what);
  }
});

test('each known false positive is needed', () => {
  const error = exchanges.find((exchange) => exchange.status === 400);
  assert.ok(error);
  assert.deepEqual(problemsOf(error), [], 'named codes of field errors are let through');
  const limited = {
    ...error,
    status: 429,
    response: { message: 'm', retry_after: 1, global: false },
  };
  assert.deepEqual(problemsOf(limited), []);
  assert.equal(knownFalsePositives.length, 3);
});
