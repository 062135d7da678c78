import { ButtonStyle, ComponentType } from 'discord.js';
import { PREVIEW_PACES, type RoleLimits } from '../../../src/bot/policy/policy.ts';
import type { Text } from '../../../src/bot/text/text.ts';
import {
  button,
  controlId,
  optionsOf,
  type PanelView,
  paragraph,
  type Part,
  row,
  stringSelect,
} from '../panel-parts.ts';

/** Draws the page of how much everybody, a role and the server may have, and how often previews come. */
export function limitsPage({ policy, notes = [], text }: PanelView): Part[] {
  const { panel } = text;
  const { lines } = panel;
  const roles = Object.entries(policy.roles).map(([id, set]) =>
    lines.role(`<@&${id}>`, facts(set, text)),
  );
  const paces = optionsOf(PREVIEW_PACES, (value) => panel.previews[value], policy.previews);
  return [
    paragraph([
      panel.titles.limits,
      lines.everybody(facts(policy.everybody, text)),
      lines.server(facts(policy.server, text)),
      ...roles,
      lines.previews(panel.previews[policy.previews]),
      ...notes,
    ]),
    row({
      type: ComponentType.RoleSelect,
      custom_id: controlId('role'),
      placeholder: panel.chooseRole,
    }),
    row(stringSelect('previews', paces, {})),
    row(
      button('everybody', panel.ofEverybody),
      button('server', panel.ofServer),
      button('reset-limits', panel.reset, ButtonStyle.Danger),
    ),
  ];
}

function facts(limits: RoleLimits, { panel }: Text): string {
  const said = (['waiting', 'work', 'seconds', 'weight'] as const).flatMap((name) => {
    const value = limits[name];
    if (value === undefined) return [];
    return value === 0 && name !== 'weight'
      ? `${panel.fields[name]}: ${panel.facts.unlimited}`
      : panel.facts[name](value);
  });
  return said.length === 0 ? panel.none : said.join(' · ');
}
