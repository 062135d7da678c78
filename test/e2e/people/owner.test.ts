import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openRule } from '../../../src/bot/owner/rule-file.ts';
import { DEFAULT_POLICY } from '../../../src/bot/policy/policy.ts';
import { memoryLog } from '../../support/memory-log.ts';
import {
  customIdsOf,
  fresh,
  isDone,
  isPrivate,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { answerTo, inDirect, owner, ownerForm } from '../../support/discord/owner-desk.ts';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { ADA, BEN, CLEO, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile();

const ATELIER = '1300000000000001000';
const GENERAL = '1300000000000001101';
const GALLERY = '1300000000000001102';
const DARK = '1300000000000001103';
const NIGHT = '1300000000000002000';
const NIGHT_GENERAL = '1300000000000002101';

const orders = (user: PlaygroundUserClient, prompt = 'a boat', more = {}) =>
  answerTo(user, () => user.command('imagine', { prompt, steps: 1, size: '64x64', ...more }));

async function paints(user: PlaygroundUserClient, prompt = 'a boat'): Promise<void> {
  const done = () => user.messages().filter(isDone).length;
  const before = done();
  await user.command('imagine', { prompt, steps: 1, size: '64x64' });
  await waitUntil(() => done() > before, 'a picture', 30_000);
}

const fileOf = (stage: Stage) => path.join(stage.folder, 'owner.json');
const saved = async (stage: Stage) => JSON.parse(await readFile(fileOf(stage), 'utf8'));

test('only whoever the application belongs to, at this moment, in the right place', async () => {
  await onStage({}, async (stage) => {
    const { faults } = stage.playground;
    const [ada, ben] = [await inDirect(await stage.user()), await inDirect(await stage.user(BEN))];
    assert.match(await owner(ada, 'overview'), /Over all servers[^]*2 may use the bot/);
    assert.match(await owner(ben, 'overview'), /for the owner of the bot alone/);
    assert.match(await owner(ben, 'words'), /for the owner of the bot alone/);
    assert.match(await owner(ben, 'forget', { person: ADA }), /for the owner of the bot alone/);

    faults.ownApplication({
      team: [
        { userId: ADA, state: 2, role: 'read_only' },
        { userId: BEN, state: 2 },
        { userId: CLEO, state: 1 },
      ],
    });
    assert.match(await owner(ben, 'overview'), /Over all servers/);
    assert.match(await owner(ada, 'overview'), /for the owner of the bot alone/);
    const cleo = await inDirect(await stage.user(CLEO));
    assert.match(await owner(cleo, 'overview'), /for the owner of the bot alone/);

    // A form that is open when somebody leaves the team is of no use to them.
    const form = await ben.command('owner words');
    assert.equal(form.type, 'modal');
    faults.ownApplication({ team: [{ userId: ADA, state: 2 }] });
    const late = await answerTo(ben, () =>
      form.type === 'modal'
        ? ben.submitModal(form, { words: 'boat', patterns: '', nsfwWords: '' })
        : Promise.resolve(form),
    );
    assert.match(late, /for the owner of the bot alone/);
    assert.deepEqual(stage.rule.now().words, []);

    faults.add({ match: { route: /^\/applications\/@me$/ }, answer: 503, times: 20 });
    assert.match(await owner(ada, 'queue', { state: 'pause' }), /cannot be asked just now/);
    assert.deepEqual(await stage.queue.line.mode(), { kind: 'open' });
  });
});

test('a server of the owner’s choice has the commands, and loses them with the rule', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    assert.match(await owner(ada, 'places', { server: '1399999999999999999' }), /I am not in/);
    assert.match(await owner(ada, 'places', { server: ATELIER }), /The Atelier/);
    const offered = () =>
      ada.received
        .flatMap((one) => (one.type === 'commands' && one.guildId === ATELIER ? [one] : []))
        .at(-1)
        ?.commands.some(({ name }) => name === 'owner');
    await waitUntil(() => offered() === true, 'offered there');
    await ada.open(GALLERY);
    assert.match(await owner(ada, 'overview'), /Over all servers/);
    await inDirect(ada);
    await owner(ada, 'places', { server: 'none' });
    await waitUntil(() => offered() === false, 'taken away');
  });
});

