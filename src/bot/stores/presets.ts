import { UserError } from '../../engine/errors.ts';
import { readChoices } from '../order/choices.ts';
import type { Choices } from '../order/choices.ts';
import { plainLine, quoted } from '../render/markdown.ts';
import { type KeptIn, openRows } from './row-store.ts';
import type { Text } from '../text/text.ts';

/** A named set of choices that a server curates. */
export type Preset = {
  name: string;
  choices: Choices;
  /** words around a person's own; `{prompt}` says where those go, else they come first. '' for none */
  prompt: string;
};

export type PresetStore = {
  /** of one server, by name; none in direct messages */
  list(guildId: string | null): Promise<readonly Preset[]>;
  /** Replaces the one of the same name. @throws UserError when there are too many, Error when not stored */
  save(guildId: string, preset: Preset, text: Text): Promise<void>;
  /** False when there was none. */
  remove(guildId: string, name: string): Promise<boolean>;
  close(): Promise<void>;
};

export const PRESET_LIMIT = 50;
export const PRESET_NAME_LIMIT = 40;
const ROW_VERSION = 1;
const PLACE = '{prompt}';

/** `file`: a path, created when absent, or ':memory:'; it may be shared with other stores. */
export function openPresets(options: KeptIn): PresetStore {
  const rows = openRows({ ...options, namespace: 'presets' });

  async function list(guildId: string | null): Promise<readonly Preset[]> {
    return guildId === null ? [] : readPresets(await rows.get(guildId));
  }
  const store = (guildId: string, presets: readonly Preset[]) =>
    rows.set(guildId, { version: ROW_VERSION, presets });

  return {
    list,
    async save(guildId, preset, text) {
      const others = (await list(guildId)).filter(({ name }) => !sameName(name, preset.name));
      if (others.length >= PRESET_LIMIT) throw new UserError(text.tooManyPresets(PRESET_LIMIT));
      const presets = [...others, preset].toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
      await store(guildId, presets);
    },
    async remove(guildId, name) {
      const all = await list(guildId);
      const kept = all.filter((preset) => !sameName(preset.name, name));
      if (kept.length === all.length) return false;
      await store(guildId, kept);
      return true;
    },
    close: () => rows.close(),
  };
}

/** Do two names mean one preset? Case and surrounding space do not count. */
export function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

/** @throws UserError with the names there are */
export function findPreset(presets: readonly Preset[], name: string, text: Text): Preset {
  const found = presets.find((preset) => sameName(preset.name, plainLine(name)));
  if (found !== undefined) return found;
  if (presets.length === 0) throw new UserError(text.noPresets);
  const known = presets.slice(0, 15).map((preset) => quoted(preset.name, PRESET_NAME_LIMIT));
  throw new UserError(text.unknownPreset(known.join(', ')));
}

/** The preset's words with a person's own in them. */
export function withPreset(prompt: string, preset: Pick<Preset, 'prompt'>): string {
  if (preset.prompt === '') return prompt;
  if (preset.prompt.includes(PLACE)) return preset.prompt.replaceAll(PLACE, () => prompt);
  return prompt === '' ? preset.prompt : `${prompt}, ${preset.prompt}`;
}

/** A row of any age or origin -> what of it is still good. */
export function readPresets(row: unknown): Preset[] {
  const stored: unknown = Object(row).presets;
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((value: unknown) => {
    const { name, choices, prompt } = Object(value);
    if (typeof name !== 'string' || name === '' || name.length > PRESET_NAME_LIMIT) return [];
    return [
      { name, choices: readChoices(choices), prompt: typeof prompt === 'string' ? prompt : '' },
    ];
  });
}
