import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaygroundUserClient } from '../../support/discord/playground-user.ts';
import { isDone, isPrivate, textOf, waitUntil } from '../../support/discord/messages.ts';
import { requestIn } from '../../support/jobs.ts';
import { BEN, stageOfFile } from '../../support/stage.ts';

/** For all tests, which leave no defaults behind but the last. */
const stage = stageOfFile();

/** The private answer to a command; it is dismissed, so that the next one is the only one again. */
async function answerTo(
  user: PlaygroundUserClient,
  name: string,
  options: Record<string, string | number> = {},
): Promise<string> {
  await user.command(name, options);
  const answer = await user.waitForMessage((message) => isPrivate(message) && !message.thinking);
  user.dismiss(answer.id);
  await waitUntil(() => !user.messages().some(isPrivate), 'dismissed');
  return textOf(answer);
}

test('defaults are shown, changed, used, and reset', async () => {
  const ada = await stage().user();
  assert.match(await answerTo(ada, 'settings show'), /Steps:\*\* \*the model's own\*/);
  const saved = await answerTo(ada, 'settings set', {
    steps: 3,
    sampler: 'euler',
    size: '96x64',
    negative: 'text @everyone',
    model: 'DEMO',
  });
  assert.match(saved, /Saved\./);
  assert.match(saved, /Size:\*\* 96x64/);
  assert.match(saved, /Model:\*\* demo/);
  assert.match(saved, /text \\@everyone/);

  await ada.command('imagine', { prompt: 'x', sampler: 'heun' });
  assert.match(textOf(await ada.waitForMessage(isDone, 30_000)), /96x64 · 3 steps · heun/);
  const [job] = await stage().queue.archive.recent({ limit: 1 });
  assert.equal(requestIn(job).negativePrompt, 'text @everyone');

  await answerTo(ada, 'settings reset', { option: 'size' });
  const shown = await answerTo(ada, 'settings show');
  assert.match(shown, /Size:\*\* \*the model's own\*/);
  assert.match(shown, /Steps:\*\* 3/);
  await answerTo(ada, 'settings reset');
  assert.doesNotMatch(await answerTo(ada, 'settings show'), /Steps:\*\* 3/);
});

test('defaults that no picture could be made with are refused', async () => {
  const ada = await stage().user();
  assert.match(await answerTo(ada, 'settings set', { size: '100x100' }), /multiple of 16/);
  assert.match(await answerTo(ada, 'settings set', { model: 'nope' }), /no model “nope”/);
  assert.match(await answerTo(ada, 'settings set'), /at least one option/);
  assert.deepEqual(await stage().settings.defaults(ada.ready.guilds[0]?.id ?? ''), {});
});

test('the handler itself asks for Manage Server', async () => {
  // The server's own overrides have opened the command to everybody: the local Discord then offers it to Ben.
  const commands = `${stage().playground.apiBase}/v10/applications/${stage().playground.applicationId}/commands`;
  const headers = {
    authorization: `Bot ${stage().playground.token}`,
    'content-type': 'application/json',
  };
  const list = Object(await (await fetch(commands, { headers })).json());
  const settings = [...list].find((command) => command.name === 'settings');
  await fetch(`${commands}/${settings.id}`, {
    method: 'PATCH',
    headers,
    body: JSON.stringify({ default_member_permissions: null }),
  });
  const ben = await stage().user(BEN);
  assert.match(await answerTo(ben, 'settings show'), /need the Manage Server permission/);
  assert.match(await answerTo(ben, 'settings set', { steps: 5 }), /need the Manage Server/);
  const guildId = ben.ready.guilds[0]?.id ?? '';
  assert.deepEqual(await stage().settings.defaults(guildId), {});
});

test('one server does not see the defaults of another', async () => {
  const ada = await stage().user();
  const ben = await stage().user(BEN);
  await answerTo(ada, 'settings set', { steps: 77 });
  await ben.open(ben.ready.guilds[1]?.channels[0]?.id ?? '');
  assert.doesNotMatch(await answerTo(ben, 'settings show'), /77/);
});
