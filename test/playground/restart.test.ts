import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ChatInputCommandInteraction } from 'discord.js';
import { Events, MessageFlags, REST, Routes } from 'discord.js';
import { loginClient } from '../support/discord/discord-client.ts';
import { connectUser } from '../support/discord/playground-user.ts';
import { tinyPng } from '../support/tiny-png.ts';

const script = fileURLToPath(new URL('../support/discord/playground-process.ts', import.meta.url));

async function start(dataFile: string, port = 0) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, dataFile, String(port)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const facts = JSON.parse(String(line)) as { url: string; apiBase: string; token: string };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { ...facts, kill };
}

test('kill -9 and restart: ids, pictures, commands and interaction tokens are still good', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'playground-'));
  const dataFile = path.join(folder, 'playground.db');
  const first = await start(dataFile);
  const bot = await loginClient(first);
  const asked = new Promise<ChatInputCommandInteraction>((resolve) =>
    bot.on(Events.InteractionCreate, (interaction) => {
      if (interaction.isChatInputCommand()) resolve(interaction);
    }),
  );
  await bot.application.commands.set([{ name: 'paint', description: 'Paints' }]);
  const ada = await connectUser(first);
  const outcome = ada.command('paint');
  const interaction = await asked;
  const answer = await interaction.deferReply({ withResponse: true });
  await outcome;
  await interaction.editReply({
    content: 'half',
    files: [{ attachment: tinyPng(8, 8), name: 'half.png' }],
  });
  const messageId = answer.resource?.message?.id ?? '';
  const channelId = ada.channelId;
  const [oldLink] = (await ada.waitForMessage((one) => one.content === 'half')).attachments;
  await first.kill();
  await ada.close();

  const second = await start(dataFile, Number(new URL(first.url).port));
  try {
    assert.equal(second.token, first.token);
    const someone = await connectUser(second, ada.userId);
    const [before] = await someone.open(channelId);
    assert.equal(before?.id, messageId);
    for (const url of [before?.attachments[0]?.url, oldLink?.url]) {
      const bytes = Buffer.from(await (await fetch(url ?? '')).arrayBuffer());
      assert.deepEqual(bytes, tinyPng(8, 8));
    }
    const commands = await someone.waitFor((all) => all.find((one) => one.type === 'commands'));
    assert.deepEqual(
      commands.commands.map((one) => one.name),
      ['paint'],
    );

    const rest = new REST({ api: second.apiBase, version: '10' }).setToken(second.token);
    await rest.patch(
      Routes.webhookMessage(interaction.applicationId, interaction.token, '@original'),
      {
        auth: false,
        body: { content: 'by token' },
      },
    );
    await someone.waitForMessage((one) => one.id === messageId && one.content === 'by token');
    await rest.patch(Routes.channelMessage(channelId, messageId), {
      body: {
        content: '',
        flags: MessageFlags.IsComponentsV2,
        components: [{ type: 10, content: 'by channel' }],
      },
    });
    const final = await someone.waitForMessage((one) => JSON.stringify(one).includes('by channel'));
    assert.equal(final.id, messageId);
    await someone.close();

    // The bot of before finds its way back by itself: its session is gone, so it identifies anew.
    await new Promise<void>((resolve) => {
      if (bot.ws.status === 0 && bot.ws.shards.first()?.status === 0) resolve();
      bot.once(Events.ShardReady, () => resolve());
    });
  } finally {
    await bot.destroy();
    await second.kill();
    await rm(folder, { recursive: true });
  }
});
