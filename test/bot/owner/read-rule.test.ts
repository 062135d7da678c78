import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownersIn } from '../../../src/bot/owner/owners.ts';
import { readRule, writeRule } from '../../../src/bot/owner/read-rule.ts';
import { DEFAULT_RULE, underRule } from '../../../src/bot/owner/rule.ts';
import { isAmong, markOf } from '../../../src/bot/policy/people.ts';
import { DEFAULT_POLICY } from '../../../src/bot/policy/policy.ts';
import { textFor } from '../../../src/bot/text/text.ts';

const problemOf = (text: string, locale = 'en'): string => {
  const said = readRule(text);
  return 'problem' in said ? said.problem(textFor(locale)) : '';
};

const ID = '1300000000000001000';

test('what is written is read again; what is left out has its default', () => {
  const rule = {
    servers: { invites: 'anybody' as const, allowed: [ID] },
    words: ['a phrase', 'word*'],
    patterns: ['x{3,}'],
    nsfwWords: ['swimsuit'],
    nsfw: 'nowhere' as const,
    quotas: { personSeconds: 1.5, work: 20 },
    blocked: [ID, markOf(ID)],
    commandServer: ID,
    alarms: ID,
  };
  assert.deepEqual(readRule(writeRule(rule)), { rule });
  for (const nothing of ['', '  \n', '{}', '\uFEFF{"version": 1}', '{"quotas": {"work": 0}}']) {
    assert.deepEqual(readRule(nothing), { rule: DEFAULT_RULE }, JSON.stringify(nothing));
  }
});

test('every mistake is one sentence that names the place, in every language', () => {
  for (const [text, what] of [
    ['{', /no JSON/],
    ['[]', /must be \{ … \}, not \[\]/],
    ['null', /not null/],
    ['{"wrods": []}', /“wrods”.*words/],
    ['{"__proto__": {"words": ["x"]}}', /“__proto__”/],
    ['{"servers": {"allow": []}}', /“servers\.allow”.*servers\.allowed/],
    ['{"servers": {"allowed": [1300000000000001000]}}', /“servers\.allowed\[0\]” must be/],
    ['{"servers": {"invites": "yes"}}', /"ask" \| "anybody", not "yes"/],
    ['{"blocked": ["Cleo"]}', /“blocked\[0\]”.*"Cleo"/],
    ['{"blocked": {"a": 1}}', /\[ … \]/],
    ['{"patterns": ["(?<=a)b"]}', /“patterns\[0\]” must be RE2/],
    ['{"words": [""]}', /“words\[0\]”/],
    [`{"words": ["${'x'.repeat(81)}"]}`, /“words\[0\]”/],
    [
      `{"words": ${JSON.stringify(Array.from({ length: 501 }, (_, n) => `w${n}`))}}`,
      /501 entries; 500/,
    ],
    ['{"nsfw": true}', /“nsfw”/],
    ['{"quotas": {"personSeconds": -1}}', /“quotas\.personSeconds” must be 0-10000000, not -1/],
    ['{"quotas": {"personWaiting": 1.5}}', /“quotas\.personWaiting”/],
    ['{"quotas": {"personSeconds": "9"}}', /not "9"/],
    ['{"version": 2}', /“version” must be 1, not 2/],
    ['{"alarms": 5}', /“alarms”/],
  ] as const) {
    assert.match(problemOf(text), what, text);
    assert.ok(problemOf(text, 'de').length > 20, text);
    assert.ok(!/[\n\r]/.test(problemOf(text)), text);
  }
});

test('an owner is who the application belongs to, or who joined its team and may do more than read', () => {
  const user = (id: string) => ({ user: { id } });
  assert.deepEqual(ownersIn({ owner: { id: '1' }, team: null }), ['1']);
  const members = [
    { ...user('2'), membership_state: 2, role: 'admin' },
    { ...user('3'), membership_state: 1, role: 'admin' },
    { ...user('4'), membership_state: 2, role: 'read_only' },
    { ...user('5'), membership_state: 2 },
    null,
    { user: { id: 6 }, membership_state: 2 },
  ];
  assert.deepEqual(ownersIn({ owner: { id: '1' }, team: { members } }), ['2', '5']);
  for (const odd of [null, 'x', {}, { team: {} }, { team: { members: 'x' }, owner: { id: '1' } }]) {
    assert.deepEqual(ownersIn(odd), []);
  }
});

test('a server’s policy within the rule: the stricter of both, and the same object for the same two', () => {
  const rule = { ...DEFAULT_RULE, nsfw: 'age-restricted' as const, nsfwWords: ['swimsuit'] };
  const open = { ...DEFAULT_POLICY, nsfw: 'everywhere' as const, nsfwWords: ['own'] };
  const under = underRule(open, rule);
  assert.deepEqual([under.nsfw, under.nsfwWords], ['age-restricted', ['own', 'swimsuit']]);
  assert.equal(underRule(open, rule), under);
  assert.notEqual(underRule(open, { ...rule }), under);
  const closed = { ...DEFAULT_POLICY, nsfw: 'nowhere' as const };
  assert.equal(underRule(closed, rule).nsfw, 'nowhere');
  assert.equal(underRule(open, DEFAULT_RULE), open);
  assert.ok(isAmong([markOf(ID)], ID) && !isAmong([markOf('1')], ID) && isAmong([ID], ID));
});
