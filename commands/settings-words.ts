import { escapeMarkdown, quoted } from '../src/bot/markdown.ts';
import { AUTO_STEPS } from '../src/bot/choices.ts';
import { SETTING_NAMES } from '../src/bot/settings.ts';
import type { ServerDefaults, SettingName } from '../src/bot/settings.ts';
import type { Text } from '../src/bot/text.ts';

/** A server's defaults, one line each. */
export function describeDefaults(defaults: ServerDefaults, text: Text): string[] {
  return SETTING_NAMES.map((name) => {
    const value =
      name === 'steps' && defaults.steps === AUTO_STEPS ? text.auto : printed(name, defaults);
    return `**${text.settingNames[name]}:** ${value ?? `*${text.settingsModelDecides}*`}`;
  });
}

function printed(name: SettingName, defaults: ServerDefaults): string | null {
  if (name === 'size') {
    return defaults.size === undefined ? null : `${defaults.size.width}x${defaults.size.height}`;
  }
  const value = defaults[name];
  if (value === undefined) return null;
  return name === 'negative' || name === 'model'
    ? quoted(String(value), 200)
    : escapeMarkdown(String(value));
}
