import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import { inBytes } from '../../hub/in-bytes.ts';
import { folderOfPictures } from '../../queue/open-pictures.ts';
import { restoreBackup } from './restore-backup.ts';
import { createByteBar } from '../screen/byte-bar.ts';
import { complain, EXIT, interruptible, type Program } from '../screen/program.ts';
import { parseCommandLine } from '../arguments/command-line.ts';

const HELP = `Brings a backup back into an empty data folder (DATA_DIR).

  npm run -s restore -- FILE [--json]

The file is checked against its own sums before anything gets its place; cut short, it has not happened, or the next
start ends it. A folder that holds anything, or that a running Darkroom uses, is refused.

Exit status: 0 done, 2 refused, 1 failure.
`;

/** Brings a backup back; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function bringBack(args: readonly string[], program: Program): Promise<number> {
  try {
    const { values, positionals } = readArguments(args);
    if (values.help) {
      program.stdout.write(HELP);
      return EXIT.done;
    }
    const file = oneOf(positionals);
    const { dataDir, picturesUrl } = program.readConfig();
    const bar = createByteBar(program.stderr);
    const { note, pictures } = await interruptible((signal) =>
      restoreBackup({
        dataDir,
        file: path.resolve(file),
        signal,
        onProgress: (done) => bar.say(`Unpacking ${inBytes(done)}`),
      }),
    ).finally(() => bar.clear());
    const elsewhere = folderOfPictures(picturesUrl);
    if (elsewhere !== null && pictures > 0) {
      program.stderr.write(
        `PICTURES_URL names ${elsewhere}: move ${path.join(dataDir, 'pictures')} there before the start.\n`,
      );
    }
    program.stdout.write(
      values.json
        ? `${JSON.stringify({ dataDir, pictures, ...note })}\n`
        : `${dataDir} is as it was at ${note.createdAt}: ${Object.keys(note.schemas).length} databases and ${pictures} pictures.\n`,
    );
    return EXIT.done;
  } catch (error) {
    return complain(error, program.stderr);
  }
}

function oneOf([file, ...more]: readonly string[]): string {
  if (file !== undefined && more.length === 0) return file;
  throw new UserError('Name one file: npm run -s restore -- FILE. --help shows more.');
}

function readArguments(args: readonly string[]) {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  return parseCommandLine(args, options);
}
