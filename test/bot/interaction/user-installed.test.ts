import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../../commands/commands.ts';
import { asUserInstallable, isUserInstalled } from '../../../src/bot/interaction/user-installed.ts';

const where = (owners: object, guildId: string | null, context: number) =>
  isUserInstalled({ authorizingIntegrationOwners: owners, guildId, context } as Parameters<
    typeof isUserInstalled
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
    .map(({ definition }) => asUserInstallable(definition))
    .filter(({ integration_types: types }) => types?.includes(1))
    .map(({ name }) => name);
  assert.ok(taken.includes('imagine') && taken.includes('Recipe'));
  assert.ok(
    !taken.includes('settings') && !taken.includes('presets') && !taken.includes('gallery'),
  );
});
