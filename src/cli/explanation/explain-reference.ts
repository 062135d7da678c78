import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config.ts';
import { UserError } from '../../engine/errors.ts';
import { errorsIn, type KeptError, keptErrors } from '../../error-journal.ts';
import { peopleHash } from '../../log-fields.ts';
import { findJob, findSharedJob, type JobRecord } from '../../queue/failed-jobs.ts';
import { isShared } from '../../queue/queue.ts';
import { explanationInWords, type Explanation } from '../screen/explanation-words.ts';
import { complain, EXIT, type Program, type Stream } from '../screen/program.ts';
import { parseCommandLine } from '../arguments/command-line.ts';

const HELP = `Finds what is behind the reference that a person was told with an error, or behind a job's id.

  npm run -s explain -- REF [options]

  --log FILE   looks into a log in JSON too (LOG_FORMAT=json); - reads it from stdin:
               journalctl -u darkroom -o cat | npm run -s explain -- REF --log -
  --json       one JSON object on stdout

It looks into the errors kept in the data folder (DATA_DIR) and into the queue's record, and may run beside the bot.

Exit status: 0 found, 3 nothing is known of it, 2 bad arguments, 1 failure.
`;

/** Tells what is known of a reference; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function explainReference(args: readonly string[], program: Program): Promise<number> {
  try {
    const { values, positionals } = readArguments(args);
    if (values.help) {
      program.stdout.write(HELP);
      return EXIT.done;
    }
    const reference = referenceIn(positionals);
    const found = await explain(reference, program, values.log ?? null);
    if (values.json) program.stdout.write(`${JSON.stringify(found)}\n`);
    else program.stdout.write(explanationInWords(found));
    return found.errors.length > 0 || found.job !== null ? EXIT.done : EXIT.nothing;
  } catch (error) {
    return complain(error, program.stderr);
  }
}

function readArguments(args: readonly string[]) {
  const options = {
    log: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseCommandLine(args, options);
}

/** As people copy it: with the marks around it, in capitals, with a full stop behind. */
function referenceIn(words: readonly string[]): string {
  const [word = '', ...rest] = words;
  const reference = word.toLowerCase().replaceAll(/^[^0-9a-z]+|[^0-9a-z]+$/g, '');
  if (rest.length > 0 || !/^[0-9a-z]{8,12}$/.test(reference)) {
    throw new UserError(
      `Expected one reference of 8 letters and digits (or a job's id of 12), as in npm run -s explain -- 1a2b3c4d; came ` +
        `${words.length === 0 ? 'none' : JSON.stringify(words.join(' ').slice(0, 60))}.`,
    );
  }
  return reference;
}

async function explain(
  reference: string,
  { stderr, readConfig }: Program,
  logFile: string | null,
): Promise<Explanation> {
  const config = readConfig();
  const { dataDir, logPeople } = config;
  const job = await jobOf(reference, config, stderr);
  const wanted = job?.reference ?? reference;
  const logged = logFile === null ? [] : errorsIn(readLog(logFile), wanted);
  const errors = distinct([...keptErrors(dataDir, wanted), ...logged]);
  const named = errors.map(({ job: id }) => id).find((id) => typeof id === 'string');
  const found = job ?? (named === undefined ? null : await jobOf(named, config, stderr));
  const hash = logPeople === 'hashed' ? peopleHash(dataDir) : null;
  return {
    reference: wanted,
    errors,
    job: found === null || hash === null ? found : { ...found, userId: hash(found.userId) },
    lookedIn: [
      path.join(dataDir, 'errors.jsonl'),
      queueName(config),
      ...(logFile ? [logFile] : []),
    ],
  };
}

/** The embedded queue's file, or null for one that is shared. */
function queueFile({ queueUrl, dataDir }: Config): string | null {
  if (queueUrl === null) return path.join(dataDir, 'queue.db');
  return isShared(queueUrl) ? null : queueUrl.replace(/^sqlite:/i, '');
}

/** Its address may hold a password. */
function queueName(config: Config): string {
  return queueFile(config) ?? 'the shared queue';
}

/** The errors are told as well where the queue cannot be asked. */
async function jobOf(name: string, config: Config, stderr: Stream): Promise<JobRecord | null> {
  const file = queueFile(config);
  try {
    return file === null ? await findSharedJob(config.queueUrl ?? '', name) : findJob(file, name);
  } catch (error) {
    const { message } = error as Error;
    stderr.write(`${file === null ? '' : `${file} could not be read: `}${message}\n`);
    return null;
  }
}

function readLog(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new UserError(
      `The log ${file} cannot be read (${code}). Give the path of a file that can be.`,
    );
  }
}

/** The log and the data folder have the same lines. */
function distinct(errors: readonly KeptError[]): KeptError[] {
  const byTime = new Map(errors.map((error) => [`${error.time} ${error.msg}`, error]));
  return [...byTime.values()];
}
