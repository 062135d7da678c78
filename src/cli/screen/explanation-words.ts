/** What is behind a reference, in words for the owner. */
import type { KeptError } from '../../error-journal.ts';
import type { JobRecord } from '../../queue/failed-jobs.ts';

export type Explanation = {
  reference: string;
  errors: readonly KeptError[];
  /** the embedded queue's record of it; null: there is none */
  job: JobRecord | null;
  lookedIn: readonly string[];
};

type ErrorFields = {
  type?: string;
  message?: string;
  stack?: string;
  code?: unknown;
  cause?: unknown;
};

/** Writes what is known behind a reference: errors, the job, and what to do about it where that is known. */
export function explanationInWords({ reference, errors, job, lookedIn }: Explanation): string {
  if (errors.length === 0 && job === null) {
    return (
      `Nothing is known of ${reference}. Looked into ${lookedIn.join(' and ')}.\n` +
      'A worker on another machine keeps its errors there; a log that was kept elsewhere is read with --log FILE.\n'
    );
  }
  const parts = errors.map(errorInWords);
  if (job !== null) parts.push(jobInWords(job));
  const hint = hintFor(errors);
  if (hint !== null) parts.push(`What to do: ${hint}\n`);
  return parts.join('\n');
}

function errorInWords(line: KeptError): string {
  const { time, msg, reference } = line;
  const about = Object.entries(line)
    .filter(([name, value]) => !SAID.has(name) && ['string', 'number'].includes(typeof value))
    .map(([name, value]) => `${name} ${String(value)}`);
  const head = `${reference}  ${time}  ${msg}${about.length > 0 ? `  (${about.join(', ')})` : ''}\n`;
  return head + chain(line).map(causeInWords).join('');
}

const SAID: ReadonlySet<string> = new Set([
  'time',
  'level',
  'msg',
  'reference',
  'said',
  'stack',
  'error',
]);

/** The error and its causes, outermost first; lines of the bot have the error's fields in themselves. */
function chain(line: KeptError): ErrorFields[] {
  const own = line as { err?: ErrorFields; error?: string; said?: string; stack?: string };
  const first: ErrorFields | undefined =
    own.err ??
    (own.said === undefined
      ? undefined
      : { type: own.error ?? 'Error', message: own.said, ...(own.stack && { stack: own.stack }) });
  const found: ErrorFields[] = [];
  for (let next = first; next !== undefined && found.length < 6;) {
    found.push(next);
    next = next.cause as ErrorFields | undefined;
  }
  return found;
}

function causeInWords({ type, message, stack, code }: ErrorFields, index: number): string {
  const name = `${type ?? 'Error'}: ${message ?? ''}`;
  const coded = code === undefined || name.includes(String(code)) ? '' : ` [${String(code)}]`;
  const frames = (stack ?? '').split('\n').filter((frame) => /^\s+at /.test(frame));
  const shown = frames.slice(0, 8).map((frame) => `      ${frame.trim()}\n`);
  return `  ${index === 0 ? '' : 'because of '}${name}${coded}\n${shown.join('')}`;
}

function jobInWords({
  id,
  status,
  model,
  userId,
  createdAt,
  finishedAt,
  failure,
}: JobRecord): string {
  const ended = finishedAt === null ? '' : `, ended ${new Date(finishedAt).toISOString()}`;
  const told = failure === null ? '' : `  the person read: ${failure}\n`;
  return `job ${id}: ${status}, model ${model}, of ${userId}, ordered ${new Date(createdAt).toISOString()}${ended}\n${told}`;
}

/** Causes that owners meet, by what the system calls them. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /ENOSPC|EDQUOT|database or disk is full|"errcode":13\b/,
    'the disk is full: free some room on the disk of the data folder, or set KEEP_DAYS.',
  ],
  [
    /EACCES|EPERM|EROFS|readonly database/,
    'the data folder or a file in it cannot be written: npm run -s doctor names it.',
  ],
  [
    /EngineCrashedError/,
    'the engine ended in the middle of a picture: npm run -s doctor tries out what paints here; ENGINE_ISOLATION=process keeps such an end away from the bot.',
  ],
  [
    /bad_alloc|out of memory|failed to allocate|CUDA_ERROR_OUT_OF_MEMORY/i,
    'the machine’s memory did not suffice: npm run -s doctor compares it with what each model needs.',
  ],
  [
    /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|UND_ERR/,
    'the network or the other side was away; it needs nothing if it does not come again.',
  ],
  [
    /DiscordAPIError|"code":5000[13]/,
    'Discord refused it: npm run -s doctor names missing permissions channel by channel.',
  ],
];

function hintFor(errors: readonly KeptError[]): string | null {
  const text = JSON.stringify(errors);
  return HINTS.find(([sign]) => sign.test(text))?.[1] ?? null;
}
