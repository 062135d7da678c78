import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Events } from 'discord.js';
import { startPlayground } from '../../playground/playground.ts';
import type { FromPage, PlaygroundGuild } from '../../playground/protocol.ts';
import { loginClient } from '../support/discord/discord-client.ts';
import { waitUntil } from '../support/discord/messages.ts';
import { openPageLink, type PageLink } from '../support/discord/page-link.ts';
import { caller } from '../support/discord/rest-caller.ts';

const ADA = '1200000000000000001';
const BEN = '1200000000000000002';
const CLEO = '1200000000000000003';
const ATELIER = '1300000000000001000';
const GENERAL = '1300000000000001101';
const SKETCHES = '1300000000000001111';
const MANAGER = '1300000000000001001';
const SUPPORTER = '1300000000000001002';
const OF_THE_BOT = '1300000000000001003';

const patience = 20_000;

async function pageOf(playground: { url: string }, userId: string): Promise<PageLink> {
  const link = await openPageLink(playground);
  link.send({ type: 'hello', userId });
  await link.until(() => link.received.find((one) => one.type === 'ready'), patience, 'a greeting');
  return link;
}

/** Sends a change; the server as it is then, or the words of the refusal. */
async function change(link: PageLink, message: FromPage): Promise<PlaygroundGuild | string> {
  const before = link.received.length;
  link.send(message);
  const answer = await link.until(
    () => link.received.slice(before).find((one) => one.type === 'guild' || one.type === 'refused'),
    patience,
    'an answer',
  );
  return answer.type === 'guild' ? answer.guild : answer.type === 'refused' ? answer.reason : '';
}

const age = (ageRestricted: boolean, channelId = GENERAL): FromPage => ({
  type: 'age',
  channelId,
  ageRestricted,
});
const roles = (userId: string, ...roleIds: string[]): FromPage => ({
  type: 'roles',
  guildId: ATELIER,
  userId,
  roleIds,
});

test('the age flag: its threads follow, the bot hears of it, members may not', async () => {
  const playground = await startPlayground({ port: 0, dataFile: ':memory:' });
  const bot = await loginClient(playground);
  try {
    const ada = await pageOf(playground, ADA);
    const cleo = await pageOf(playground, CLEO);
    assert.match(String(await change(cleo, age(true))), /manage channels/);
    assert.match(String(await change(ada, age(true, SKETCHES))), /change it there/);
    assert.match(String(await change(ada, age(true, '1'))), /no such channel/);

    const heard = new Promise<boolean>((resolve) =>
      bot.on(Events.ChannelUpdate, (_, channel) => resolve('nsfw' in channel && channel.nsfw)),
    );
    const seen = cleo.received.length;
    const guild = await change(ada, age(true));
    assert.ok(typeof guild !== 'string');
    const restricted = guild.channels.filter((one) => one.ageRestricted).map((one) => one.name);
    assert.deepEqual(restricted.slice(0, 2), ['general', 'after-dark']);
    assert.ok(restricted.includes('sketches'));
    assert.equal(await heard, true);
    const told = await cleo.until(
      () => cleo.received.slice(seen).find((one) => one.type === 'guild'),
      patience,
      'the change',
    );
    assert.ok(told.type === 'guild' && told.guild.channels[0]?.ageRestricted);
    assert.deepEqual(told.guild.yours, { channels: false, roles: [] });
  } finally {
    await bot.destroy();
    await playground.close();
  }
});

