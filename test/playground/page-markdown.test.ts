import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseInline,
  parseMarkdown,
  plainText,
  type Inline,
} from '../../playground/web/message/markdown.ts';
import { messageTime, relativeTime, styledTime } from '../../playground/web/message/time.ts';

const text = (words: string): Inline => ({ type: 'text', text: words });

test('marks nest, and unclosed ones stay as they were written', () => {
  assert.deepEqual(parseInline('**a *b* c**'), [
    { type: 'strong', children: [text('a '), { type: 'em', children: [text('b')] }, text(' c')] },
  ]);
  assert.deepEqual(parseInline('***both***'), [
    { type: 'strong', children: [{ type: 'em', children: [text('both')] }] },
  ]);
  assert.deepEqual(parseInline('2 * 3 ** 4 _ 5 `x'), [text('2 * 3 ** 4 _ 5 `x')]);
  assert.deepEqual(parseInline('snake_case_name'), [text('snake_case_name')]);
  assert.deepEqual(
    parseInline('__u__ ~~s~~ ||h||').map((n) => n.type),
    ['underline', 'text', 'strike', 'text', 'spoiler'],
  );
});

test('a backslash keeps the next mark as text, inside marks too', () => {
  assert.deepEqual(parseInline('\\*not\\* \\_this\\_ \\<@1\\>'), [text('*not* _this_ <@1>')]);
  assert.deepEqual(parseInline('**a \\** b**'), [{ type: 'strong', children: [text('a ** b')] }]);
});

test('markup of other languages stays text, and only http(s) becomes a link', () => {
  const html = '<img src=x onerror=alert(1)><script>x</script>';
  assert.deepEqual(parseInline(html), [text(html)]);
  assert.deepEqual(parseInline('[x](javascript:alert(1))'), [text('[x](javascript:alert(1))')]);
  assert.deepEqual(parseInline('see https://a.example/b?c=d.'), [
    text('see '),
    { type: 'link', href: 'https://a.example/b?c=d', children: [text('https://a.example/b?c=d')] },
    text('.'),
  ]);
  assert.deepEqual(parseInline('[**x**](https://a.example/(1))'), [
    {
      type: 'link',
      href: 'https://a.example/(1)',
      children: [{ type: 'strong', children: [text('x')] }],
    },
  ]);
});

test('mentions, timestamps and commands', () => {
  const id = '1200000000000000001';
  assert.deepEqual(
    parseInline(`<@${id}><#${id}><@&${id}></settings set:${id}><t:1700000000:R>@everyone`),
    [
      { type: 'mention', kind: 'user', id, text: '' },
      { type: 'mention', kind: 'channel', id, text: '' },
      { type: 'mention', kind: 'role', id, text: '' },
      { type: 'mention', kind: 'command', id, text: '/settings set' },
      { type: 'time', seconds: 1_700_000_000, style: 'R' },
      { type: 'mention', kind: 'everyone', id: '', text: '@everyone' },
    ],
  );
});

test('blocks: headings, lists, quotes, subtext, fences', () => {
  const blocks = parseMarkdown(
    '# One\n- a\n  - b\n3. c\n> q1\n> q2\n-# small\n```ts\n**raw**\n```\nend\n>>> all\nthe rest',
  );
  assert.deepEqual(
    blocks.map((block) => block.type),
    ['heading', 'list', 'quote', 'subtext', 'code', 'paragraph', 'quote'],
  );
  const [, list, quote, , code] = blocks;
  assert.deepEqual(list?.type === 'list' && list.items.map((i) => [i.depth, i.number]), [
    [0, null],
    [1, null],
    [0, 3],
  ]);
  assert.deepEqual(code, { type: 'code', language: 'ts', text: '**raw**' });
  assert.equal(quote?.type === 'quote' && quote.blocks.length, 1);
  assert.equal(plainText(blocks), 'One a, b, c q1\nq2 small **raw** end all\nthe rest');
});

test('hostile text is parsed in a moment', () => {
  const started = performance.now();
  for (const piece of ['*', '**a', '_', '||', '[', '<', '`', '> ', '\\', '[a](', '~~*']) {
    parseMarkdown(piece.repeat(Math.floor(4000 / piece.length)));
  }
  const took = performance.now() - started;
  assert.ok(took < 2000, `took ${took} ms`);
});

test('times in words', () => {
  assert.equal(relativeTime(65, 'en'), 'in 1 minute');
  assert.equal(relativeTime(-7200, 'en'), '2 hours ago');
  assert.equal(relativeTime(0, 'en'), 'now');
  const now = new Date(2026, 10, 22, 0, 30);
  assert.match(messageTime(new Date(2026, 10, 22, 0, 5), now, 'en-GB'), /^00:05$/);
  assert.match(messageTime(new Date(2026, 10, 21, 23, 59), now, 'en-GB'), /^Yesterday at 23:59$/);
  assert.match(messageTime(new Date(2026, 10, 19, 9, 0), now, 'en-GB'), /^19\/11\/2026 09:00$/);
  assert.equal(styledTime(new Date(2026, 10, 22), 'D', 'en-GB'), '22 November 2026');
});