test('who invites the bot waits for a yes; who was there goes on', async () => {
  await onStage({}, async (stage) => {
    const { faults } = stage.playground;
    assert.deepEqual((await saved(stage)).servers, { invites: 'ask', allowed: [ATELIER, NIGHT] });
    const ada = await inDirect(await stage.user());
    const asked = (name: string) =>
      ada.waitForMessage((one) => textOf(one).includes(name) && customIdsOf(one).length === 2);
    const id = faults.foundGuild({ name: 'New *place*', ownerId: BEN, members: [CLEO] });
    const question = await asked('New \\*place\\*');
    assert.equal(question.channel_id, ada.ready.direct!.id);

    const cleo = await stage.user(CLEO);
    const [channel] = cleo.ready.guilds.find((guild) => guild.id === id)!.channels;
    await cleo.open(channel!.id);
    assert.match(await orders(cleo), new RegExp(`waits for the yes.*${id}`));
    assert.match(await answerTo(cleo, () => cleo.command('queue')), /waits for the yes/);
    assert.match(await answerTo(cleo, () => cleo.command('help')), /imagine/);
    await cleo.open(GALLERY);
    await paints(cleo);

    // The question is asked once, whatever starts anew.
    await stage.restart();
    const [yes, no] = customIdsOf(question);
    assert.match(
      await answerTo(ada, () => ada.press(question.id, yes!)),
      /may use the bot from now/,
    );
    const questions = ada.messages().filter((one) => customIdsOf(one).includes(yes!));
    assert.equal(questions.length, 1);
    await cleo.open(channel!.id);
    await paints(cleo);

    assert.match(await answerTo(ada, () => ada.press(question.id, no!)), /left server/);
    const gone = () =>
      cleo.received.some((one) => one.type === 'guild' && one.guild.id === id && !one.guild.bot);
    await waitUntil(gone, 'gone');
    assert.match(await owner(ada, 'servers', { leave: id }), /is not in it/);
    assert.match(await owner(ada, 'servers', { allow: '12' }), /is no id/);
    assert.match(await owner(ada, 'servers', { invites: 'anybody' }), /may use it/);
    const other = faults.foundGuild({ name: 'Open', ownerId: BEN, members: [CLEO] });
    const visitor = await stage.user(CLEO);
    await visitor.open(visitor.ready.guilds.find((guild) => guild.id === other)!.channels[0]!.id);
    await paints(visitor);
  });
});

test('direct messages are no way round the list of servers', async () => {
  await onStage({}, async (stage) => {
    stage.playground.faults.foundGuild({ name: 'Mine', ownerId: BEN, members: [] });
    const ben = await inDirect(await stage.user(BEN));
    await paints(ben);
    await stage.rule.change(
      (now) => ({ ...now, servers: { invites: 'ask', allowed: [] } }),
      (await import('../../../src/bot/text/text.ts')).textFor('en'),
    );
    assert.match(await orders(ben), /members of servers that its owner allows/);
    const ada = await inDirect(await stage.user());
    assert.match(await owner(ada, 'servers', { allow: NIGHT }), /may use the bot/);
    await paints(ben);
  });
});

test('words that hold on all servers look at what reaches the encoder', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    const said = await ownerForm(ada, 'words', {
      words: 'zeppelin, secret word',
      patterns: 'x{3,}y',
      nsfwWords: 'swimsuit',
    });
    assert.match(said, /2 words, 1 patterns and 1 NSFW/);
    const cleo = await stage.user(CLEO);
    for (const channel of [GENERAL, NIGHT_GENERAL, cleo.ready.direct!.id]) {
      await cleo.open(channel);
      for (const prompt of [
        'a zeppelin',
        'a zep(pelin:1.2)',
        'zеppelin',
        'a [zeppelin:boat:0.5]',
        'xxxxy',
      ]) {
        assert.match(await orders(cleo, prompt), /rules of this bot do not allow/, prompt);
      }
      assert.match(await orders(cleo, 'a swimsuit'), /age-restricted/);
    }
    assert.match(await orders(cleo, 'a boat', { negative: 'zeppelin' }), /rules of this bot/);
    assert.deepEqual(await stage.queue.archive.recent({ limit: 9 }), []);
    await cleo.open(DARK);
    await paints(cleo, 'a swimsuit');
  });
});

