import { stat } from 'node:fs/promises';
import path from 'node:path';
import packageFile from '../../../package.json' with { type: 'json' };
import type { Config } from '../../config.ts';
import { UserError } from '../../engine/errors.ts';
import { inBytes } from '../../hub/in-bytes.ts';
import { folderOfPictures } from '../../queue/open-pictures.ts';
import { makeBackup } from './make-backup.ts';
import { createByteBar } from '../screen/byte-bar.ts';
import { complain, EXIT, interruptible, type Program } from '../screen/program.ts';
import { parseCommandLine } from '../arguments/command-line.ts';

const HELP = `Writes everything of the data folder (DATA_DIR) into one file, while the bot goes on working.

  npm run -s backup -- FILE|FOLDER [--json]

FILE is a tar archive that only this account can read: the databases as they were at one moment, the pictures, and the
SHA-256 of each. In a FOLDER it is called darkroom-DATE.tar. It was read back and compared before it gets its name.
Models are not in it, nor what can be made anew from them. \`npm run -s restore -- FILE\` brings it back.

Exit status: 0 done, 2 cannot be made as asked, 1 failure. Nothing half is ever left.
`;

/** Writes the data folder into one file; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function backUp(args: readonly string[], program: Program): Promise<number> {
  try {
    const { values, positionals } = readArguments(args);
    if (values.help) {
      program.stdout.write(HELP);
      return EXIT.done;
    }
    const named = oneOf(positionals);
    const config = program.readConfig();
    const bar = createByteBar(program.stderr);
    const made = await interruptible(async (signal) =>
      makeBackup({
        dataDir: config.dataDir,
        picturesDir: folderOfPictures(config.picturesUrl) ?? undefined,
        file: await fileOf(path.resolve(named)),
        version: packageFile.version,
        signal,
        onProgress: (phase, done, of) =>
          bar.update(phase === 'writing' ? 'Writing' : 'Reading back', done, of),
      }),
    ).finally(() => bar.clear());
    for (const sentence of notInIt(config)) program.stderr.write(`${sentence}\n`);
    program.stdout.write(
      values.json
        ? `${JSON.stringify(made)}\n`
        : `${made.file} holds ${made.databases} databases and ${made.pictures} pictures (${inBytes(made.bytes)}); it was read back and is whole.\n`,
    );
    return EXIT.done;
  } catch (error) {
    return complain(error, program.stderr);
  }
}

function oneOf([file, ...more]: readonly string[]): string {
  if (file !== undefined && more.length === 0) return file;
  throw new UserError('Name one file: npm run -s backup -- FILE. --help shows more.');
}

function readArguments(args: readonly string[]) {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  return parseCommandLine(args, options);
}

async function fileOf(named: string): Promise<string> {
  const info = await stat(named).catch(() => null);
  if (info === null || !info.isDirectory()) return named;
  const date = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return path.join(named, `darkroom-${date}.tar`);
}

function notInIt({ queueUrl, settingsUrl, picturesUrl }: Config): string[] {
  const sentences: string[] = [];
  if (queueUrl !== null) {
    const what = settingsUrl === null ? 'The queue and the settings lie' : 'The queue lies';
    const them =
      settingsUrl === null ? 'are not in this backup: save them' : 'is not in this backup: save it';
    sentences.push(
      `${what} in Redis (QUEUE_URL) and ${them} there, with BGSAVE or its append-only file.`,
    );
  }
  if (settingsUrl !== null) {
    const how = /^redis/i.test(settingsUrl) ? 'Redis (SETTINGS_URL)' : 'Postgres (SETTINGS_URL)';
    const tool = /^redis/i.test(settingsUrl) ? 'BGSAVE or its append-only file' : 'pg_dump';
    sentences.push(
      `The settings lie in ${how} and are not in this backup: save them there, with ${tool}.`,
    );
  }
  if (picturesUrl !== null && folderOfPictures(picturesUrl) === null) {
    sentences.push(
      'The pictures lie with another program (PICTURES_URL) and are not in this backup: make one there, too.',
    );
  }
  return sentences;
}
