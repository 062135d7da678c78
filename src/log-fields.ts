/**
 * What a log line may say. Prompts are people's own business and no line carries one: of errors only what is known to
 * be free of them is written down, never what else hangs on the object (discord.js keeps the whole message there).
 */
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type Fields = Record<string, unknown>;

/** Properties of errors that systems, SQLite and Discord set: codes and names, nothing that people typed. */
const PLAIN = [
  'code',
  'errno',
  'syscall',
  'errcode',
  'errstr',
  'status',
  'method',
  'path',
] as const;
/** Causes of causes are told this far down. */
const DEEPEST = 5;

/** An error as fields of a line. */
export function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return { type: typeof error, message: withoutExcerpt(String(error)) };
  const fields: Fields = { type: error.name, message: withoutExcerpt(error.message) };
  for (const name of PLAIN) {
    const value = (error as unknown as Fields)[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  if (error.stack !== undefined) fields['stack'] = withoutExcerpt(error.stack);
  if (depth >= DEEPEST) return fields;
  if (error.cause !== undefined) fields['cause'] = errorFields(error.cause, depth + 1);
  if (error instanceof AggregateError) {
    fields['errors'] = error.errors.slice(0, DEEPEST).map((one) => errorFields(one, depth + 1));
  }
  return fields;
}

/** JSON.parse repeats what it could not read, which may be a stored prompt. */
export function withoutExcerpt(text: string): string {
  return text.includes(' is not valid JSON')
    ? text.replaceAll(
        /Unexpected (?:token|string|number|end|non)[\s\S]*? is not valid JSON/g,
        'this is not valid JSON',
      )
    : text;
}

/** Fields whose values are people: the account's id, or `dm:` and that id for a direct message. */
const PEOPLE: ReadonlySet<string> = new Set(['user', 'userId', 'guild', 'guildId', 'author']);
const SNOWFLAKE = /^(dm:)?(\d{15,20})$/;

/** The fields of a line, without excerpts; `hash` stands for people's ids where the owner wants that. */
export function lineFields(fields: Fields, hash: ((id: string) => string) | null): Fields {
  const out: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    out[name] = typeof value === 'string' ? shown(name, value, hash) : value;
  }
  return out;
}

function shown(name: string, value: string, hash: ((id: string) => string) | null): string {
  const [, direct, id] = SNOWFLAKE.exec(value) ?? [];
  const isPerson =
    id !== undefined && PEOPLE.has(name) && (direct !== undefined || !name.startsWith('guild'));
  if (isPerson && hash !== null) return `${direct ?? ''}${hash(id)}`;
  return withoutExcerpt(value);
}

/**
 * Hashes people's ids with a key of this installation (`log-key` in the data folder): the same person has the same
 * name in all lines, and nobody who has only the log finds the account by trying them all. Where the key cannot be
 * kept, the names hold until the program ends.
 */
export function peopleHash(folder: string): (id: string) => string {
  let key: Buffer | null = null;
  return (id) => {
    key ??= openKey(path.join(folder, 'log-key'));
    return `u-${createHmac('sha256', key).update(id).digest('base64url').slice(0, 12)}`;
  };
}

const KEY_BYTES = 32;

function openKey(file: string): Buffer {
  const made = randomBytes(KEY_BYTES);
  try {
    if (!existsSync(path.dirname(file))) mkdirSync(path.dirname(file), { mode: 0o700 });
    // Two programs that start at once must agree: whoever came first wrote it.
    writeFileSync(file, made, { mode: 0o600, flag: 'wx' });
    return made;
  } catch {
    try {
      const kept = readFileSync(file);
      return kept.length === KEY_BYTES ? kept : made;
    } catch {
      return made;
    }
  }
}