test('the most that servers may allow, and quotas over all of them', async () => {
  await onStage({}, async (stage) => {
    await stage.settings.changePolicy(ATELIER, { ...DEFAULT_POLICY, nsfw: 'everywhere' });
    const ada = await inDirect(await stage.user());
    const cleo = await stage.user(CLEO);
    await cleo.open(GALLERY);
    await paints(cleo, 'a nude');
    assert.match(await owner(ada, 'limits', { nsfw: 'nowhere' }), /NSFW at most/);
    assert.match(await orders(cleo, 'a nude'), /not wanted on this server/);
    await cleo.open(DARK);
    assert.match(await orders(cleo, 'a nude'), /not wanted on this server/);
    await owner(ada, 'limits', { nsfw: 'age-restricted' });
    await paints(cleo, 'a nude');

    await owner(ada, 'limits', { work: 0.001 });
    assert.match(await orders(cleo, 'a boat', { steps: 20 }), /too large here/);
    await owner(ada, 'limits', { work: 0, person_seconds: 0.001 });
    assert.match(await orders(cleo), /over all servers you have 0 s left/);
    await cleo.open(NIGHT_GENERAL);
    assert.match(await orders(cleo), /over all servers/);
    assert.match(await answerTo(cleo, () => cleo.command('queue')), /0 s\*\* of the machine left/);
    assert.match(await owner(ada, 'limits', { person_seconds: 0 }), /one person:\*\* no limit/);
    await paints(cleo);

    await owner(ada, 'queue', { state: 'pause' });
    await owner(ada, 'limits', { person_waiting: 1 });
    await cleo.command('imagine', { prompt: 'one', steps: 1 });
    await waitUntil(async () => (await stage.queue.line.standing()).waiting.jobs === 1, 'waits');
    await cleo.open(GALLERY);
    assert.match(await orders(cleo), /already have 1 picture waiting/);
  });
});

test('a blocked person is shut out everywhere, and what they had waiting ends', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    const cleo = await stage.user(CLEO);
    await owner(ada, 'queue', { state: 'pause' });
    await cleo.open(GALLERY);
    await cleo.command('imagine', { prompt: 'one', steps: 1 });
    const mine = await cleo.waitForMessage((one) => /Paused/.test(textOf(one)));
    assert.match(await owner(ada, 'block', { person: `<@${CLEO}>` }), /1 order was stopped/);
    await cleo.waitForMessage((one) => one.id === mine.id && /[Ss]topped/.test(textOf(one)));
    for (const channel of [GENERAL, NIGHT_GENERAL, cleo.ready.direct!.id]) {
      await cleo.open(channel);
      assert.match(await orders(cleo), /owner of this bot does not let you/);
      assert.match(await answerTo(cleo, () => cleo.command('recent')), /does not let you/);
    }
    assert.match(await owner(ada, 'unblock', { person: 'Cleo' }), /is no id/);
    await owner(ada, 'queue', { state: 'resume' });
    assert.match(await owner(ada, 'unblock', { person: CLEO }), /may use the bot again/);
    assert.match(await owner(ada, 'unblock', { person: CLEO }), /is not blocked/);
    await paints(cleo);
  });
});

test('pause, drain, resume: everybody is told, nothing is lost', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    const cleo = await stage.user(CLEO);
    await cleo.open(GALLERY);
    assert.match(
      await owner(ada, 'queue', { state: 'pause', words: 'New *card*, 10 min' }),
      /Paused/,
    );
    await cleo.command('imagine', { prompt: 'a boat', steps: 1, size: '64x64' });
    const waits = await cleo.waitForMessage((one) => /Paused/.test(textOf(one)));
    assert.match(textOf(waits), /#1[^]*> New \\\*card\\\*, 10 min/);
    assert.match(await answerTo(cleo, () => cleo.command('queue')), /none is begun[^]*10 min/);
    await stage.restart();
    assert.match(await answerTo(cleo, () => cleo.command('queue')), /none is begun/);
    assert.equal((await stage.queue.line.standing()).waiting.jobs, 1);

    assert.match(await owner(ada, 'queue', { state: 'drain' }), /1 is still to be made/);
    assert.match(await orders(cleo), /takes no new orders/);
    await cleo.waitForMessage((one) => one.id === waits.id && isDone(one), 30_000);
    assert.match(await owner(ada, 'overview'), /0 running, 0 waiting[^]*No new orders/);
    assert.match(await owner(ada, 'queue', { state: 'resume' }), /goes on/);
    await paints(cleo);
  });
});

