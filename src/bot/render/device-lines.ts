import type { EngineStatus } from '../../engine/engine.ts';
import { escapeMarkdown, plainLine, shorten } from './markdown.ts';
import type { Text } from '../text/text.ts';

/** On what is painted: one line, or one a device where there are several. */
export function deviceLines({ provider, devices = [] }: EngineStatus, text: Text): string[] {
  if (devices.length === 0) {
    return [`-# ${provider === null ? text.engineNotLoaded : text.engineRunsOn(provider)}`];
  }
  return devices.map(({ name, state, aside, loaded }) => {
    const how =
      aside === null
        ? text.deviceStates[state]
        : text.deviceAside(`<t:${Math.ceil(aside.until / 1000)}:R>`);
    const names = [...new Set(loaded.map(({ model }) => model))];
    const models = names.map((model) => escapeMarkdown(shorten(plainLine(model), 40)));
    return `-# ${text.deviceLine(name, how, models.join(', '))}`;
  });
}
