import path from 'node:path';
import type { Config } from '../../config.ts';
import type { EngineLog } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import { exportQueue, importQueue, openForMoving } from '../../queue/moving.ts';
import { openPictures } from '../../queue/open-pictures.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { complain, EXIT, logTo, type Program } from '../screen/program.ts';
import { parseCommandLine } from '../arguments/command-line.ts';

const HELP = `Moves a queue: between the file of one machine and a Redis that several share, or from one Redis to another.

  npm run -s queue -- export FILE
  npm run -s queue -- import FILE
  npm run -s queue -- pictures FROM TO
  npm run -s queue -- settings FROM TO

  export    writes the queue that QUEUE_URL names (without it: the one in DATA_DIR) into FILE: what waits, in its order
            and with its fairness, the record, promises, measured speeds, start pictures. What ran waits again.
  import    reads FILE into the queue that QUEUE_URL names, which must be empty: all of it, or nothing.
  pictures  copies what one picture store has and the other lacks. FROM and TO are folders, http://:secret@host:port
            or s3://…, as PICTURES_URL. Finished pictures are named by the queue and lie there.
  settings  copies settings, presets, preferences, favourites and word lists; what is there already stays. FROM and TO
            are files (data/settings.db), redis://… or postgres://…, as SETTINGS_URL.

  --queue URL   instead of QUEUE_URL

The bot and every worker must be stopped. Exit status: 0 done, 2 cannot be done as asked, 1 failure.
`;

/** Moves a queue, pictures or settings; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function moveQueue(args: readonly string[], program: Program): Promise<number> {
  try {
    const { values, positionals } = readArguments(args);
    if (values.help) {
      program.stdout.write(HELP);
      return EXIT.done;
    }
    program.stdout.write(`${await run(positionals, program, values.queue)}\n`);
    return EXIT.done;
  } catch (error) {
    return complain(error, program.stderr);
  }
}

function readArguments(args: readonly string[]) {
  const options = {
    queue: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseCommandLine(args, options);
}

async function run(
  [what, first, second, ...more]: string[],
  { stderr, readConfig }: Program,
  url?: string,
): Promise<string> {
  const log = logTo(stderr);
  const asked = `${what ?? ''} ${more.length}`;
  if (asked === 'pictures 0' && first !== undefined && second !== undefined) {
    return copyPictures(await openPictures(first), await openPictures(second));
  }
  if (asked === 'settings 0' && first !== undefined && second !== undefined) {
    const { moveRows } = await import('../../rows/moving-rows.ts');
    const { copied, there } = await moveRows(first, second, log);
    return `${copied} rows of settings were copied; ${there} were there already.`;
  }
  if (first !== undefined && second === undefined) {
    const open = (create: boolean) => openQueueOf(readConfig(), { url, log, create });
    if (asked === 'export 0') return exportTo(path.resolve(first), open);
    if (asked === 'import 0') return importFrom(path.resolve(first), open);
  }
  throw new UserError(
    'Say what to do: `queue -- export FILE`, `import FILE`, `pictures FROM TO` or `settings FROM TO`. --help shows more.',
  );
}

type Named = { url: string | undefined; log: EngineLog; create: boolean };

async function openQueueOf({ dataDir, queueUrl, picturesUrl }: Config, named: Named) {
  const { url = queueUrl ?? `sqlite:${path.join(dataDir, 'queue.db')}`, log, create } = named;
  const pictures = await openPictures(picturesUrl ?? path.join(dataDir, 'pictures'));
  return openForMoving(url, { pictures, log, create });
}

type Open = (create: boolean) => ReturnType<typeof openQueueOf>;

async function exportTo(file: string, open: Open): Promise<string> {
  const queue = await open(false);
  try {
    const { job, input } = await exportQueue(queue, file);
    return `${file} holds ${job} jobs and ${input} start pictures.`;
  } finally {
    await queue.close();
  }
}

async function importFrom(file: string, open: Open): Promise<string> {
  const { jobs, inputs } = await importQueue(file, () => open(true));
  return `${jobs} jobs and ${inputs} start pictures were taken over.`;
}

async function copyPictures(from: PictureStore, to: PictureStore): Promise<string> {
  const there = new Set(await to.keys());
  let copied = 0;
  for (const key of await from.keys()) {
    if (there.has(key)) continue;
    const bytes = await from.get(key);
    if (bytes === null) continue;
    await to.put(key, bytes);
    copied++;
  }
  return `${copied} pictures were copied; ${there.size} were there already.`;
}