test('all of a person stopped, something told to all servers, models read anew', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    const cleo = await stage.user(CLEO);
    await owner(ada, 'queue', { state: 'pause' });
    for (const channel of [GALLERY, NIGHT_GENERAL]) {
      await cleo.open(channel);
      await cleo.command('imagine', { prompt: 'one', steps: 1 });
    }
    await waitUntil(async () => (await stage.queue.line.standing()).waiting.jobs === 2, 'wait');
    assert.match(await owner(ada, 'cancel', { person: CLEO }), /2 orders/);
    assert.match(await owner(ada, 'cancel', { person: CLEO }), /nothing waiting/);

    const told = await ownerForm(ada, 'announce', { words: 'Back at *noon* @everyone' });
    // Where pictures were ordered last.
    assert.match(told, new RegExp(`<#${GALLERY}>.*<#${NIGHT_GENERAL}>`));
    await cleo.open(GALLERY);
    const posted = await cleo.waitForMessage((one) => /Back at \*noon\*/.test(one.content));
    assert.equal(posted.mention_everyone, false);
    assert.match(await owner(ada, 'reload'), /read anew: 1 model/);
    await owner(ada, 'queue', { state: 'resume' });
    await paints(cleo);
  });
});

test('the file is read while it runs; one with a mistake is told, and holds nothing new', async () => {
  await onStage({}, async (stage) => {
    const ada = await inDirect(await stage.user());
    const cleo = await stage.user(CLEO);
    await cleo.open(GALLERY);
    const before = await saved(stage);
    await writeFile(fileOf(stage), JSON.stringify({ ...before, words: ['boat'] }));
    await waitUntil(() => stage.rule.now().words.length === 1, 'read');
    assert.match(await orders(cleo), /rules of this bot/);
    await writeFile(fileOf(stage), '{ "wrods": [] }');
    await waitUntil(() => stage.rule.problem() !== null, 'noticed');
    assert.match(await orders(cleo), /rules of this bot/);
    assert.match(await owner(ada, 'overview'), /has “wrods”, which means nothing/);
    assert.match(await owner(ada, 'block', { person: CLEO }), /Mend it first; nothing was changed/);
    const said = stage.lines.filter(({ message }) => /wrods/.test(message));
    assert.equal(said.length, 1);
    const { log } = memoryLog();
    await assert.rejects(openRule({ file: fileOf(stage), log }), /owner\.json: .*wrods/);
    await rm(fileOf(stage));
    await stage.restart();
    await paints(cleo);
  });
});

test('alarms: three failures in a row, a full disk, an engine that broke down', async () => {
  let free = 50;
  const alarms = { everyMs: 20, room: async () => ({ free, whole: 1000 }) };
  await onStage({ bot: { alarms } }, async (stage) => {
    const ada = await inDirect(await stage.user());
    assert.match(await owner(ada, 'places', { alarms: ADA }), /cannot write to channel/);
    assert.match(await owner(ada, 'places', { alarms: `<#${GENERAL}>` }), new RegExp(GENERAL));
    await ada.open(GENERAL);
    const alarm = (what: RegExp) =>
      ada.waitForMessage((one) => one.channel_id === GENERAL && what.test(one.content));
    await alarm(/Alarms come here/);
    free = 20;
    await alarm(/disk is nearly full\*\*: 2\.0 % are free/);
    await ada.open(GALLERY);
    // Pictures that cannot be stored: a folder lies where each should go.
    const { put } = stage.pictures;
    stage.pictures.put = async () => {
      throw new Error('the store is broken for this test');
    };
    const failures: string[] = [];
    for (let n = 0; n < 3; n++) {
      const next = fresh(ada);
      await ada.command('imagine', { prompt: 'a boat', steps: 1, size: '64x64' });
      const failed = await next(
        (one) => !isPrivate(one) && /`[0-9a-f]{8}`/.test(textOf(one)),
        60_000,
      );
      failures.push(/`([0-9a-f]{8})`/.exec(textOf(failed))![1]!);
    }
    stage.pictures.put = put;
    const row = await alarm(/Three pictures in a row failed/);
    for (const reference of failures) assert.ok(row.content.includes(reference));
    await inDirect(ada);
    const list = await owner(ada, 'failures');
    for (const reference of failures) assert.ok(list.includes(reference));
    const one = await owner(ada, 'failures', { reference: failures[1]! });
    assert.match(one, /model demo.*The Atelier/);
    assert.match(await owner(ada, 'failures', { reference: 'nothing' }), /No order on record/);
  });
});
