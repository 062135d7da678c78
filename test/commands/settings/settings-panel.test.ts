import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../../../src/bot/policy/policy.ts';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import type { PlaygroundUserClient, ShownModal } from '../../support/discord/playground-user.ts';
import { buttonOf, isDone, isPrivate, textOf, waitUntil } from '../../support/discord/messages.ts';
import { CLEO, stageOfFile } from '../../support/stage.ts';

/** For all tests: each looks at settings that the others leave alone. */
const stage = stageOfFile();

const ATELIER = '1300000000000001000';
const SUPPORTER = '1300000000000001002';
const control = (name: string) => `1:settings:000000000000:${name}`;

async function openPanel(user: PlaygroundUserClient): Promise<PlaygroundMessage> {
  await user.command('settings show');
  return user.waitForMessage((one) => isPrivate(one) && JSON.stringify(one).includes('settings:'));
}

async function shows(user: PlaygroundUserClient, words: RegExp): Promise<PlaygroundMessage> {
  return user.waitForMessage((one) => isPrivate(one) && words.test(textOf(one)));
}

async function modalOf(outcome: Promise<{ type: string }>): Promise<ShownModal> {
  const shown = await outcome;
  assert.equal(shown.type, 'modal', JSON.stringify(shown));
  return shown as unknown as ShownModal;
}

