/** A small real discord.js bot that answers with every kind of message the page must be able to show. */
import {
  Client,
  GatewayIntentBits,
  REST,
  Routes,
  type AutocompleteInteraction,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  type Interaction,
  type MessageContextMenuCommandInteraction,
  type ModalSubmitInteraction,
} from 'discord.js';
import sharp from 'sharp';
import type { Playground } from '../../playground/playground.ts';

const V2 = 1 << 15;
const EPHEMERAL = 1 << 6;

export type PageBot = {
  /** what the bot was given, in order */
  seen: Record<string, unknown>[];
  stop(): Promise<void>;
};

const commands = [
  {
    name: 'imagine',
    description: 'Paint a picture from words',
    options: [
      { type: 3, name: 'prompt', description: 'What to paint', required: true, max_length: 200 },
      { type: 4, name: 'steps', description: 'How many steps', min_value: 1, max_value: 50 },
      { type: 10, name: 'cfg', description: 'How strictly to follow', min_value: 1, max_value: 30 },
      {
        type: 3,
        name: 'sampler',
        description: 'How to solve it',
        choices: [
          { name: 'Euler', value: 'euler' },
          { name: 'DPM++ 2M', value: 'dpmpp_2m' },
        ],
      },
      { type: 3, name: 'model', description: 'Which model', autocomplete: true },
      { type: 5, name: 'private', description: 'Only you see it' },
      { type: 4, name: 'count', description: 'How many pictures', min_value: 1, max_value: 10 },
      { type: 11, name: 'init', description: 'A picture to begin with' },
    ],
  },
  {
    name: 'settings',
    description: 'The defaults of this server',
    default_member_permissions: '32',
    options: [
      { type: 1, name: 'show', description: 'See them' },
      {
        type: 1,
        name: 'set',
        description: 'Change one',
        options: [{ type: 4, name: 'steps', description: 'Default steps', required: true }],
      },
    ],
  },
  { name: 'words', description: 'Text with marks, an embed and a file' },
  { name: 'silent', description: 'Never answers' },
  { name: 'Recipe', type: 3 },
];

