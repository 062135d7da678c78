import { Keyv } from 'keyv';
import { isSampler, isSchedule } from './options.ts';
import type { SamplerName, ScheduleName } from '../engine/names.ts';
import type { BotLog } from './services.ts';
import { LIMITS } from '../engine/request-codec.ts';
import { openKeyValueFile } from './key-value-file.ts';

/** A server's defaults for `/imagine`; what is absent is the model's own choice. */
export type ServerDefaults = {
  model?: string;
  sampler?: SamplerName;
  schedule?: ScheduleName;
  steps?: number;
  cfg?: number;
  size?: { width: number; height: number };
  count?: number;
  negative?: string;
};

export type SettingName = keyof ServerDefaults;
export const SETTING_NAMES = [
  'model',
  'sampler',
  'schedule',
  'steps',
  'cfg',
  'size',
  'count',
  'negative',
] as const satisfies readonly SettingName[];

/** One row per server, through Keyv. A null guild (direct messages) has no settings. */
export type SettingsStore = {
  defaults(guildId: string | null): Promise<ServerDefaults>;
  /** Merges; answers the row as it is now. @throws Error when the row could not be stored */
  change(guildId: string, change: ServerDefaults): Promise<ServerDefaults>;
  /** Forgets one setting, or all of them. @throws Error when the row could not be stored */
  reset(guildId: string, name?: SettingName): Promise<void>;
  close(): Promise<void>;
};

const ROW_VERSION = 1;

/** `file`: a path, created when absent, or ':memory:'. */
export function openSettings(options: { file: string; log: BotLog }): SettingsStore {
  const { log } = options;
  const rows = new Keyv<unknown>({
    store: openKeyValueFile(options.file),
    namespace: 'settings',
  });
  let lastError: unknown = null;
  rows.on('error', (error: unknown) => {
    lastError = error;
    log.error({ said: String(error) }, 'settings could not be read or written');
  });

  async function save(guildId: string, defaults: ServerDefaults): Promise<void> {
    // Keyv reports a failed write by `false` and an event, never by throwing.
    if (await rows.set(guildId, { version: ROW_VERSION, defaults })) return;
    throw new Error('the settings row was not stored', { cause: lastError });
  }

  async function defaults(guildId: string | null): Promise<ServerDefaults> {
    if (guildId === null) return {};
    return readRow(await rows.get(guildId), (problem) =>
      log.warn({ guildId, problem }, 'settings row'),
    );
  }

  return {
    defaults,
    async change(guildId, change) {
      const merged = { ...(await defaults(guildId)), ...change };
      await save(guildId, merged);
      return merged;
    },
    async reset(guildId, name) {
      if (name === undefined) return save(guildId, {});
      const { [name]: _forgotten, ...kept } = await defaults(guildId);
      await save(guildId, kept);
    },
    close: () => rows.disconnect(),
  };
}

type Check<T> = (value: unknown) => T | undefined;

const text =
  (limit: number): Check<string> =>
  (value) =>
    typeof value === 'string' && value.length <= limit ? value : undefined;

const number =
  (min: number, max: number): Check<number> =>
  (value) =>
    typeof value === 'number' && value >= min && value <= max ? value : undefined;

const CHECKS: { readonly [K in SettingName]: Check<NonNullable<ServerDefaults[K]>> } = {
  model: text(200),
  sampler: (value) => (isSampler(value) ? value : undefined),
  schedule: (value) => (isSchedule(value) ? value : undefined),
  steps: number(LIMITS.steps.min, LIMITS.steps.max),
  cfg: number(LIMITS.guidanceScale.min, LIMITS.guidanceScale.max),
  size: (value) => {
    if (typeof value !== 'object' || value === null) return undefined;
    const width = number(LIMITS.side.min, LIMITS.side.max)('width' in value ? value.width : null);
    const height = number(
      LIMITS.side.min,
      LIMITS.side.max,
    )('height' in value ? value.height : null);
    return width === undefined || height === undefined ? undefined : { width, height };
  },
  count: number(LIMITS.count.min, LIMITS.count.max),
  negative: text(LIMITS.promptLength),
};

/** A row of any age or origin -> what of it is still good. Nothing in a row may stop `/imagine`. */
export function readRow(row: unknown, onProblem: (problem: string) => void): ServerDefaults {
  if (row === undefined || row === null) return {};
  if (typeof row !== 'object' || !('version' in row) || !('defaults' in row)) {
    onProblem('not a settings row: ignored');
    return {};
  }
  if (row.version !== ROW_VERSION) {
    onProblem(`version ${String(row.version)} is not known here: reading what is understood`);
  }
  const stored: object =
    typeof row.defaults === 'object' && row.defaults !== null ? row.defaults : {};
  const good: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(stored)) {
    const check = SETTING_NAMES.find((known) => known === name);
    const checked = check === undefined ? undefined : CHECKS[check](value);
    if (checked === undefined) onProblem(`“${name}” is not understood: ignored`);
    else good[name] = checked;
  }
  return good;
}