test('roles are given and taken below one’s own, and kept over a restart', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'playground-'));
  const dataFile = path.join(folder, 'playground.db');
  let playground = await startPlayground({ port: 0, dataFile });
  try {
    const ada = await pageOf(playground, ADA);
    const ben = await pageOf(playground, BEN);
    assert.match(String(await change(ben, roles(BEN, MANAGER))), /not yours to give/);
    const given = await change(ada, roles(BEN, MANAGER));
    assert.ok(typeof given !== 'string');
    assert.deepEqual(given.memberRoles[BEN], [MANAGER]);
    assert.deepEqual(given.managers.toSorted(), [ADA, BEN]);

    await ben.until(() => ben.received.find((one) => one.type === 'guild'), patience, 'the role');
    assert.match(String(await change(ben, roles(CLEO, SUPPORTER, MANAGER))), /not yours to give/);
    assert.match(String(await change(ben, roles(CLEO, SUPPORTER, OF_THE_BOT))), /not yours/);
    assert.match(String(await change(ben, roles(ADA))), /not yours to give or take/);
    const taken = await change(ben, roles(CLEO));
    assert.ok(typeof taken !== 'string');
    assert.deepEqual(taken.memberRoles[CLEO], []);
    assert.deepEqual(taken.yours, { channels: true, roles: [SUPPORTER] });

    await playground.close();
    playground = await startPlayground({ port: 0, dataFile });
    const later = await pageOf(playground, CLEO);
    const ready = later.received.find((one) => one.type === 'ready');
    assert.ok(ready?.type === 'ready');
    assert.deepEqual(ready.guilds[0]?.memberRoles[BEN], [MANAGER]);
    assert.deepEqual(ready.guilds[0]?.memberRoles[CLEO], []);
  } finally {
    await playground.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('channels, threads and servers go, for whoever may, and stay away over a restart', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'playground-'));
  const dataFile = path.join(folder, 'playground.db');
  let playground = await startPlayground({ port: 0, dataFile });
  let bot = await loginClient(playground);
  const heard: string[] = [];
  const hear = () => {
    bot.on(Events.ChannelDelete, ({ id }) => void heard.push(`channel ${id}`));
    bot.on(Events.ThreadDelete, ({ id }) => void heard.push(`thread ${id}`));
    bot.on(Events.GuildDelete, ({ id }) => void heard.push(`guild ${id}`));
    bot.on(Events.GuildCreate, ({ name }) => void heard.push(`joined ${name}`));
  };
  hear();
  const until = (what: string) => waitUntil(() => heard.includes(what), what);
  const removal = (channelId: string): FromPage => ({ type: 'delete-channel', channelId });
  try {
    const [ada, cleo] = [await pageOf(playground, ADA), await pageOf(playground, CLEO)];
    assert.match(String(await change(cleo, removal(SKETCHES))), /manage channels/);
    assert.match(String(await change(ada, removal('1'))), /no such channel/);
    assert.match(
      String(await change(cleo, { type: 'delete-guild', guildId: ATELIER })),
      /Only who owns/,
    );
    assert.match(String(await change(cleo, { type: 'found-guild', name: ' ' })), /2 to 100/);
    await change(ada, removal(SKETCHES));
    await until(`thread ${SKETCHES}`);
    ada.send({ type: 'say', channelId: GENERAL, content: 'gone with it' });
    const left = await change(ada, removal(GENERAL));
    await until(`channel ${GENERAL}`);
    assert.ok(typeof left !== 'string');
    assert.equal(left.channels[0]?.name, 'gallery');
    // The threads of a channel go with it.
    assert.ok(!left.channels.some(({ name }) => name === 'last-year'));
    assert.equal((await caller(playground)('GET', `/channels/${GENERAL}`)).status, 404);

    const out = await change(ada, { type: 'bot-member', guildId: ATELIER, member: false });
    assert.ok(typeof out !== 'string' && out.bot === false);
    await until(`guild ${ATELIER}`);
    assert.equal((await caller(playground)('GET', `/guilds/${ATELIER}`)).status, 404);
    await change(ada, { type: 'bot-member', guildId: ATELIER, member: true });
    await until('joined The Atelier');
    cleo.send({ type: 'found-guild', name: 'Cleo’s' });
    const founded = await cleo.until(
      () => cleo.received.find((one) => one.type === 'guild' && one.guild.name === 'Cleo’s'),
      patience,
      'the new server',
    );
    assert.ok(founded.type === 'guild' && founded.guild.yours.owned === true);
    await until('joined Cleo’s');
    cleo.send({ type: 'delete-guild', guildId: founded.guild.id });
    await until(`guild ${founded.guild.id}`);

    await bot.destroy();
    await playground.close();
    playground = await startPlayground({ port: 0, dataFile });
    const later = await pageOf(playground, ADA);
    const ready = later.received.find((one) => one.type === 'ready');
    assert.ok(ready?.type === 'ready');
    assert.deepEqual(ready.guilds.map(({ name }) => name).toSorted(), [
      'Night Shift',
      'The Atelier',
    ]);
    const here = ready.guilds.find(({ id }) => id === ATELIER)!;
    assert.ok(!here.channels.some(({ name }) => name === 'general' || name === 'sketches'));
    bot = await loginClient(playground);
    assert.equal(bot.guilds.cache.size, 2);
  } finally {
    await bot.destroy();
    await playground.close();
    await rm(folder, { recursive: true, force: true });
  }
});