/** Flat colour with a lighter disc: enough to tell one picture from another by its pixels. */
export function picture(hue: number, size = 256): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
    <defs><radialGradient id="g"><stop offset="0" stop-color="hsl(${hue} 80% 72%)"/>
    <stop offset="1" stop-color="hsl(${hue} 70% 42%)"/></radialGradient></defs>
    <rect width="100" height="100" fill="hsl(${(hue + 40) % 360} 30% 88%)"/>
    <circle cx="50" cy="52" r="32" fill="url(#g)"/></svg>`;
  return sharp(Buffer.from(svg)).resize(size, size).png().toBuffer();
}

export async function startPageBot(playground: Playground): Promise<PageBot> {
  const seen: Record<string, unknown>[] = [];
  const rest = new REST({ api: playground.apiBase }).setToken(playground.token);
  await rest.put(Routes.applicationCommands(playground.applicationId), { body: commands });
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: { api: playground.apiBase },
    allowedMentions: { parse: [] },
  });
  client.on('interactionCreate', (interaction) => {
    answer(interaction, seen).catch((error: unknown) => {
      seen.push({ kind: 'error', words: String(error) });
    });
  });
  const ready = new Promise<void>((resolve) => client.once('clientReady', () => resolve()));
  await client.login(playground.token);
  await ready;
  return { seen, stop: () => client.destroy() };
}

async function answer(interaction: Interaction, seen: Record<string, unknown>[]): Promise<void> {
  if (interaction.isAutocomplete()) return complete(interaction, seen);
  if (interaction.isChatInputCommand()) {
    seen.push({
      kind: 'command',
      name: interaction.commandName,
      sub: interaction.options.getSubcommand(false),
      user: interaction.user.id,
      options: Object.fromEntries(
        interaction.options.data
          .flatMap((o) => (o.type === 1 ? (o.options ?? []) : [o]))
          .map((o) => [o.name, o.attachment?.name ?? o.value]),
      ),
    });
    if (interaction.commandName === 'imagine') return imagine(interaction);
    if (interaction.commandName === 'settings') return settings(interaction);
    if (interaction.commandName === 'words') return words(interaction);
    return;
  }
  if (interaction.isMessageContextMenuCommand()) return recipe(interaction, seen);
  if (interaction.isButton()) return press(interaction, seen);
  if (interaction.isModalSubmit()) return submitted(interaction, seen);
  if (interaction.isStringSelectMenu()) {
    seen.push({ kind: 'select', values: interaction.values });
    await interaction.update({ content: `Chosen: **${interaction.values.join(', ')}**` });
  }
}

async function complete(
  interaction: AutocompleteInteraction,
  seen: Record<string, unknown>[],
): Promise<void> {
  const typed = interaction.options.getFocused();
  seen.push({ kind: 'autocomplete', typed });
  const all = ['demo', 'dreamy', 'photo'].filter((name) => name.includes(typed));
  await interaction.respond(all.map((name) => ({ name: `Model ${name}`, value: name })));
}

const button = (label: string, id: string, style: number, more: object = {}): object => ({
  type: 2,
  style,
  label,
  custom_id: id,
  ...more,
});

async function imagine(interaction: ChatInputCommandInteraction): Promise<void> {
  const prompt = interaction.options.getString('prompt', true);
  const count = interaction.options.getInteger('count') ?? 1;
  const hidden = interaction.options.getBoolean('private') ?? false;
  await interaction.deferReply(hidden ? { flags: EPHEMERAL } : {});
  const show = async (round: number, done: boolean): Promise<void> => {
    const files = await Promise.all(
      Array.from({ length: count }, async (_, index) => ({
        attachment: await picture((round * 60 + index * 35) % 360),
        name: `picture-${round}-${index}.png`,
        description: `AI-generated image: ${prompt}`,
      })),
    );
    const gallery = {
      type: 12,
      items: files.map((file) => ({
        media: { url: `attachment://${file.name}` },
        description: file.description,
      })),
    };
    const head = done ? `**${prompt}**` : `Painting · step ${round * 5} of 20`;
    const foot = { type: 10, content: '-# euler · 20 steps · cfg 7 · seed 42 · 1.8 s' };
    const buttons = done
      ? [
          button('Reroll', 'reroll', 1, { emoji: { name: '🎲' } }),
          button('Vary', 'vary', 2, { emoji: { name: '🪄' } }),
          button('Remix', 'remix', 2, { emoji: { name: '✏️' } }),
          button('Delete', 'delete', 4),
        ]
      : [button('Stop', 'stop', 4)];
    await interaction.editReply({
      flags: V2,
      files,
      components: [
        {
          type: 17,
          accent_color: done ? 0x3f9b6b : 0xe0a53a,
          components: [
            { type: 10, content: head },
            gallery,
            ...(done ? [foot] : []),
            { type: 1, components: buttons },
          ],
        },
      ] as never,
    });
  };
  for (let round = 1; round <= 3; round++) await show(round, false);
  await show(4, true);
}

/** Long enough for a search field, and for several values. */
const longSelect = {
  type: 3,
  custom_id: 'schedules',
  placeholder: 'Schedules',
  max_values: 3,
  options: ['automatic', 'beta', 'exponential', 'karras', 'normal', 'polyexponential']
    .concat(['sgm_uniform', 'simple', 'uniform'])
    .map((value) => ({ label: value, value })),
};

async function settings(interaction: ChatInputCommandInteraction): Promise<void> {
  const select = {
    type: 3,
    custom_id: 'sampler',
    placeholder: 'Default sampler',
    options: [
      { label: 'Euler', value: 'euler', description: 'Plain and quick', emoji: { name: '🟢' } },
      { label: 'DPM++ 2M', value: 'dpmpp_2m', description: 'Good at 20 steps' },
    ],
  };
  await interaction.reply({
    flags: EPHEMERAL,
    content: 'The defaults of this server. See <#1300000000000001102>.',
    components: [
      { type: 1, components: [select] },
      { type: 1, components: [{ type: 8, custom_id: 'where', placeholder: 'Channels' }] },
      { type: 1, components: [longSelect] },
    ] as never,
  });
}

