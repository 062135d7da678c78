import path from 'node:path';
import { readTerminal } from '../../config.ts';
import { describeModel, type Engine } from '../../engine/engine.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { GenerateResult } from '../../engine/result.ts';
import { type AutoSteps, autoWords, savedBy } from '../../explore/calibration/calibration.ts';
import { type ImagineArguments, parseImagineArguments } from '../arguments/arguments.ts';
import { IMAGINE_HELP } from '../arguments/imagine-help.ts';
import { chooseSteps } from '../arguments/auto-steps.ts';
import { chooseModel } from '../arguments/model-choice.ts';
import { encodeNpy } from '../screen/npy.ts';
import { picturePath, prepareTarget, proveWritable } from '../screen/outputs.ts';
import { writeWhole } from '../../engine/whole-file.ts';
import {
  complain,
  EXIT,
  interruptible,
  type PaintingProgram,
  seedValue,
} from '../screen/program.ts';
import { readInput, readWishes } from '../arguments/read-input.ts';
import { modelHere, NoRecipeError, readRecipe, recipeFrom } from '../arguments/read-recipe.ts';
import { createScreen } from '../screen/screen.ts';

/** Does what a command line asks for; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function paintPictures(
  args: readonly string[],
  program: PaintingProgram,
): Promise<number> {
  try {
    const wanted = parseImagineArguments(args);
    if (!wanted) {
      program.stdout.write(IMAGINE_HELP);
      return EXIT.done;
    }
    return await imagine(wanted, program);
  } catch (error) {
    const code = complain(error, program.stderr);
    return error instanceof NoRecipeError ? EXIT.nothing : code;
  }
}

async function imagine(wanted: ImagineArguments, program: PaintingProgram): Promise<number> {
  const config = program.readConfig();
  const engine = await program.openEngine(config);
  try {
    const recipe = wanted.from === null ? null : await recipeFrom(wanted.from);
    const models = await engine.models();
    const named = wanted.model ?? modelHere(recipe, models);
    const wishes = await readWishes(wanted);
    const hasWishes =
      wishes.vae !== null || wishes.textEncoders.length + wishes.tokenizers.length > 0;
    const describe = (model: string) => describeModel(model, config.modelsDir, wishes);
    const model = await chooseModel(named, engine, describe, hasWishes);
    const fitted = recipe && (await readRecipe(recipe, wanted, model.info, models));
    for (const { words } of fitted?.notes ?? []) program.stderr.write(`${words}\n`);
    const input = { ...(await readInput(wanted, model, fitted)), ...wishes };
    const { request, auto } = await chooseSteps(input, model.info, config.dataDir);
    // Last of all checks, because it creates folders.
    const target = await prepareTarget(wanted.out);
    if (wanted.saveLatents !== null) await proveWritable(path.dirname(wanted.saveLatents));
    const result = await paint(engine, request, wanted, program);
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
    report(wanted, result, files, auto, program);
    return result.images.length === 0 ? EXIT.failed : EXIT.done;
  } finally {
    await engine.close();
  }
}

async function paint(
  engine: Engine,
  request: GenerateRequest,
  wanted: ImagineArguments,
  { stderr }: PaintingProgram,
): Promise<GenerateResult> {
  const screen = createScreen(stderr, readTerminal());
  try {
    const result = await interruptible((signal) =>
      engine.generate(request, {
        signal,
        previews: screen.showsPictures,
        keepLatents: wanted.saveLatents !== null,
        withhold: wanted.safety,
        onProgress: (progress) => screen.update(progress),
      }),
    );
    await screen.finish(result.images.map(({ png }) => png));
    return result;
  } catch (error) {
    await screen.finish([]);
    throw error;
  }
}

function report(
  wanted: ImagineArguments,
  result: GenerateResult,
  files: readonly string[],
  auto: AutoSteps | null,
  { stdout, stderr }: PaintingProgram,
): void {
  const { request, model, provider, timings } = result;
  const taken = timings.steps_ms.length;
  const { withheld = [], notes = [] } = result;
  for (const { words } of notes) stderr.write(`${words}\n`);
  for (const { seed } of withheld) {
    stderr.write(
      `The model's safety checker kept the picture of seed ${seed} back; --safety off writes it.\n`,
    );
  }
  if (!wanted.json) {
    for (const [index, { seed, width, height }] of result.images.entries()) {
      stdout.write(`${files[index]}  seed ${seed}  ${width}x${height}\n`);
    }
    if (auto !== null) stdout.write(`${autoWords(auto, taken, request.sampler)}\n`);
    return;
  }
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
  const saved = auto === null ? {} : { auto_steps: { steps: taken, saved: savedBy(auto, taken) } };
  const kept =
    withheld.length === 0
      ? {}
      : { withheld: withheld.map(({ seed }) => ({ seed: seedValue(seed) })) };
  const answer = { images, ...kept, request: shown, model, provider, timings, ...saved };
  stdout.write(`${JSON.stringify(answer)}\n`);
}
