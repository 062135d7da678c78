import sharp from 'sharp';
import type { Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import type { ProviderName } from '../../engine/names.ts';
import { inspect, type Inspected } from '../../engine/inspect.ts';
import { parseRequest } from '../../engine/request-codec.ts';
import type { ModelInfo } from '../../engine/request.ts';
import { SHELF_COMMANDS } from './shelf-commands.ts';
import { inspectedInWords, modelTable } from '../screen/model-words.ts';
import { complain, type PaintingProgram, type Program } from '../screen/program.ts';
import { parseCommandLine } from '../arguments/command-line.ts';

const HELP = `Lists the models of the models folder (MODELS_DIR), says what files and folders are, or fetches models.

  npm run -s models [-- options] [FILE|FOLDER …]

  --json                  one JSON object on stdout
  --check                 load each model and paint a step: does it work, and what runs it?

  npm run -s models -- pull SOURCE [--revision R] [--as NAME] [--variant fp16|full] [--sha256 HEX]

  SOURCE                  owner/name of Hugging Face's hub, or owner/name/file.safetensors; civitai:MODEL[@VERSION];
                          an address; or a name of the catalogue. What was cut short goes on where it was.
  --variant               half precision or full where there is a choice (fp16 where a GPU paints)
  --sha256                what a single file must be

  npm run -s models -- catalogue        a dozen well-known models
  npm run -s models -- verify [NAME …]  compares every byte of what was fetched with what it was then
  npm run -s models -- remove NAME      removes what was fetched

HF_TOKEN and CIVITAI_TOKEN are for models that are not for everybody; HF_ENDPOINT names a mirror of the hub.

Exit status: 0 done, 2 bad arguments, 1 failure (a file that is no model or not whole; with --check one that does not
work).
`;

/** Lists, examines or fetches models; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function manageModels(args: readonly string[], program: PaintingProgram): Promise<number> {
  try {
    const [first = '', ...rest] = args;
    const command = Object.hasOwn(SHELF_COMMANDS, first) ? SHELF_COMMANDS[first] : undefined;
    if (command !== undefined && !rest.includes('--help')) return await command(rest, program);
    const { values, positionals } = readArguments(args.filter((arg) => arg !== first || !command));
    if (values.help) {
      program.stdout.write(HELP);
      return 0;
    }
    if (positionals.length > 0) {
      return await sayWhat(positionals, values.json ?? false, program);
    }
    return await list(values.json ?? false, values.check ?? false, program);
  } catch (error) {
    return complain(error, program.stderr);
  }
}

function readArguments(args: readonly string[]) {
  const options = {
    json: { type: 'boolean' },
    check: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const read = parseCommandLine(args, options);
  if (read.values.check && !read.values.help && read.positionals.length > 0) {
    throw new UserError('--check is for the models folder, not for files.');
  }
  return read;
}

/** What each file or folder is, whatever it is. */
async function sayWhat(
  paths: readonly string[],
  json: boolean,
  { stdout, readConfig }: Program,
): Promise<number> {
  const { modelsDir } = readConfig();
  const all: Inspected[] = [];
  for (const each of paths) all.push(await inspect(each, modelsDir));
  const files = all.filter((each) => !('refused' in each));
  const refuse = all.filter((each) => 'refused' in each);
  if (json) {
    const refused = refuse.map(({ path, refused: told }) => ({ path, ...told }));
    stdout.write(`${JSON.stringify({ files, refuse: refused })}\n`);
  } else {
    for (const file of all) stdout.write(inspectedInWords(file));
  }
  return refuse.length === 0 ? 0 : 1;
}

async function list(json: boolean, check: boolean, program: PaintingProgram): Promise<number> {
  const { stdout, stderr } = program;
  const config = program.readConfig();
  const refused: string[] = [];
  const engine = await program.openEngine(config, {
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
    const checks = new Map<string, Check>();
    for (const model of check ? models : []) checks.set(model.name, await tryOut(model, engine));
    const { device } = config;
    if (json) {
      const { provider } = engine.status();
      const shown = models.map((model) => {
        const own = checks.get(model.name);
        return own ? { ...model, check: own } : model;
      });
      // Before a model is loaded nobody knows what will run it: then the device that was asked for stands alone.
      stdout.write(`${JSON.stringify({ models: shown, device, provider })}\n`);
    } else {
      stdout.write(modelTable(models, (name) => checks.get(name)?.provider ?? device));
      for (const line of refused) stderr.write(`not a model: ${line}\n`);
    }
    const failures = [...checks].filter(([, { error }]) => error !== null);
    for (const [name, { error }] of failures) stderr.write(`${name}: ${error}\n`);
    return failures.length === 0 ? 0 : 1;
  } finally {
    await engine.close();
  }
}

/** error: one line; provider: what really runs the model, and how far it is from the CPU where that is another */
type Check = {
  provider: ProviderName | null;
  canaryMaxError: number | null;
  error: string | null;
};

/** A picture of few steps at the model's own size: exports may be fixed to it. */
async function tryOut(model: ModelInfo, engine: Engine): Promise<Check> {
  const { width, height } = model.nativeSize;
  const grey = { width, height, channels: 3, background: '#808080' } as const;
  const init =
    model.inpainting || model.edits
      ? { image: await sharp({ create: grey }).png().toBuffer(), strength: 1 }
      : null;
  try {
    const input = { model: model.name, steps: 4, guidanceScale: 1, seed: 1, init };
    const request = parseRequest(input, model);
    const { provider } = await engine.generate(request, { previews: false });
    const loaded = engine.status().loaded.find((each) => each.model === model.name);
    return { provider, canaryMaxError: loaded?.canaryMaxError ?? null, error: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      provider: null,
      canaryMaxError: null,
      error: message.replaceAll(/\s*\n\s*/g, ' '),
    };
  }
}
