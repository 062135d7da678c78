import { ButtonStyle } from 'discord.js';
import { SAMPLERS, SCHEDULES } from '../../../src/engine/names.ts';
import {
  button,
  MOST_CHOICES,
  optionsOf,
  type PanelView,
  paragraph,
  type Part,
  row,
  stringSelect,
} from '../panel-parts.ts';

/** Draws the page of what orders begin with; names too long for a menu are left out of it. */
export function defaultsPage({ defaults: set, models, defaultLines, text }: PanelView): Part[] {
  const { panel } = text;
  const choose = (name: 'model' | 'sampler' | 'schedule', values: readonly string[]) => {
    const placeholder = {
      model: panel.chooseModel,
      sampler: panel.chooseSampler,
      schedule: panel.chooseSchedule,
    }[name];
    const label = (value: string): string => `${placeholder}: ${value}`.slice(0, 100);
    const options = optionsOf(values, label, set[name]);
    return options.length === 0
      ? []
      : [row(stringSelect(name, options.slice(0, MOST_CHOICES), { placeholder, min: 0 }))];
  };
  const names = models.map(({ name }) => name).filter((name) => name.length <= 100);
  return [
    paragraph([text.settingsTitle, ...defaultLines]),
    ...choose('model', names),
    ...choose('sampler', SAMPLERS),
    ...choose('schedule', SCHEDULES),
    row(
      button('numbers', panel.numbers),
      button('negative', panel.negative),
      button('reset-defaults', panel.reset, ButtonStyle.Danger),
    ),
  ];
}