async function words(interaction: ChatInputCommandInteraction): Promise<void> {
  const now = Math.round(Date.now() / 1000);
  await interaction.reply({
    content: [
      '# A heading',
      '**bold** *italic* __underline__ ~~gone~~ `code` ||secret|| [a link](https://example.org)',
      '> quoted <img src=x onerror=alert(1)> \\*not italic\\*',
      '- one',
      '  - two',
      `Ready <t:${now + 65}:R>, asked by <@${interaction.user.id}>`,
      '```ts\nconst x = 1;\n```',
      '-# small print',
    ].join('\n'),
    embeds: [
      {
        title: 'An embed',
        description: 'with *words*',
        color: 0xf0663f,
        fields: [
          { name: 'Steps', value: '20', inline: true },
          { name: 'Seed', value: '42', inline: true },
        ],
        footer: { text: 'foot' },
      },
    ],
    files: [{ attachment: Buffer.from('hello'), name: 'recipe.txt' }],
    components: [
      {
        type: 1,
        components: [
          button('Primary', 'a', 1),
          button('Secondary', 'b', 2),
          button('Success', 'c', 3),
          button('Danger', 'd', 4, { disabled: true }),
          { type: 2, style: 5, label: 'Docs', url: 'https://example.org/' },
        ],
      },
    ] as never,
  });
}

async function recipe(
  interaction: MessageContextMenuCommandInteraction,
  seen: Record<string, unknown>[],
): Promise<void> {
  seen.push({ kind: 'message command', target: interaction.targetId });
  await interaction.reply({ flags: EPHEMERAL, content: 'Steps: 20, Seed: 42' });
}

async function press(
  interaction: ButtonInteraction,
  seen: Record<string, unknown>[],
): Promise<void> {
  seen.push({ kind: 'button', id: interaction.customId, user: interaction.user.id });
  if (interaction.customId === 'delete') {
    await interaction.deferUpdate();
    await interaction.deleteReply();
  } else if (interaction.customId === 'remix') {
    await interaction.showModal(modal as never);
  } else if (interaction.customId === 'a') {
    await interaction.update({ components: [] });
  } else if (interaction.customId === 'vary') {
    await interaction.reply({ flags: EPHEMERAL, content: 'A variation is on its way.' });
  }
  // 'reroll' stays without an answer, so that the page shows the failure.
}

const modal = {
  custom_id: 'remix-form',
  title: 'Remix',
  components: [
    {
      type: 18,
      label: 'Prompt',
      description: 'Words of the new picture',
      component: { type: 4, custom_id: 'prompt', style: 2, value: 'a red heart', max_length: 60 },
    },
    {
      type: 18,
      label: 'Seed',
      component: { type: 4, custom_id: 'seed', style: 1, required: false, placeholder: 'random' },
    },
    {
      type: 18,
      label: 'Sampler',
      component: {
        type: 3,
        custom_id: 'sampler',
        options: [
          { label: 'Euler', value: 'euler', default: true },
          { label: 'Heun', value: 'heun' },
        ],
      },
    },
    {
      type: 18,
      label: 'First picture',
      component: { type: 19, custom_id: 'init', required: false, min_values: 0, max_values: 1 },
    },
    {
      type: 18,
      label: 'Strength',
      component: {
        type: 21,
        custom_id: 'strength',
        options: [
          { label: 'Subtle', value: 'subtle', default: true },
          { label: 'Strong', value: 'strong' },
        ],
      },
    },
  ],
};

async function submitted(
  interaction: ModalSubmitInteraction,
  seen: Record<string, unknown>[],
): Promise<void> {
  const { fields } = interaction;
  seen.push({
    kind: 'modal',
    prompt: fields.getTextInputValue('prompt'),
    seed: fields.getTextInputValue('seed'),
    sampler: fields.getStringSelectValues('sampler'),
    strength: fields.getRadioGroup('strength'),
    files: [...(fields.getUploadedFiles('init')?.values() ?? [])].map((file) => file.name),
  });
  await interaction.reply({ content: `Remixed: ${fields.getTextInputValue('prompt')}` });
}
