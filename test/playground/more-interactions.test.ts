import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Client, Interaction } from 'discord.js';
import {
  ActionRowBuilder,
  ApplicationCommandOptionType,
  ComponentType,
  Events,
  MessageFlags,
  UserSelectMenuBuilder,
} from 'discord.js';
import type { Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { loginClient } from '../support/discord/discord-client.ts';
import { createSchemaRecorder } from '../support/discord/discord-schema.ts';
import type { PlaygroundUserClient } from '../support/discord/playground-user.ts';
import { connectUser } from '../support/discord/playground-user.ts';
import { responsePatience } from '../support/machine/patience.ts';
import { tinyPng } from '../support/tiny-png.ts';

describe('subcommands, resolved values, follow-ups, modals with labels, direct messages', () => {
  let playground: Playground;
  let bot: Client<true>;
  let ada: PlaygroundUserClient;
  let handler: (interaction: Interaction) => Promise<unknown> = async () => {};
  const recorder = createSchemaRecorder();
  const failures: unknown[] = [];

  before(async () => {
    playground = await startPlayground({
      port: 0,
      dataFile: ':memory:',
      guests: 40,
      timing: { firstResponse: responsePatience() },
      onExchange: recorder.onExchange,
    });
    bot = await loginClient(playground);
    bot.on(Events.InteractionCreate, (interaction) => {
      handler(interaction).catch((error: unknown) => void failures.push(error));
    });
    const user = {
      type: ApplicationCommandOptionType.User as const,
      name: 'who',
      description: 'Who',
    };
    await bot.application.commands.set([
      {
        name: 'settings',
        description: 'Settings',
        options: [
          { type: ApplicationCommandOptionType.Subcommand, name: 'show', description: 'Shows' },
          {
            type: ApplicationCommandOptionType.SubcommandGroup,
            name: 'limits',
            description: 'Limits',
            options: [
              {
                type: ApplicationCommandOptionType.Subcommand,
                name: 'set',
                description: 'Sets',
                options: [
                  {
                    type: ApplicationCommandOptionType.Integer,
                    name: 'steps',
                    description: 'Steps',
                    required: true,
                  },
                  user,
                  { type: ApplicationCommandOptionType.Role, name: 'role', description: 'Role' },
                ],
              },
            ],
          },
        ],
      },
      { name: 'ping', description: 'Ping' },
      { name: 'grown', description: 'For grown-ups', nsfw: true },
    ]);
    ada = await connectUser(playground);
  });

  after(async () => {
    await ada.close();
    await bot.destroy();
    await playground.close();
    assert.deepEqual(failures, []);
    recorder.assertValid();
    assert.deepEqual(
      recorder.exchanges.filter((one) => one.status === 429),
      [],
    );
  });

  test('a subcommand in a group, with a user and a role as values', async () => {
    handler = async (interaction) => {
      if (!interaction.isChatInputCommand() || !interaction.inCachedGuild()) return;
      const { options } = interaction;
      assert.deepEqual(
        [options.getSubcommandGroup(), options.getSubcommand(), options.getInteger('steps')],
        ['limits', 'set', 30],
      );
      assert.equal(options.getMember('who')?.displayName, 'Ben');
      assert.equal(options.getRole('role')?.name, 'Supporter');
      await interaction.reply('set');
    };
    const role = ada.ready.guilds[0]?.roles?.find((one) => one.name === 'Supporter');
    const values = { steps: 30, who: ada.ready.users[1]?.id ?? '', role: role?.id ?? '' };
    assert.equal((await ada.command('settings limits set', values)).type, 'acknowledged');
    const message = await ada.waitForMessage((one) => one.content === 'set');
    assert.equal(message.used?.name, 'settings limits set');
    assert.equal((await ada.command('settings', {})).type, 'failed', 'a subcommand must be chosen');
  });

  test('an age-restricted command works only in an age-restricted channel', async () => {
    handler = async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      assert.ok(interaction.channel && 'nsfw' in interaction.channel && interaction.channel.nsfw);
      await interaction.reply('grown');
    };
    assert.equal((await ada.command('grown')).type, 'failed');
    const [first] = ada.ready.guilds;
    const general = ada.channelId;
    ada.channelId = first?.channels.find((one) => one.ageRestricted)?.id ?? '';
    assert.equal((await ada.command('grown')).type, 'acknowledged');
    ada.channelId = general;
  });

  test('follow-ups: the first fills a deferred answer, later ones are their own; both can go', async () => {
    const done = new Promise<void>((resolve, reject) => {
      handler = async (interaction) => {
        if (!interaction.isChatInputCommand()) return;
        const run = async (): Promise<void> => {
          const answer = await interaction.deferReply({ withResponse: true });
          const first = await interaction.followUp('first');
          assert.equal(first.id, answer.resource?.message?.id);
          const second = await interaction.followUp({
            content: 'second',
            flags: MessageFlags.Ephemeral,
          });
          assert.notEqual(second.id, first.id);
          assert.equal((await interaction.fetchReply(second.id)).content, 'second');
          await interaction.editReply({ message: second, content: 'second, edited' });
          await interaction.deleteReply(second);
          await interaction.deleteReply();
          await assert.rejects(interaction.fetchReply(), { code: 10008 });
        };
        run().then(resolve, reject);
      };
    });
    await ada.command('ping');
    await done;
    assert.ok(!ada.messages().some((one) => /^(first|second)/.test(one.content)));
  });

  test('a modal of labels: text, select, file upload, checkbox and radio group', async () => {
    const seen: unknown[] = [];
    handler = async (interaction) => {
      if (interaction.isChatInputCommand()) {
        await interaction.showModal({
          custom_id: 'remix',
          title: 'Remix',
          components: [
            {
              type: 18,
              label: 'Prompt',
              component: { type: 4, custom_id: 'prompt', style: 2, required: false },
            },
            {
              type: 18,
              label: 'Sampler',
              component: {
                type: 3,
                custom_id: 'sampler',
                options: [
                  { label: 'Euler', value: 'euler' },
                  { label: 'Heun', value: 'heun' },
                ],
              },
            },
            {
              type: 18,
              label: 'Picture',
              component: { type: 19, custom_id: 'file', max_values: 1 },
            },
            { type: 18, label: 'Who', component: { type: 5, custom_id: 'who' } },
            { type: 18, label: 'Sure', component: { type: 23, custom_id: 'sure' } },
          ],
        } as never);
      } else if (interaction.isModalSubmit()) {
        const { fields } = interaction;
        seen.push(
          fields.getTextInputValue('prompt'),
          fields.getStringSelectValues('sampler'),
          fields.getUploadedFiles('file')?.first()?.name,
          fields.getSelectedUsers('who')?.first()?.displayName,
        );
        await interaction.reply('remixed');
      }
    };
    const shown = await ada.command('ping');
    assert.ok(shown.type === 'modal');
    const upload = await ada.upload('a.png', 'image/png', tinyPng(2, 2));
    const values = { sampler: ['heun'], file: [upload.id], who: [ada.userId], sure: 'true' };
    assert.equal((await ada.submitModal(shown, { ...values, sampler: ['ddim'] })).type, 'failed');
    assert.deepEqual(await ada.submitModal(shown, values), { type: 'acknowledged' });
    assert.deepEqual(seen, ['', ['heun'], 'a.png', 'Ada']);
  });

  test('a user select resolves its members', async () => {
    handler = async (interaction) => {
      if (interaction.isChatInputCommand()) {
        const select = new UserSelectMenuBuilder().setCustomId('who').setMaxValues(2);
        const row = new ActionRowBuilder<UserSelectMenuBuilder>().addComponents(select);
        await interaction.reply({ content: 'who?', components: [row] });
      } else if (interaction.isUserSelectMenu()) {
        await interaction.update({
          content: `chosen: ${interaction.users.map((one) => one.displayName).join(', ')}`,
          components: [],
        });
      }
    };
    await ada.command('ping');
    const message = await ada.waitForMessage((one) => one.content === 'who?');
    const ids = ada.ready.users.slice(0, 2).map((one) => one.id);
    await ada.select(message.id, 'who', ids);
    await ada.waitForMessage((one) => one.content === 'chosen: Ada, Ben');
  });

  test('direct messages: a user instead of a member, and nobody else sees them', async () => {
    handler = async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      assert.equal(interaction.inGuild(), false);
      assert.equal(interaction.user.id, ada.userId);
      assert.equal(interaction.context, 1);
      await interaction.reply({
        components: [{ type: ComponentType.TextDisplay, content: 'just us' }],
        flags: MessageFlags.IsComponentsV2,
      });
    };
    const general = ada.channelId;
    ada.channelId = ada.ready.direct?.id ?? '';
    assert.equal((await ada.command('ping')).type, 'acknowledged');
    await ada.waitForMessage((one) => JSON.stringify(one.components).includes('just us'));
    const ben = await connectUser(playground, ada.ready.users[1]?.id ?? null);
    await assert.rejects(ben.open(ada.channelId), /no such channel/);
    await ben.close();
    ada.channelId = general;
  });

  test('forty people at once: every one is acknowledged in time, nothing is lost', async () => {
    handler = async (interaction) => {
      if (interaction.isChatInputCommand()) await interaction.deferReply();
    };
    const guests = ada.ready.users.slice(3);
    assert.equal(guests.length, 40);
    const people = await Promise.all(guests.map((one) => connectUser(playground, one.id)));
    const outcomes = await Promise.all(people.map((one) => one.command('ping')));
    assert.ok(outcomes.every((one) => one.type === 'acknowledged'));
    const history = await ada.open(ada.channelId);
    assert.equal(history.filter((one) => one.thinking).length, 40);
    await Promise.all(people.map((one) => one.close()));
  });
});
