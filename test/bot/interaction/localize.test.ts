import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../../commands/commands.ts';
import { withTranslations } from '../../../src/bot/interaction/localize.ts';

function walk(value: unknown, visit: (node: Record<string, unknown>) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Record<string, unknown>);
  for (const inner of Object.values(value)) walk(inner, visit);
}

test('every description of a command is there in German, within Discord’s 100 characters', () => {
  let seen = 0;
  for (const { definition } of commands) {
    walk(withTranslations(definition), (node) => {
      if (typeof node['description'] !== 'string') return;
      seen++;
      const german = Object(node['description_localizations']).de;
      assert.ok(
        typeof german === 'string' && german.length > 0,
        `no German: ${node['description']}`,
      );
      assert.ok(german.length <= 100, german);
    });
  }
  assert.ok(seen > 50);
});
