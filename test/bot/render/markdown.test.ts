import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeMarkdown, plainLine, quoted, shorten } from '../../../src/bot/render/markdown.ts';

test('mentions, links, formatting and headings in a prompt stay plain words', () => {
  assert.equal(
    quoted('@everyone <@123> <#4> <:x:5>', 100),
    '\\@everyone \\<\\@123\\> \\<\\#4\\> \\<\\:x\\:5\\>',
  );
  assert.equal(
    quoted('**a** __b__ ~~c~~ ||d|| `e`', 100),
    '\\*\\*a\\*\\* \\_\\_b\\_\\_ \\~\\~c\\~\\~ \\|\\|d\\|\\| \\`e\\`',
  );
  assert.equal(quoted('[free](https://x.y)', 100), '\\[free\\](https\\://x.y)');
  assert.equal(escapeMarkdown('# big'), '\\# big');
  assert.equal(escapeMarkdown('- item'), '\\- item');
  assert.equal(escapeMarkdown('1. item'), '1\\. item');
});

test('line breaks, controls, direction marks and stacked accents cannot leave their line', () => {
  assert.equal(plainLine('one\n\n# two\r\nthree'), 'one # two three');
  assert.equal(plainLine('a\u202eb\u2066c\u200bd\u2060e\u0007f'), 'abcdef');
  assert.equal(plainLine('a\u3164b\u00adc\u034fd\u{e0041}e'), 'abcde');
  const zalgo = 'Z' + '\u0301'.repeat(200);
  assert.equal(plainLine(zalgo), 'Z' + '\u0301'.repeat(4));
});

test('joined emoji and ordinary accents survive', () => {
  const family = '👩‍👩‍👧‍👦';
  assert.equal(plainLine(`${family} café ไทย हिन्दी`), `${family} café ไทย हिन्दी`);
});

test('a cut falls between characters as a reader sees them', () => {
  assert.equal(shorten('abcdef', 6), 'abcdef');
  assert.equal(shorten('abcdefg', 6), 'abcde…');
  const family = '👩‍👩‍👧‍👦';
  assert.equal(shorten(`ab${family}cd`, 8), 'ab…');
  assert.ok(shorten('🐈'.repeat(600), 1024).length <= 1024);
  assert.ok(!/[\ud800-\udbff](?![\udc00-\udfff])/.test(shorten('🐈'.repeat(600), 1023)));
});
