import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { startPlayground } from '../../../playground/playground.ts';
import { checkDiscord } from '../../../src/cli/doctor/discord.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { loadConfig } from '../../../src/config.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'doctor-discord-'));
const servers: Server[] = [];
after(() => {
  rmSync(folder, { recursive: true });
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const ask = (token: string, base: string): Promise<Finding[]> =>
  checkDiscord(loadConfig({ DISCORD_TOKEN: token, DISCORD_API_BASE: base }));

const of = (findings: readonly Finding[], check: string): Finding[] =>
  findings.filter((one) => one.check === check);
const said = (findings: readonly Finding[]): string => findings.map((one) => one.said).join('\n');

test('the playground’s Discord: token, intents, servers, clock; what is denied in a channel', async () => {
  const dataFile = path.join(folder, 'playground.db');
  const first = await startPlayground({ port: 0, dataFile });
  const well = await ask(first.token, first.apiBase);
  await first.close();
  assert.deepEqual(
    well.filter(({ level }) => level !== 'good'),
    [],
  );
  assert.match(said(of(well, 'token')), /the token is darkroom's \(1100000000000000001\)/);
  assert.match(
    said(of(well, 'application')),
    /no privileged intents, as it should be; only you may invite it/,
  );
  assert.match(said(of(well, 'servers')), /on 2: The Atelier, Night Shift/);
  assert.match(said(of(well, 'clock')), /within \d s of Discord's/);

  // Attach Files is denied in one channel, View Channel in another
  const db = new DatabaseSync(dataFile);
  const rows = db
    .prepare(
      "SELECT id, json FROM channels WHERE json_extract(json, '$.guildId') IS NOT NULL AND json_extract(json, '$.type') = 0 ORDER BY id LIMIT 2",
    )
    .all();
  const [mute, hidden] = rows.map(
    ({ json }) => JSON.parse(String(json)) as { id: string; name: string },
  );
  const deny = (id = '', bits = 0n) =>
    db
      .prepare("UPDATE channels SET json = json_set(json, '$.botDenied', ?) WHERE id = ?")
      .run(String(bits), id);
  deny(mute?.id, 1n << 15n);
  deny(hidden?.id, 1n << 10n);
  db.close();
  const second = await startPlayground({ port: 0, dataFile });
  const denied = of(await ask(second.token, second.apiBase), 'permissions');
  await second.close();
  assert.deepEqual(
    denied.map(({ level }) => level),
    ['warning', 'good'],
  );
  assert.equal(denied[0]?.said, `The Atelier, #${mute?.name}: Attach Files is missing`);
  assert.match(denied[0]?.mend ?? '', /allow Attach Files for the bot's role/);
  assert.match(denied[1]?.said ?? '', new RegExp(`does not see #${hidden?.name}`));
});

test('a token that is refused, nobody there, no token at all', async () => {
  const playground = await startPlayground({ port: 0, dataFile: ':memory:' });
  const refused = await ask('another-token', playground.apiBase);
  await playground.close();
  assert.deepEqual(
    of(refused, 'token').map(({ level }) => level),
    ['stops'],
  );
  assert.match(of(refused, 'token')[0]?.mend ?? '', /Reset Token/);
  assert.doesNotMatch(JSON.stringify(refused), /another-token/);
  const away = await ask('x', playground.apiBase);
  assert.match(said(away), /The local Discord at http.* cannot be reached: .*ECONNREFUSED/);
  assert.equal(away[0]?.level, 'stops');
  const none = await checkDiscord(loadConfig({}));
  assert.deepEqual(
    none.map(({ level }) => level),
    ['good'],
  );
});

type Answers = Record<
  string,
  { status?: number; body?: unknown; headers?: Record<string, string> }
>;

/** A Discord that answers just so. */
async function discordOf(
  answers: Answers,
  date = new Date(),
): Promise<{ base: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const place = url.pathname.replace('/api/v10', '');
    asked.push(place + url.search);
    const {
      status = 200,
      body = {},
      headers = {},
    } = answers[place + url.search] ?? answers[place] ?? { status: 404 };
    response.writeHead(status, { date: date.toUTCString(), ...headers }).end(JSON.stringify(body));
    // the second question is answered well
    if (status === 429) answers[place] = { body: answers[`again ${place}`]?.body ?? {} };
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, asked };
}

const ME = {
  '/users/@me': { body: { id: '7', username: 'Darkroom' } },
  '/users/@me/guilds': { body: [] },
};

test('a clock that is wrong, either way', async () => {
  for (const [shift, words] of [
    [-600_000, /10 minutes ahead of Discord's/],
    [7_300_000 * 3, /6 hours behind Discord's/],
  ] as const) {
    const { base } = await discordOf(ME, new Date(Date.now() + shift));
    const [clock] = of(await ask('x', base), 'clock');
    assert.equal(clock?.level, 'warning');
    assert.match(clock?.said ?? '', words);
  }
});

test('an application that is set up otherwise, logins that are used up', async () => {
  const application = {
    id: '9',
    flags: (1 << 19) | (1 << 14),
    bot_public: true,
    bot_require_code_grant: true,
    interactions_endpoint_url: 'https://example.org/i',
  };
  const limit = { total: 1000, remaining: 0, reset_after: 5 * 3600_000 };
  const { base } = await discordOf({
    ...ME,
    '/applications/@me': { body: application },
    '/gateway/bot': { body: { session_start_limit: limit } },
  });
  const findings = await ask('x', base);
  assert.match(
    said(findings),
    /sends interactions to https:\/\/example\.org\/i: the bot hears of none/,
  );
  assert.match(
    said(findings),
    /does not need: Server Members, Message Content; anybody may invite it/,
  );
  assert.match(said(findings), /log in no more for 5 hours/);
  assert.match(said(findings), /requires an OAuth2 code grant/);
  assert.match(
    of(findings, 'servers')[0]?.mend ?? '',
    /oauth2\/authorize\?client_id=9&scope=bot\+applications\.commands/,
  );
  const few = await discordOf({
    ...ME,
    '/gateway/bot': { body: { session_start_limit: { ...limit, remaining: 12 } } },
  });
  assert.match(said(await ask('x', few.base)), /only 12 of 1000 logins are left/);
});

test('a server without the commands’ scope, one that may not be looked at, many servers, too many questions', async () => {
  const guilds = Array.from({ length: 230 }, (_, i) => ({
    id: String(1000 + i),
    name: `Server ${i}`,
  }));
  const answers: Answers = {
    ...ME,
    '/users/@me': { status: 429, headers: { 'retry-after': '0.01' } },
    'again /users/@me': { body: { id: '7', username: 'Darkroom' } },
    '/applications/@me': { body: { id: '9', flags: 0 } },
    '/users/@me/guilds?limit=200&after=0': { body: guilds.slice(0, 200) },
    '/users/@me/guilds?limit=200&after=1199': { body: guilds.slice(200) },
  };
  for (const { id } of guilds) {
    answers[`/guilds/${id}`] = {
      body: { id, owner_id: '1', roles: [{ id, permissions: String((1n << 40n) - 1n) }] },
    };
    answers[`/guilds/${id}/channels`] = { body: [{ id: '5', name: 'general', type: 0 }] };
    answers[`/guilds/${id}/members/7`] = { body: { roles: [] } };
    answers[`/applications/9/guilds/${id}/commands`] = { body: [] };
  }
  answers['/applications/9/guilds/1003/commands'] = { status: 403 };
  answers['/guilds/1004/channels'] = { status: 500 };
  const { base, asked } = await discordOf(answers);
  const findings = await ask('x', base);
  assert.match(said(of(findings, 'token')), /the token is Darkroom's/);
  assert.match(
    said(of(findings, 'servers')),
    /on 230: Server 0, .* and 220 more\nchannels of the first 25 servers/,
  );
  assert.deepEqual(
    findings.filter(({ level }) => level !== 'good').map((one) => one.said),
    [
      'Server 3: the bot was invited without applications.commands, so it has no commands there.',
      'Server 4: Discord answers 500, its channels were not looked at.',
    ],
  );
  assert.match(of(findings, 'scopes')[0]?.mend ?? '', /guild_id=1003/);
  assert.ok(asked.length < 120, `${asked.length} questions`);
});
