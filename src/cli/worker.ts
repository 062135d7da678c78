import { parseArgs } from 'node:util';
import { loadConfig, loadEnvFile } from '../config.ts';
import { UserError } from '../engine/errors.ts';
import { createLog } from '../log.ts';
import { type Part, startWorker } from './worker/start-worker.ts';

const HELP = `Paints for a bot that runs elsewhere: takes jobs from the queue that both share.

  QUEUE_URL=redis://host:6379 PICTURES_URL=… npm run -s worker

Variables (or lines of a .env file):
  QUEUE_URL       the queue, as the bot has it: redis://… or rediss://…
  PICTURES_URL    where pictures are kept: the bot's store (http://:secret@host:port), a folder that both see, or a bucket
                  (s3://KEY:SECRET@host/bucket)
  MODELS_DIR      one folder a model; a job whose model is not here goes to another worker
  DEVICES, DEVICE, MODEL_CACHE_MB, STEP_DEADLINE_SECONDS, LOG_LEVEL, METRICS_PORT, METRICS_HOST   as for the bot

It needs no Discord token and no open port. Ctrl-C ends the current step and hands the job back.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(HELP);
  loadEnvFile();
  const config = loadConfig();
  const log = createLog(config);
  const open: Part[] = [];
  let closing = false;

  async function closeAll(): Promise<void> {
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      try {
        await part.close();
      } catch (error) {
        log.error({ err: error }, `closing the ${part.name} failed`);
      }
    }
  }

  const stop = (signal: string): void => {
    if (closing) return;
    closing = true;
    log.info({ signal }, 'closing: the current step ends, its job goes back to the line');
    void closeAll().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'a promise was rejected unheard'),
  );
  try {
    await startWorker(config, log, open);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

try {
  await main();
} catch (error) {
  const inWords =
    error instanceof UserError ||
    (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  console.error(inWords ? (error as Error).message : error);
  process.exit(error instanceof UserError ? 2 : 1);
}
