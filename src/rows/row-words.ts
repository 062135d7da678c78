/** What a Redis or Postgres says when rows cannot be read or kept, in an owner's words. */

/** Postgres' SQLSTATE, or what Node calls an error of the network; '' for none */
function codeOf(error: unknown): string {
  const { code, errors } = Object(error) as { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  // Of a name with several addresses each has an error of its own.
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : '';
}

function saidBy(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return said === '' ? codeOf(error) : said.split('\n', 1)[0]!;
}

/** A disk or memory that is full: waiting does not help, as it does where nobody answers. */
export function hasNoRoom(error: unknown): boolean {
  return ['53100', '53200'].includes(codeOf(error)) || saidBy(error).startsWith('OOM ');
}

const PASSWORD =
  /WRONGPASS|NOAUTH|invalid password|password authentication|client password|no password|SASL/i;
const PERMISSION = '42501';
const NO_DATABASE = '3D000';

/** Why they could not be opened, and what to do. `place`: their address without its password. */
export function openingWords(error: unknown, place: string): string {
  const said = saidBy(error);
  const code = codeOf(error);
  if (code.startsWith('28') || PASSWORD.test(said)) {
    return `The settings cannot be reached: ${place} refuses the password or the user (${said}). Put the right ones into SETTINGS_URL, with signs such as / and @ as %2F and %40.`;
  }
  if (code === NO_DATABASE) {
    return `The settings cannot be reached: at ${place} there is no such database (${said}). Make it with createdb, or name another one in SETTINGS_URL.`;
  }
  if (code === PERMISSION) {
    return `The settings cannot be kept at ${place}: its user may not make their table (${said}). Let it own the database, or GRANT CREATE ON SCHEMA public.`;
  }
  return `The settings cannot be reached at ${place} (${said}). Start what is to keep them there, or take SETTINGS_URL away: then they lie with the queue.`;
}
