import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attachment, Message } from 'discord.js';
import { openMedia } from '../../../src/bot/pictures/media.ts';
import { pictureLinks } from '../../../src/bot/pictures/pictures-of.ts';

const media = openMedia(null);

type Showing = Pick<Message, 'attachments' | 'embeds' | 'components'>;

const files = (...urls: string[]) =>
  new Map(
    urls.map((url, at) => [
      String(at),
      { url, name: 'a.png', contentType: 'image/png' } as Attachment,
    ]),
  ) as unknown as Message['attachments'];

const showing = (...urls: string[]): Showing => ({
  attachments: files(...urls),
  embeds: [],
  components: [],
});

const link = (name: string) => `https://cdn.discordapp.com/attachments/1/2/${name}.png`;

test('what a message forwards is found like what it shows itself, each picture once', () => {
  const forwarding = {
    ...showing(),
    messageSnapshots: new Map([
      ['1', showing(link('a'), link('b'))],
      ['2', showing(link('b'))],
    ]),
  };
  assert.deepEqual(pictureLinks(forwarding, media), [link('a'), link('b')]);
  assert.deepEqual(pictureLinks({ ...forwarding, ...showing(link('c')) }, media), [
    link('c'),
    link('a'),
    link('b'),
  ]);
});

test('only what Discord keeps itself is followed, forwarded or not', () => {
  const elsewhere = showing('https://example.org/a.png');
  assert.deepEqual(pictureLinks(elsewhere, media), []);
  assert.deepEqual(
    pictureLinks({ ...showing(), messageSnapshots: new Map([['1', elsewhere]]) }, media),
    [],
  );
  assert.deepEqual(pictureLinks({ ...showing(), messageSnapshots: new Map() }, media), []);
});
