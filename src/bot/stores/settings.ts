import { Keyv } from 'keyv';
import { readChoices, type ChoiceName, type Choices } from '../order/choices.ts';
import { openKeyValueFile } from '../../rows/row-file.ts';
import type { KeptIn } from './row-store.ts';
import { DEFAULT_POLICY, readPolicy } from '../policy/policy.ts';
import type { ServerPolicy } from '../policy/policy.ts';
import { markOf } from '../policy/people.ts';

/** One row per server, through Keyv. A null guild (direct messages) has no settings. */
export type SettingsStore = {
  defaults(guildId: string | null): Promise<Choices>;
  /** Merges; answers the row as it is now. @throws Error when the row could not be stored */
  change(guildId: string, change: Choices): Promise<Choices>;
  /** Forgets one setting, or all of them. @throws Error when the row could not be stored */
  reset(guildId: string, name?: ChoiceName): Promise<void>;
  /** The same object until it changes. */
  policy(guildId: string | null): Promise<ServerPolicy>;
  /** Merges field by field. @throws Error when the row could not be stored */
  changePolicy(guildId: string, change: Partial<ServerPolicy>): Promise<ServerPolicy>;
  /** Back to the policy of a server that never set one. @throws Error when the row could not be stored */
  resetPolicy(guildId: string): Promise<void>;
  /** Servers that blocked somebody know them by a mark alone; then the file is written anew, without what was deleted in it. */
  forgetPerson(userId: string): Promise<void>;
  close(): Promise<void>;
};

/** 1: defaults only */
const ROW_VERSION = 2;
const ROWS_KEPT = 5000;
const NAMESPACE = 'settings';

export type ServerSettings = { defaults: Choices; policy: ServerPolicy };

const NOTHING_SET: ServerSettings = { defaults: {}, policy: DEFAULT_POLICY };

/** The rows of all servers, each read and changed whole. */
function openRows(options: KeptIn) {
  const { log } = options;
  const store = options.shared?.open() ?? openKeyValueFile(options.file, options.log);
  const rows = new Keyv<unknown>({ store, namespace: NAMESPACE, throwOnErrors: store.isShared });
  let lastError: unknown = null;
  rows.on('error', (error: unknown) => {
    lastError = error;
    log.error({ said: String(error) }, 'settings could not be read or written');
  });

  /** What this process read or wrote last. It alone writes the file; what is shared is looked at again each time. */
  const known = new Map<string, { settings: ServerSettings; row: string }>();
  /** Changes of one server wait for each other, so that none reads what another is about to replace. */
  const changing = new Map<string, Promise<unknown>>();

  async function load(guildId: string | null): Promise<ServerSettings> {
    if (guildId === null) return NOTHING_SET;
    const before = known.get(guildId);
    if (before !== undefined && !store.isShared) return before.settings;
    const row = await rows.get(guildId);
    const text = JSON.stringify(row);
    if (before !== undefined && before.row === text) return before.settings;
    const tell = (problem: string) => log.warn({ guildId, problem }, 'settings row');
    const read = readSettings(row, tell);
    if (known.size >= ROWS_KEPT) known.clear();
    if (row !== undefined) known.set(guildId, { settings: read, row: text });
    return read;
  }

  function change(
    guildId: string,
    edit: (before: ServerSettings) => Partial<ServerSettings>,
  ): Promise<ServerSettings> {
    const turn = (changing.get(guildId) ?? Promise.resolve()).then(async () => {
      const before = await load(guildId);
      const after = { ...before, ...edit(before) };
      // Keyv reports a failed write by `false` and an event, never by throwing.
      const row = { version: ROW_VERSION, ...after };
      if (!(await rows.set(guildId, row))) {
        throw new Error('the settings row was not stored', { cause: lastError });
      }
      known.set(guildId, { settings: after, row: JSON.stringify(row) });
      return after;
    });
    const settled = turn.catch(() => {});
    changing.set(guildId, settled);
    void settled.then(() => {
      if (changing.get(guildId) === settled) changing.delete(guildId);
    });
    return turn;
  }

  return {
    load,
    change,
    servers: () => store.keysIn(NAMESPACE),
    compact: () => store.compact(),
    close: () => rows.disconnect(),
  };
}

/** `file`: a path, created when absent, or ':memory:'. */
export function openSettings(options: KeptIn): SettingsStore {
  const { load, change, servers, compact, close } = openRows(options);
  return {
    defaults: async (guildId) => (await load(guildId)).defaults,
    policy: async (guildId) => (await load(guildId)).policy,
    async change(guildId, changed) {
      const after = await change(guildId, ({ defaults }) => ({
        defaults: { ...defaults, ...changed },
      }));
      return after.defaults;
    },
    async reset(guildId, name) {
      await change(guildId, ({ defaults }) => {
        if (name === undefined) return { defaults: {} };
        const { [name]: _forgotten, ...kept } = defaults;
        return { defaults: kept };
      });
    },
    async changePolicy(guildId, changed) {
      return (await change(guildId, ({ policy }) => ({ policy: { ...policy, ...changed } })))
        .policy;
    },
    async resetPolicy(guildId) {
      await change(guildId, () => ({ policy: DEFAULT_POLICY }));
    },
    async forgetPerson(userId) {
      for (const guildId of await servers()) {
        const { blockedUsers } = (await load(guildId)).policy;
        if (!blockedUsers.includes(userId)) continue;
        const marked = (id: string) => (id === userId ? markOf(id) : id);
        await change(guildId, ({ policy }) => ({
          policy: { ...policy, blockedUsers: policy.blockedUsers.map(marked) },
        }));
      }
      await compact();
    },
    close,
  };
}

/** A row of any age or origin -> what of it is still good. Nothing in a row may stop `/imagine`. */
export function readSettings(row: unknown, onProblem: (problem: string) => void): ServerSettings {
  if (row === undefined || row === null) return NOTHING_SET;
  if (typeof row !== 'object' || !('version' in row) || !('defaults' in row)) {
    onProblem('not a settings row: ignored');
    return NOTHING_SET;
  }
  const { version } = row;
  if (typeof version !== 'number' || version < 1 || version > ROW_VERSION) {
    onProblem(`version ${String(version)} is not known here: reading what is understood`);
  }
  return {
    defaults: readChoices(row.defaults, onProblem),
    policy: 'policy' in row ? readPolicy(row.policy, onProblem) : DEFAULT_POLICY,
  };
}
