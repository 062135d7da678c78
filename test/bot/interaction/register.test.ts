import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationCommandOptionType } from 'discord.js';
import type { APIApplicationCommandBasicOption } from 'discord.js';
import { isMessageCommand, isSlashCommand } from '../../../src/bot/interaction/command.ts';
import { sameCommands } from '../../../src/bot/interaction/register.ts';
import { commands } from '../../../commands/commands.ts';

const ours = commands.map(({ definition }) => definition);

/** Our list as Discord gives it back: its own members added, what is default made explicit. */
function asDiscordSays(): Record<string, unknown>[] {
  return ours.map((definition, index) => ({
    id: String(1000 + index),
    application_id: '1',
    version: '2',
    type: 1,
    nsfw: false,
    dm_permission: true,
    name_localizations: null,
    description_localizations: null,
    default_member_permissions: null,
    ...JSON.parse(JSON.stringify(definition)),
  }));
}

test('what Discord adds by itself is no change', () => {
  assert.ok(sameCommands(ours, asDiscordSays()));
  assert.ok(sameCommands(ours, asDiscordSays().reverse()));
});

test('every change of ours is one', () => {
  const edits: ((list: Record<string, unknown>[]) => unknown)[] = [
    (list) => list.pop(),
    (list) => list.push({ ...list[0], name: 'extra' }),
    (list) => Object.assign(list[0]!, { description: 'other words' }),
    (list) => Object.assign(list[0]!, { default_member_permissions: '8' }),
    (list) => (list[0]!['options'] as unknown[]).pop(),
    (list) => (list[0]!['options'] as unknown[]).reverse(),
    (list) => delete (list[0]!['options'] as Record<string, unknown>[])[0]!['required'],
    (list) => Object.assign(list[4]!, { options: [{ type: 3, name: 'new', description: 'd' }] }),
  ];
  for (const edit of edits) {
    const theirs = asDiscordSays();
    edit(theirs);
    assert.equal(sameCommands(ours, theirs), false, edit.toString());
  }
  assert.equal(sameCommands(ours, { message: 'not a list' }), false);
});

test("the definitions keep Discord's limits", () => {
  for (const { definition } of commands.filter(isMessageCommand)) {
    assert.ok(definition.name.length >= 1 && definition.name.length <= 32);
  }
  for (const { definition } of commands.filter(isSlashCommand)) {
    assert.match(definition.name, /^[a-z-]{1,32}$/);
    assert.ok(definition.description.length <= 100);
    const options = definition.options ?? [];
    assert.ok(options.length <= 25);
    const nested = options.flatMap((option): readonly APIApplicationCommandBasicOption[] =>
      option.type === ApplicationCommandOptionType.Subcommand ? (option.options ?? []) : [],
    );
    for (const option of [...options, ...nested]) {
      assert.match(option.name, /^[a-z_-]{1,32}$/);
      assert.ok(option.description.length >= 1 && option.description.length <= 100);
      if ('choices' in option) assert.ok((option.choices?.length ?? 0) <= 25);
    }
    const required = options.map((option) => 'required' in option && option.required === true);
    assert.deepEqual(
      required,
      required.toSorted((a, b) => Number(b) - Number(a)),
    );
  }
});
