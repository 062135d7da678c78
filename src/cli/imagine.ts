import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { loadConfig, loadEnvFile, readTerminal } from '../config.ts';
import { describeModel, type Engine, type EngineLog, startEngine } from '../engine/engine.ts';
import { CancelledError, UserError } from '../engine/errors.ts';
import { LIMITS, parseRequest } from '../engine/request-codec.ts';
import type {
  GenerateRequest,
  GenerateResult,
  ImageSize,
  RequestInput,
} from '../engine/request.ts';
import {
  IMAGINE_HELP,
  type ImagineArguments,
  type InitArguments,
  parseImagineArguments,
} from './arguments.ts';
import { chooseModel, type ChosenModel } from './model-choice.ts';
import { encodeNpy } from './npy.ts';
import { picturePath, prepareTarget, proveWritable, writeWhole } from './outputs.ts';
import { createScreen } from './screen.ts';

const EXIT = { done: 0, failed: 1, badArguments: 2, cancelled: 130 } as const;
/** Only what went wrong: stdout stays free for the answer, stderr for the bar. */
const LOG: EngineLog = {
  info() {},
  warn() {},
  error: (fields, message) => void process.stderr.write(`${message}: ${JSON.stringify(fields)}\n`),
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const wanted = parseImagineArguments(args);
    if (!wanted) {
      process.stdout.write(IMAGINE_HELP);
      return EXIT.done;
    }
    return await imagine(wanted);
  } catch (error) {
    return complain(error);
  }
}

/** One line for the person; what is not theirs to mend is a failure. */
function complain(error: unknown): number {
  if (error instanceof CancelledError) {
    process.stderr.write('Cancelled.\n');
    return EXIT.cancelled;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  return error instanceof UserError ? EXIT.badArguments : EXIT.failed;
}

async function imagine(wanted: ImagineArguments): Promise<number> {
  loadEnvFile();
  const config = loadConfig();
  const engine = await startEngine(config, LOG);
  try {
    const model = await chooseModel(wanted.model, engine, describeModel);
    const request = await readRequest(wanted, model);
    // Last of all checks, because it creates folders.
    const target = await prepareTarget(wanted.out);
    if (wanted.saveLatents !== null) await proveWritable(path.dirname(wanted.saveLatents));
    const result = await paint(engine, request, wanted);
    const files: string[] = [];
    for (const [index, image] of result.images.entries()) {
      const { prompt, count } = request;
      const file = await picturePath(target, { seed: image.seed, prompt, index, count });
      await writeWhole(file, image.png);
      files.push(file);
    }
    if (wanted.saveLatents !== null && result.latents) {
      const { data, shape } = result.latents;
      await writeWhole(wanted.saveLatents, encodeNpy(data, shape));
    }
    report(wanted, result, files);
    return EXIT.done;
  } finally {
    await engine.close();
  }
}

async function readRequest(
  wanted: ImagineArguments,
  { info, requestName }: ChosenModel,
): Promise<GenerateRequest> {
  const input: RequestInput = { ...wanted.request, model: requestName };
  if (!wanted.init) return parseRequest(input, info);
  const init = await readInit(wanted.init);
  if (input.width === undefined) Object.assign(input, await sizeOf(init.image, info.sizeFactor));
  return parseRequest({ ...input, init }, info);
}

async function readInit({ image, mask, ...rest }: InitArguments) {
  return {
    image: await readPicture('--init', image),
    mask: mask === null ? null : await readPicture('--mask', mask),
    ...rest,
  };
}

async function readPicture(option: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new UserError(`${option} ${file} cannot be read (${code}).`);
  }
}

/** The start picture's own size, cut down to what the model takes. */
async function sizeOf(image: Uint8Array, factor: number): Promise<Partial<ImageSize>> {
  // What is no picture at all is refused with words when the engine decodes it.
  const metadata = await sharp(image)
    .metadata()
    .catch(() => null);
  if (!metadata) return {};
  const { width, height } = metadata.autoOrient;
  const fit = Math.min(1, LIMITS.side.max / Math.max(width, height));
  const fitted = (side: number): number =>
    Math.max(LIMITS.side.min, Math.floor((side * fit) / factor) * factor);
  return { width: fitted(width), height: fitted(height) };
}

async function paint(
  engine: Engine,
  request: GenerateRequest,
  wanted: ImagineArguments,
): Promise<GenerateResult> {
  const abort = new AbortController();
  const onInterrupt = (): void => abort.abort();
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  const screen = createScreen(process.stderr, readTerminal());
  try {
    const result = await engine.generate(request, {
      signal: abort.signal,
      previews: screen.showsPictures,
      keepLatents: wanted.saveLatents !== null,
      onProgress: (progress) => screen.update(progress),
    });
    await screen.finish(result.images.map(({ png }) => png));
    return result;
  } catch (error) {
    await screen.finish([]);
    throw error;
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

function report(wanted: ImagineArguments, result: GenerateResult, files: readonly string[]): void {
  if (!wanted.json) {
    for (const [index, { seed, width, height }] of result.images.entries()) {
      process.stdout.write(`${files[index]}  seed ${seed}  ${width}x${height}\n`);
    }
    return;
  }
  const { request, model, provider, timings } = result;
  const images = result.images.map(({ seed, width, height }, index) => ({
    file: files[index],
    seed: seedValue(seed),
    width,
    height,
  }));
  const { variation, init } = request;
  const shown = {
    ...request,
    seed: seedValue(request.seed),
    variation: variation && { ...variation, seed: seedValue(variation.seed) },
    // The pictures as they were named, not their bytes.
    init: init && { ...init, image: wanted.init?.image, mask: wanted.init?.mask ?? null },
  };
  const answer = { images, request: shown, model, provider, timings };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** A number while JSON readers keep it exact, else text. */
function seedValue(seed: bigint): number | string {
  return seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seed) : seed.toString();
}
