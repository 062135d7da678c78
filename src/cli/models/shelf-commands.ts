import path from 'node:path';
import { expectsGpu } from '../../engine/devices.ts';
import { UserError } from '../../engine/errors.ts';
import { CATALOGUE } from '../../hub/catalogue.ts';
import { inBytes } from '../../hub/in-bytes.ts';
import { bytesOf, type Plan } from '../../hub/plan.ts';
import { pullModel } from '../../hub/pull.ts';
import { pulledNames, removePulled } from '../../hub/shelf.ts';
import { createByteBar } from '../screen/byte-bar.ts';
import { inspectedInWords } from '../screen/model-words.ts';
import { EXIT, interruptible, type Program } from '../screen/program.ts';
import { verifyModel } from './verify.ts';
import { parseCommandLine } from '../arguments/command-line.ts';

type Command = (args: readonly string[], program: Program) => Promise<number>;

/** Words that are commands when they come first; files of such a name are `./pull`. */
export const SHELF_COMMANDS: Readonly<Record<string, Command>> = {
  pull,
  remove,
  verify,
  catalogue,
};

const JSON_FLAG = { json: { type: 'boolean' } } as const;

function one(positionals: readonly string[], example: string): string {
  const [first, ...more] = positionals;
  if (first !== undefined && more.length === 0) return first;
  throw new UserError(`Name one: npm run -s models -- ${example}. --help shows more.`);
}

async function pull(args: readonly string[], { stdout, stderr, readConfig }: Program): Promise<number> {
  const { values, positionals } = parseCommandLine(args, {
    ...JSON_FLAG,
    revision: { type: 'string' },
    as: { type: 'string' },
    sha256: { type: 'string' },
    variant: { type: 'string' },
  });
  const given = one(positionals, 'pull owner/name');
  const { sha256 = null, variant = null } = values;
  if (sha256 !== null && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new UserError(`--sha256 is "${sha256.slice(0, 70)}"; expected 64 hexadecimal digits.`);
  }
  if (variant !== null && !['fp16', 'full'].includes(variant)) {
    throw new UserError(`--variant is "${variant.slice(0, 40)}"; allowed: fp16, full.`);
  }
  const { modelsDir, hub, device } = readConfig();
  const half = variant === null ? expectsGpu(device) : variant === 'fp16';
  const bar = createByteBar(stderr);
  const { pulled, model, unchanged } = await interruptible((signal) =>
    pullModel(given, {
      modelsDir,
      access: hub,
      taste: { half },
      signal,
      sha256,
      revision: values.revision ?? null,
      as: values.as ?? null,
      onPlan: (plan, name) => stderr.write(planInWords(plan, name)),
      onProgress: (done, of) => bar.update('Fetching', done, of),
    }),
  ).finally(() => bar.clear());
  const where = path.join(modelsDir, pulled.place);
  if (values.json) {
    stdout.write(`${JSON.stringify({ ...pulled, path: where, unchanged })}\n`);
    return EXIT.done;
  }
  stdout.write(
    unchanged ? `${pulled.name} was there already and is whole.\n` : `${pulled.name} is at ${where}.\n`,
  );
  if (model !== null) stdout.write(inspectedInWords({ ...model, path: where }));
  return EXIT.done;
}

function planInWords({ what, revision, licence, page, files, notes }: Plan, name: string): string {
  const bytes = bytesOf(files);
  const size = bytes > 0 ? inBytes(bytes) : 'of a size that nobody told';
  const count = files.length === 1 ? 'one file' : `${files.length} files`;
  const terms = licence === null ? `see ${page}` : `${licence}; ${page}`;
  const lines = [`${what} at ${revision.slice(0, 40)}: ${count}, ${size}, to be ${name}`, `licence: ${terms}`];
  return `${[...lines, ...notes].join('\n')}\n`;
}

async function remove(args: readonly string[], { stdout, readConfig }: Program): Promise<number> {
  const { values, positionals } = parseCommandLine(args, JSON_FLAG);
  const { modelsDir } = readConfig();
  const gone = await removePulled(modelsDir, one(positionals, 'remove NAME'));
  const bytes = gone.files.reduce((sum, { size }) => sum + size, 0);
  stdout.write(
    values.json
      ? `${JSON.stringify({ removed: gone.name, bytes })}\n`
      : `${gone.name} is removed: ${inBytes(bytes)} are free again.\n`,
  );
  return EXIT.done;
}

async function verify(args: readonly string[], { stdout, stderr, readConfig }: Program): Promise<number> {
  const { values, positionals } = parseCommandLine(args, JSON_FLAG);
  const { modelsDir } = readConfig();
  const names = positionals.length > 0 ? positionals : await pulledNames(modelsDir);
  if (names.length === 0 && !values.json) {
    stdout.write('No model was fetched by `models pull` yet: there is nothing to compare with.\n');
  }
  const bar = createByteBar(stderr);
  const results = await interruptible(async (signal) => {
    const found = [];
    for (const name of names) {
      let done = 0;
      const onBytes = (bytes: number, of: number) => bar.update(name, (done += bytes), of);
      found.push(await verifyModel(modelsDir, name, { signal, onBytes }));
    }
    return found;
  }).finally(() => bar.clear());
  if (values.json) stdout.write(`${JSON.stringify({ models: results })}\n`);
  else for (const { words } of results) stdout.write(`${words}\n`);
  return results.every(({ problems }) => problems.length === 0) ? EXIT.done : EXIT.failed;
}

async function catalogue(args: readonly string[], { stdout }: Program): Promise<number> {
  const { values } = parseCommandLine(args, JSON_FLAG);
  if (values.json) {
    stdout.write(`${JSON.stringify({ models: CATALOGUE })}\n`);
    return EXIT.done;
  }
  const lines = CATALOGUE.flatMap(({ name, title, bytes, licence, needs, gated }) => [
    `${name.padEnd(16)}  ${title}${bytes === null ? '' : `, ${inBytes(bytes)}`}`,
    `${' '.repeat(18)}${licence}; needs ${needs}${gated ? '; gated' : ''}`,
  ]);
  stdout.write(`${lines.join('\n')}\n`);
  return EXIT.done;
}
