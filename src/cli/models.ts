import { parseArgs } from 'node:util';
import { loadConfig, loadEnvFile } from '../config.ts';
import { startEngine } from '../engine/engine.ts';
import { UserError } from '../engine/errors.ts';
import type { ModelInfo } from '../engine/request.ts';

const HELP = `Lists the models of the models folder (MODELS_DIR).

  npm run -s models [-- --json]
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values } = readArguments(args);
    if (values.help) process.stdout.write(HELP);
    else await list(values.json ?? false);
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
    return error instanceof UserError ? 2 : 1;
  }
}

function readArguments(args: string[]) {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  try {
    return parseArgs({ args, options, strict: true });
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\. |\n/);
    throw new UserError(`${sentence.replace(/\.$/, '')}. There are --json and --help.`);
  }
}

async function list(json: boolean): Promise<void> {
  loadEnvFile();
  const config = loadConfig();
  const refused: string[] = [];
  const engine = await startEngine(config, {
    info() {},
    warn: (fields, message) => {
      if ('folder' in fields && 'reason' in fields)
        refused.push(`${fields.folder}: ${fields.reason}`);
      else refused.push(message);
    },
    error: (_fields, message) => refused.push(message),
  });
  try {
    const models = await engine.models();
    const { provider } = engine.status();
    if (json) {
      // Before a model is loaded nobody knows what will run it: then the device that was asked for stands alone.
      process.stdout.write(`${JSON.stringify({ models, device: config.device, provider })}\n`);
      return;
    }
    process.stdout.write(table(models, config.device));
    for (const line of refused) process.stderr.write(`not a model: ${line}\n`);
  } finally {
    await engine.close();
  }
}

function table(models: readonly ModelInfo[], device: string): string {
  if (models.length === 0) return 'There is no model yet: put a model folder into MODELS_DIR.\n';
  const rows = [
    ['name', 'family', 'size', 'hash', 'device'],
    ...models.map(({ name, family, inpainting, nativeSize, hash }) => [
      name,
      inpainting ? `${family} inpainting` : family,
      `${nativeSize.width}x${nativeSize.height}`,
      hash,
      device,
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