test('defaults: selects and a form; what is taken back is the model’s own again', async () => {
  const ada = await stage().user();
  const { id } = await openPanel(ada);
  await ada.select(id, control('sampler'), ['euler']);
  await shows(ada, /Sampler:\*\* euler/);
  const numbers = { steps: '3', cfg: '4,5', size: '96x64', count: '', clipSkip: '' };
  await ada.submitModal(await modalOf(ada.press(id, control('numbers'))), numbers);
  await shows(ada, /Steps:\*\* 3[^]*CFG:\*\* 4\.5[^]*Size:\*\* 96x64/);
  await ada.command('imagine', { prompt: 'x' });
  const done = await ada.waitForMessage(isDone, 30_000);
  assert.match(textOf(done), /96x64 · 3 steps · euler/);

  const more = { negative: 'blur', pag: '2,5', vae: 'Automatic', exact: 'Yes' };
  await ada.submitModal(await modalOf(ada.press(id, control('negative'))), more);
  await shows(
    ada,
    /PAG:\*\* 2\.5[^]*Negative prompt:\*\* blur[^]*VAE:\*\* automatic[^]*alone:\*\* yes/,
  );
  await ada.submitModal(await modalOf(ada.press(id, control('negative'))), {
    ...more,
    pag: '21',
  });
  await shows(ada, /“PAG” must be a number from 0 to 20.*You typed “21”/);
  await ada.submitModal(await modalOf(ada.press(id, control('negative'))), {
    ...more,
    vae: 'nope',
  });
  await shows(ada, /no VAE “nope” for any model here.*automatic/);
  await ada.submitModal(await modalOf(ada.press(id, control('negative'))), {
    ...more,
    exact: 'perhaps',
  });
  await shows(ada, /Painted alone: perhaps: on or off is expected/);
  const neither = { negative: '', pag: '', vae: '', exact: '' };
  await ada.submitModal(await modalOf(ada.press(id, control('negative'))), neither);
  await ada.submitModal(await modalOf(ada.press(id, control('numbers'))), {
    ...numbers,
    size: '',
  });
  await ada.select(id, control('sampler'), []);
  await shows(ada, /Sampler:\*\* \*the model's own\*/);
  assert.deepEqual(await stage().settings.defaults(ATELIER), { steps: 3, cfg: 4.5 });
  await ada.submitModal(await modalOf(ada.press(id, control('numbers'))), {
    ...numbers,
    steps: 'many',
  });
  const refused = await shows(ada, /“Steps” must be a number from 1 to \d+.*You typed “many”/);
  const again = await modalOf(ada.press(refused.id, buttonOf(refused, 'form-again')));
  const typed = JSON.stringify(again.modal.components);
  assert.ok(typed.includes('"value":"many"') && typed.includes('"value":"4,5"'), typed);
  await ada.submitModal(again, { ...numbers, steps: '5' });
  await shows(ada, /Steps:\*\* 5/);
  await ada.pressSure(id, control('reset-defaults'));
  await waitUntil(
    async () => Object.keys(await stage().settings.defaults(ATELIER)).length === 0,
    'reset',
  );
});

test('limits: everybody, the server, a role', async () => {
  const ada = await stage().user();
  const { id } = await openPanel(ada);
  await ada.select(id, control('page'), ['limits']);
  await shows(ada, /Limits of this server/);
  const everybody = await modalOf(ada.press(id, control('everybody')));
  await ada.submitModal(everybody, { waiting: '2', work: '1.5', seconds: '' });
  await shows(ada, /Everybody:\*\* 2 waiting · 1\.5 million/);
  const role = await modalOf(ada.select(id, control('role'), [SUPPORTER], 6));
  await ada.submitModal(role, { waiting: '', work: '', seconds: '600', weight: '2' });
  await shows(ada, new RegExp(`<@&${SUPPORTER}>:\\*\\* 600 s a day · share 2`));
  await ada.submitModal(await modalOf(ada.press(id, control('server'))), {
    waiting: '9',
    seconds: '-1',
  });
  await shows(ada, /must be a number from 0/);
  await ada.select(id, control('previews'), ['off']);
  await shows(ada, /No previews/);
  const policy = await stage().settings.policy(ATELIER);
  assert.deepEqual(policy, {
    ...DEFAULT_POLICY,
    everybody: { waiting: 2, work: 1.5 },
    roles: { [SUPPORTER]: { seconds: 600, weight: 2 } },
    previews: 'off',
  });
  await ada.pressSure(id, control('reset-limits'));
  await shows(ada, /Everybody:\*\* \*none\*/);
});

test('who, where and what: selects of channels, roles and people, word lists', async () => {
  const ada = await stage().user();
  const channel = ada.ready.guilds[0]?.channels[0]?.id ?? '';
  const { id } = await openPanel(ada);
  await ada.select(id, control('page'), ['access']);
  await shows(ada, /Who may make pictures/);
  await ada.select(id, control('channels'), [channel], 8);
  await ada.select(id, control('roles'), [SUPPORTER], 6);
  await ada.select(id, control('blocked'), [CLEO], 5);
  await ada.select(id, control('audit'), [channel], 8);
  await shows(ada, new RegExp(`Blocked:\\*\\* <@${CLEO}>[^]*<#${channel}>`));
  await ada.select(id, control('channels'), [], 8);
  await shows(ada, /Channels:\*\* \*everywhere\*/);

  await ada.select(id, control('page'), ['content']);
  await shows(ada, /What may be painted/);
  await ada.submitModal(await modalOf(ada.press(id, control('words'))), {
    words: 'goblin*\nred army, troll',
    patterns: 'dr.gon\n(unclosed',
    nsfwWords: '',
  });
  await shows(ada, /“\(unclosed” is not a pattern/);
  assert.deepEqual((await stage().settings.policy(ATELIER)).words, []);
  await ada.submitModal(await modalOf(ada.press(id, control('words'))), {
    words: 'goblin*\nred army, troll',
    patterns: 'dr.gon',
    nsfwWords: 'kiss',
  });
  await shows(ada, /3 words and 1 patterns not allowed, 1 more/);
  const again = await modalOf(ada.press(id, control('words')));
  assert.match(JSON.stringify(again.modal), /goblin\*\\nred army\\ntroll/);
  await ada.select(id, control('nsfw'), ['nowhere']);
  await shows(ada, /NSFW nowhere/);
  assert.deepEqual(await stage().settings.policy(ATELIER), {
    ...DEFAULT_POLICY,
    allowedRoles: [SUPPORTER],
    blockedUsers: [CLEO],
    auditChannel: channel,
    words: ['goblin*', 'red army', 'troll'],
    patterns: ['dr.gon'],
    nsfwWords: ['kiss'],
    nsfw: 'nowhere',
  });
});
