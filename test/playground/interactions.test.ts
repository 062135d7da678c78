import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ChatInputCommandInteraction, Client, Interaction } from 'discord.js';
import {
  ActionRowBuilder,
  ApplicationCommandOptionType,
  ButtonBuilder,
  ButtonStyle,
  ComponentType,
  Events,
  MessageFlags,
  ModalBuilder,
  StringSelectMenuBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js';
import type { Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { loginClient } from '../support/discord/discord-client.ts';
import { createSchemaRecorder } from '../support/discord/discord-schema.ts';
import type { PlaygroundUserClient } from '../support/discord/playground-user.ts';
import { connectUser } from '../support/discord/playground-user.ts';
import { waitUntil } from '../support/discord/messages.ts';
import { patience } from '../support/machine/patience.ts';
import { tinyPng } from '../support/tiny-png.ts';

type Handler = (interaction: Interaction) => Promise<unknown>;

describe('interactions with discord.js', () => {
  let playground: Playground;
  let bot: Client<true>;
  let ada: PlaygroundUserClient;
  let ben: PlaygroundUserClient;
  let handler: Handler = async () => {};
  const firstResponse = patience(600);
  const recorder = createSchemaRecorder();
  const failures: unknown[] = [];

  before(async () => {
    playground = await startPlayground({
      port: 0,
      dataFile: ':memory:',
      timing: { firstResponse },
      onExchange: recorder.onExchange,
    });
    bot = await loginClient(playground);
    bot.on(Events.InteractionCreate, (interaction) => {
      handler(interaction).catch((error: unknown) => void failures.push(error));
    });
    await bot.application.commands.set([
      {
        name: 'paint',
        description: 'Paints',
        options: [
          {
            name: 'prompt',
            description: 'What',
            type: ApplicationCommandOptionType.String,
            required: true,
          },
          {
            name: 'steps',
            description: 'How long',
            type: ApplicationCommandOptionType.Integer,
            minValue: 1,
            maxValue: 150,
          },
          {
            name: 'model',
            description: 'Which',
            type: ApplicationCommandOptionType.String,
            autocomplete: true,
          },
          { name: 'init', description: 'Start', type: ApplicationCommandOptionType.Attachment },
        ],
      },
      { name: 'manage', description: 'Managers', defaultMemberPermissions: ['ManageGuild'] },
      { name: 'Recipe', type: 3 },
    ]);
    ada = await connectUser(playground);
    ben = await connectUser(playground, ada.ready.users[1]?.id ?? null);
  });

  after(async () => {
    await ada.close();
    await ben.close();
    await bot.destroy();
    await playground.close();
    assert.deepEqual(failures, []);
  });

  const once = (
    run: (interaction: ChatInputCommandInteraction<'cached'>) => Promise<unknown>,
  ): void => {
    handler = async (interaction) => {
      if (interaction.isChatInputCommand() && interaction.inCachedGuild()) await run(interaction);
    };
  };

  test('the bot sees two servers and their channels', () => {
    assert.equal(bot.guilds.cache.size, 2);
    const guild = bot.guilds.cache.first();
    assert.ok(guild?.channels.cache.some((channel) => channel.name === 'general'));
    assert.ok(guild?.channels.cache.some((channel) => 'nsfw' in channel && channel.nsfw));
  });

  test('reply: options, member, permissions and the message reach both sides', async () => {
    const seen: unknown[] = [];
    once(async (interaction) => {
      seen.push(
        interaction.options.getString('prompt', true),
        interaction.options.getInteger('steps'),
        interaction.memberPermissions.has('ManageGuild'),
        interaction.appPermissions.has('AttachFiles'),
        interaction.attachmentSizeLimit,
        interaction.guildLocale,
        interaction.channel?.id,
      );
      await interaction.reply({ content: 'painted' });
    });
    const outcome = await ada.command('paint', { prompt: 'a cat', steps: 20 });
    assert.deepEqual(outcome, { type: 'acknowledged' });
    assert.deepEqual(seen, ['a cat', 20, true, true, 10 * 1024 * 1024, 'en-US', ada.channelId]);
    const message = await ben.waitForMessage((one) => one.content === 'painted');
    assert.equal(message.interaction_metadata?.user.id, ada.userId);
    assert.deepEqual(message.used, {
      name: 'paint',
      options: [
        { name: 'prompt', type: 3, value: 'a cat' },
        { name: 'steps', type: 4, value: 20 },
      ],
    });
  });

  test('defer, edit with a file, keep it, replace it: one message throughout', async () => {
    const ids: string[] = [];
    once(async (interaction) => {
      const answer = await interaction.deferReply({ withResponse: true });
      ids.push(answer.resource?.message?.id ?? '');
      const first = await interaction.editReply({
        content: 'one',
        files: [
          { attachment: tinyPng(8, 6), name: 'one.png', description: 'AI-generated image: one' },
        ],
      });
      ids.push(first.id);
      const kept = await interaction.editReply({ content: 'two' });
      assert.deepEqual(
        [...kept.attachments.values()].map((file) => file.name),
        ['one.png'],
      );
      const replaced = await interaction.editReply({
        content: 'three',
        files: [{ attachment: tinyPng(4, 4), name: 'three.png' }],
      });
      assert.deepEqual(
        [...replaced.attachments.values()].map((file) => file.name),
        ['three.png'],
      );
      ids.push(replaced.id);
    });
    await ada.command('paint', { prompt: 'steps' });
    const message = await ada.waitForMessage((one) => one.content === 'three');
    assert.equal(new Set([...ids, message.id]).size, 1);
    assert.ok(
      ada.received.some(
        (one) => one.type === 'message' && one.message.id === message.id && one.message.thinking,
      ),
    );
    const [file] = message.attachments;
    assert.deepEqual([file?.width, file?.height, file?.content_type], [4, 4, 'image/png']);
    const answer = await fetch(file?.url ?? '');
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), tinyPng(4, 4));
    const forged = new URL(file?.url ?? '');
    forged.searchParams.set('ex', 'ffffffff');
    assert.equal((await fetch(forged)).status, 404);
  });

  test('an ephemeral reply is seen by the asker only and not by the channel routes', async () => {
    once((interaction) => interaction.reply({ content: 'psst', flags: MessageFlags.Ephemeral }));
    await ada.command('paint', { prompt: 'secret' });
    const message = await ada.waitForMessage((one) => one.content === 'psst');
    assert.equal(message.flags, MessageFlags.Ephemeral);
    const history = await ben.open(ada.channelId);
    assert.ok(!history.some((one) => one.id === message.id));
    await assert.rejects(bot.rest.get(`/channels/${ada.channelId}/messages/${message.id}`), {
      code: 10008,
    });
    ada.dismiss(message.id);
    await ada.waitFor((all) => all.find((one) => one.type === 'message-deleted'));
  });

  test('Components V2: a gallery of an uploaded picture, buttons, and the press that updates it', async () => {
    once(async (interaction) => {
      await interaction.deferReply();
      await interaction.editReply({
        flags: MessageFlags.IsComponentsV2,
        files: [{ attachment: tinyPng(16, 9), name: 'p.png' }],
        components: [
          {
            type: ComponentType.Container,
            components: [
              { type: ComponentType.TextDisplay, content: '**done**' },
              {
                type: ComponentType.MediaGallery,
                items: [{ media: { url: 'attachment://p.png' }, description: 'alt' }],
              },
            ],
          },
          new ActionRowBuilder<ButtonBuilder>().addComponents(
            new ButtonBuilder()
              .setCustomId('v1:reroll')
              .setLabel('Reroll')
              .setStyle(ButtonStyle.Primary),
          ),
        ],
      });
    });
    await ada.command('paint', { prompt: 'gallery' });
    const message = await ada.waitForMessage(
      (one) => (one.flags ?? 0) === MessageFlags.IsComponentsV2,
    );
    assert.deepEqual(message.attachments, [], 'files shown by components are not listed again');
    const [container] = message.components as unknown as [
      {
        components: [
          unknown,
          { items: [{ media: { url: string; width: number; attachment_id: string } }] },
        ];
      },
    ];
    const { media } = container.components[1].items[0];
    assert.equal(media.width, 16);
    assert.equal((await fetch(media.url)).status, 200);

    handler = async (interaction) => {
      if (!interaction.isButton()) return;
      assert.equal(interaction.customId, 'v1:reroll');
      assert.equal(interaction.message.id, message.id);
      await interaction.update({
        components: [
          { type: ComponentType.TextDisplay, content: `again for ${interaction.user.displayName}` },
        ],
      });
    };
    assert.deepEqual(await ben.press(message.id, 'v1:reroll'), { type: 'acknowledged' });
    await ada.waitForMessage((one) => JSON.stringify(one.components).includes('again for Ben'));
    assert.deepEqual(await ben.press(message.id, 'v1:reroll'), {
      type: 'failed',
      reason: 'This interaction failed',
    });
  });

  test('modal: shown, submitted, answered; select: values arrive', async () => {
    handler = async (interaction) => {
      if (interaction.isChatInputCommand()) {
        const input = new TextInputBuilder()
          .setCustomId('prompt')
          .setLabel('Prompt')
          .setStyle(TextInputStyle.Paragraph)
          .setMaxLength(20);
        const row = new ActionRowBuilder<TextInputBuilder>().addComponents(input);
        await interaction.showModal(
          new ModalBuilder().setCustomId('remix').setTitle('Remix').addComponents(row),
        );
      } else if (interaction.isModalSubmit()) {
        const select = new StringSelectMenuBuilder()
          .setCustomId('pick')
          .addOptions({ label: 'A', value: 'a' }, { label: 'B', value: 'b' });
        await interaction.reply({
          content: interaction.fields.getTextInputValue('prompt'),
          components: [new ActionRowBuilder<StringSelectMenuBuilder>().addComponents(select)],
        });
      } else if (interaction.isStringSelectMenu()) {
        await interaction.deferUpdate();
        await interaction.editReply({
          content: `picked ${interaction.values.join()}`,
          components: [],
        });
      }
    };
    const shown = await ada.command('paint', { prompt: 'modal' });
    assert.ok(shown.type === 'modal');
    assert.equal(shown.modal.title, 'Remix');
    const tooLong = await ada.submitModal(shown, { prompt: 'x'.repeat(21) });
    assert.equal(tooLong.type, 'failed');
    assert.deepEqual(await ada.submitModal(shown, { prompt: 'from the modal' }), {
      type: 'acknowledged',
    });
    const message = await ada.waitForMessage((one) => one.content === 'from the modal');
    assert.equal((await ada.select(message.id, 'pick', ['c'])).type, 'failed');
    await ada.select(message.id, 'pick', ['b']);
    await ada.waitForMessage((one) => one.content === 'picked b' && one.id === message.id);
  });

  test('autocomplete: the focused text arrives as typed and the choices come back', async () => {
    handler = async (interaction) => {
      if (!interaction.isAutocomplete()) return;
      const focused = interaction.options.getFocused(true);
      await interaction.respond([{ name: `${focused.name}:${focused.value}`, value: 'x' }]);
    };
    const choices = await ada.autocomplete('paint', 'model', 'de', { prompt: 'p' });
    assert.deepEqual(choices, [{ name: 'model:de', value: 'x' }]);
  });

  test('an uploaded picture reaches the bot as an attachment option', async () => {
    let fetched: Buffer | null = null;
    once(async (interaction) => {
      const file = interaction.options.getAttachment('init', true);
      fetched = Buffer.from(await (await fetch(file.url)).arrayBuffer());
      await interaction.reply(`${file.name} ${file.width}x${file.height}`);
    });
    const upload = await ada.upload('in it.png', 'image/png', tinyPng(5, 7));
    await ada.command('paint', { prompt: 'p', init: upload.id });
    await ada.waitForMessage((one) => one.content === 'in_it.png 5x7');
    assert.deepEqual(fetched, tinyPng(5, 7));
    await assert.rejects(
      ada.upload('big.png', 'image/png', Buffer.alloc(10 * 1024 * 1024 + 1)),
      /larger than 10 MiB/,
    );
  });

  test('no answer in time: the person is told, and the late answer is refused with 10062', async () => {
    let late: unknown;
    once(async (interaction) => {
      await new Promise((resolve) => setTimeout(resolve, firstResponse + 300));
      await interaction.reply('too late').catch((error: unknown) => {
        late = error;
      });
    });
    assert.deepEqual(await ada.command('paint', { prompt: 'slow' }), {
      type: 'failed',
      reason: 'The application did not respond',
    });
    await waitUntil(() => late !== undefined, 'the refusal');
    assert.equal((late as { code?: number }).code, 10062);
  });

  test('a message command carries its message; commands keep their permissions', async () => {
    handler = async (interaction) => {
      if (!interaction.isMessageContextMenuCommand()) return;
      await interaction.reply({
        content: `about ${interaction.targetMessage.id}`,
        flags: MessageFlags.Ephemeral,
      });
    };
    ada.say('hello there');
    const message = await ada.waitForMessage((one) => one.content === 'hello there');
    await ada.command('Recipe', {}, message.id);
    await ada.waitForMessage((one) => one.content === `about ${message.id}`);
    const listed = ben.received.filter((one) => one.type === 'commands');
    const names = listed.map((one) => [one.guildId, one.commands.map((command) => command.name)]);
    assert.deepEqual(Object.fromEntries(names), {
      [ben.ready.guilds[0]?.id ?? '']: ['paint', 'Recipe'],
      [ben.ready.guilds[1]?.id ?? '']: ['paint', 'manage', 'Recipe'],
      '@me': ['paint', 'manage', 'Recipe'],
    });
  });

  test('refused before the bot hears of it: missing, unknown and out-of-range options', async () => {
    handler = async () => assert.fail('the bot was asked');
    for (const options of [{}, { prompt: 'p', steps: 151 }, { prompt: 'p', steps: 1.5 }] as const) {
      assert.equal((await ada.command('paint', options)).type, 'failed');
    }
  });

  test("every request and answer fits Discord's own description", () => {
    recorder.assertValid();
  });

  test('no request of these tests met a rate limit', () => {
    assert.deepEqual(
      recorder.exchanges.filter((one) => one.status === 429).map((one) => one.path),
      [],
    );
  });
});
