import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { commands } from '../../../commands/commands.ts';
import { LANGUAGES } from '../../../src/bot/text/languages.ts';
import { withTranslations } from '../../../src/bot/interaction/localize.ts';

function walk(value: unknown, visit: (node: Record<string, unknown>) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Record<string, unknown>);
  for (const inner of Object.values(value)) walk(inner, visit);
}

for (const { locale, name, descriptions, names } of LANGUAGES) {
  test(`${name}: every description and menu name is there, within Discord’s limits`, () => {
    let seen = 0;
    for (const { definition } of commands) {
      walk(withTranslations(definition), (node) => {
        if (typeof node['description'] !== 'string') return;
        seen++;
        if (descriptions === null) return;
        const words = Object(node['description_localizations'])[locale];
        assert.ok(
          typeof words === 'string' && words.length > 0,
          `no ${name}: ${node['description']}`,
        );
        assert.ok(words.length <= 100, words);
      });
      if (definition.type !== 3 || descriptions === null) continue;
      const menu = names[definition.name];
      assert.ok(menu !== undefined && menu.length <= 32, `no ${name}: ${definition.name}`);
      assert.equal(Object(withTranslations(definition).name_localizations)[locale], menu);
    }
    assert.ok(seen > 50);
  });
}

test('a language is a folder, and no folder is forgotten', () => {
  const folder = new URL('../../../src/bot/text/', import.meta.url);
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  assert.deepEqual(LANGUAGES.map(({ locale }) => locale).toSorted(), folders.toSorted());
});
