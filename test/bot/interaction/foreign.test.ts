import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../../commands/commands.ts';
import { asPersonsApp, isForeign } from '../../../src/bot/interaction/foreign.ts';

const where = (owners: object, guildId: string | null, context: number) =>
  isForeign({ authorizingIntegrationOwners: owners, guildId, context } as Parameters<
    typeof isForeign
  >[0]);

test('foreign is where the bot came along with a person, and nowhere else', () => {
  assert.equal(where({ 0: '1' }, '1', 0), false);
  assert.equal(where({ 0: '1', 1: '5' }, '1', 0), false);
  assert.equal(where({ 1: '5' }, '1', 0), true);
  assert.equal(where({ 1: '5' }, null, 1), false);
  assert.equal(where({ 1: '5' }, null, 2), true);
});

test('what belongs to a server is not taken along', () => {
  const taken = commands
    .map(({ definition }) => asPersonsApp(definition))
    .filter(({ integration_types: types }) => types?.includes(1))
    .map(({ name }) => name);
  assert.ok(taken.includes('imagine') && taken.includes('Recipe'));
  assert.ok(
    !taken.includes('settings') && !taken.includes('presets') && !taken.includes('gallery'),
  );
});
