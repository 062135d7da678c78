import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Playground } from '../../playground/playground.ts';
import { startPlayground } from '../../playground/playground.ts';
import { createSchemaRecorder } from '../support/discord/discord-schema.ts';
import { caller, fieldCodes } from '../support/discord/rest-caller.ts';

const channels = [1101, 1102, 1103, 2101, 2102, 2103].map((n) => `130000000000000${n}`);
const v2 = 1 << 15;

const button = (customId: string, extra: object = {}): object => ({
  type: 2,
  style: 1,
  label: 'b',
  custom_id: customId,
  ...extra,
});
const row = (...components: object[]): object => ({ type: 1, components });
const text = (content: string): object => ({ type: 10, content });

describe('what a message may be', () => {
  let playground: Playground;
  let call: ReturnType<typeof caller>;
  const recorder = createSchemaRecorder();
  before(async () => {
    playground = await startPlayground({
      port: 0,
      dataFile: ':memory:',
      onExchange: recorder.onExchange,
    });
    call = caller(playground);
  });
  after(async () => {
    await playground.close();
    recorder.assertValid();
  });

  const rules: [what: string, body: object, expected: number | Record<string, string>][] = [
    ['2000 characters', { content: 'x'.repeat(2000) }, 200],
    ['2001 characters', { content: 'x'.repeat(2001) }, { content: 'BASE_TYPE_MAX_LENGTH' }],
    ['nothing', {}, 50006],
    ['only spaces', { content: '  ' }, 50006],
    ['ten embeds', { embeds: Array(10).fill({ title: 'e' }) }, 200],
    [
      'eleven embeds',
      { embeds: Array(11).fill({ title: 'e' }) },
      { embeds: 'BASE_TYPE_MAX_LENGTH' },
    ],
    [
      'embeds of more than 6000 characters',
      { embeds: Array(2).fill({ description: 'x'.repeat(3001) }) },
      { embeds: 'MAX_EMBED_SIZE_EXCEEDED' },
    ],
    ['a custom id of 100', { content: 'c', components: [row(button('x'.repeat(100)))] }, 200],
    [
      'a custom id of 101',
      { content: 'c', components: [row(button('x'.repeat(101)))] },
      { 'components.0.components.0.custom_id': 'BASE_TYPE_BAD_LENGTH' },
    ],
    [
      'the same custom id twice',
      { content: 'c', components: [row(button('a')), row(button('a'))] },
      { 'components.1.components.0.custom_id': 'COMPONENT_CUSTOM_ID_DUPLICATED' },
    ],
    [
      'six buttons in a row',
      { content: 'c', components: [row(...'abcdef'.split('').map((id) => button(id)))] },
      { 'components.0.components': 'BASE_TYPE_BAD_LENGTH' },
    ],
    [
      'six rows',
      { content: 'c', components: Array.from({ length: 6 }, (_, i) => row(button(`${i}`))) },
      { components: 'BASE_TYPE_MAX_LENGTH' },
    ],
    [
      'a select beside a button',
      {
        content: 'c',
        components: [
          row(button('a'), { type: 3, custom_id: 's', options: [{ label: 'l', value: 'v' }] }),
        ],
      },
      { 'components.0.components': 'COMPONENT_LAYOUT_WIDTH_EXCEEDED' },
    ],
    [
      'a select of 26 options',
      {
        content: 'c',
        components: [
          row({
            type: 3,
            custom_id: 's',
            options: Array.from({ length: 26 }, (_, i) => ({ label: 'l', value: `${i}` })),
          }),
        ],
      },
      { 'components.0.components.0.options': 'BASE_TYPE_BAD_LENGTH' },
    ],
    [
      'a link button with an address',
      { content: 'c', components: [row({ type: 2, style: 5, label: 'l', url: 'https://x.test' })] },
      200,
    ],
    [
      'a button without label',
      { content: 'c', components: [row({ type: 2, style: 1, custom_id: 'a' })] },
      { 'components.0.components.0': 'BUTTON_COMPONENT_INVALID_LABEL' },
    ],
    [
      'text display without the flag',
      { components: [text('t')] },
      { 'components.0.type': 'UNION_TYPE_CHOICES' },
    ],
    ['text display with the flag', { flags: v2, components: [text('t')] }, 200],
    [
      'content beside Components V2',
      { flags: v2, content: 'c', components: [text('t')] },
      { content: 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2' },
    ],
    ['40 components', { flags: v2, components: Array(40).fill(text('t')) }, 200],
    [
      '41 components, nested ones counted',
      { flags: v2, components: [{ type: 17, components: Array(39).fill(text('t')) }, text('t')] },
      { components: 'COMPONENT_MAX_TOTAL' },
    ],
    [
      '4000 characters of text in all',
      { flags: v2, components: [text('x'.repeat(2000)), text('x'.repeat(2000))] },
      200,
    ],
    [
      '4001 characters of text in all',
      { flags: v2, components: [text('x'.repeat(2000)), text('x'.repeat(2001))] },
      { components: 'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED' },
    ],
    [
      'a gallery of eleven',
      {
        flags: v2,
        components: [
          { type: 12, items: Array(11).fill({ media: { url: 'https://x.test/a.png' } }) },
        ],
      },
      { 'components.0.items': 'BASE_TYPE_BAD_LENGTH' },
    ],
    [
      'a picture that was not uploaded',
      { flags: v2, components: [{ type: 12, items: [{ media: { url: 'attachment://no.png' } }] }] },
      { 'components.0.items.0.media.url': 'UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND' },
    ],
    [
      'the ephemeral flag in a channel',
      { content: 'c', flags: 64 },
      { flags: 'MESSAGE_FLAGS_INVALID' },
    ],
    [
      'mentions of all users and of one',
      { content: 'c', allowed_mentions: { parse: ['users'], users: ['1'] } },
      { allowed_mentions: 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE' },
    ],
  ];

  for (const [i, [what, body, expected]] of rules.entries()) {
    // Each channel takes five messages in five seconds.
    const channel = channels[Math.floor(i / 5)];
    test(`${what}: ${JSON.stringify(expected)}`, async () => {
      const answer = await call('POST', `/channels/${channel}/messages`, body);
      if (expected === 200) assert.equal(answer.status, 200, JSON.stringify(answer.body));
      else if (typeof expected === 'number') assert.equal(answer.body?.['code'], expected);
      else {
        assert.equal(answer.body?.['code'], 50035);
        assert.deepEqual(fieldCodes(answer.body?.['errors']), expected);
      }
    });
  }
});
