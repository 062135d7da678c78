import path from 'node:path';
import { loadConfig, loadEnvFile } from '../config.ts';
import { UserError } from '../engine/errors.ts';
import { inBytes } from '../hub/in-bytes.ts';
import { folderOfPictures } from '../queue/open-pictures.ts';
import { restoreBackup } from './data/restore-backup.ts';
import { createByteBar } from './screen/byte-bar.ts';
import { complain, EXIT, interruptible } from './screen/program.ts';
import { parseCommandLine } from './arguments/command-line.ts';

const HELP = `Brings a backup back into an empty data folder (DATA_DIR).

  npm run -s restore -- FILE [--json]

The file is checked against its own sums before anything gets its place; cut short, it has not happened, or the next
start ends it. A folder that holds anything, or that a running Darkroom uses, is refused.

Exit status: 0 done, 2 refused, 1 failure.
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = readArguments(args);
    if (values.help) {
      process.stdout.write(HELP);
      return EXIT.done;
    }
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) {
      throw new UserError('Name one file: npm run -s restore -- FILE. --help shows more.');
    }
    loadEnvFile();
    const { dataDir, picturesUrl } = loadConfig();
    process.umask(0o077);
    const bar = createByteBar(process.stderr);
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
      process.stderr.write(
        `PICTURES_URL names ${elsewhere}: move ${path.join(dataDir, 'pictures')} there before the start.\n`,
      );
    }
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ dataDir, pictures, ...note })}\n`
        : `${dataDir} is as it was at ${note.createdAt}: ${Object.keys(note.schemas).length} databases and ${pictures} pictures.\n`,
    );
    return EXIT.done;
  } catch (error) {
    return complain(error);
  }
}

function readArguments(args: string[]) {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  return parseCommandLine(args, options);
}
