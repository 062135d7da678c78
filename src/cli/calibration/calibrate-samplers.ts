import path from 'node:path';
import { describeModel, type Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import { parseRequest } from '../../engine/request-codec.ts';
import { parseAxis } from '../../explore/sheet/axis.ts';
import { calibrate } from '../../explore/calibration/calibrate.ts';
import { FULL_STEPS } from '../../explore/calibration/calibration.ts';
import { saveCalibration } from '../../explore/calibration/calibration-file.ts';
import { chooseModel, type ChosenModel } from '../arguments/model-choice.ts';
import { proveWritable } from '../screen/outputs.ts';
import {
  complain,
  EXIT,
  interruptible,
  isTerminal,
  type PaintingProgram,
} from '../screen/program.ts';
import { parseOptions } from '../arguments/command-line.ts';

const HELP = `Finds the fewest steps that still look like ${FULL_STEPS}, for "--steps auto".

  npm run -s calibrate [-- --model NAME --sampler LIST --schedule NAME]

  --model NAME|DIR   (the first model)
  --sampler LIST     euler,dpmpp_2m,… (the model's own)
  --schedule NAME    (the sampler's own)

Takes 16 pictures of ${FULL_STEPS} steps and some of fewer for each sampler, once: the result is kept in DATA_DIR/calibration.json.
`;

type Tools = { engine: Engine; file: string; program: PaintingProgram };
type Wanted = { model: string | null; samplers: readonly string[] | null; schedule: string | null };

/** Finds how few steps are enough, and keeps it; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function calibrateSamplers(
  args: readonly string[],
  program: PaintingProgram,
): Promise<number> {
  try {
    const wanted = readArguments(args);
    if (wanted === null) {
      program.stdout.write(HELP);
      return EXIT.done;
    }
    const config = program.readConfig();
    await proveWritable(config.dataDir);
    const engine = await program.openEngine(config);
    try {
      const model = await chooseModel(wanted.model, engine, describeModel);
      const file = path.join(config.dataDir, 'calibration.json');
      const tools = { engine, file, program };
      await interruptible((signal) => calibrateAll(model, wanted, signal, tools));
      return EXIT.done;
    } finally {
      await engine.close();
    }
  } catch (error) {
    return complain(error, program.stderr);
  }
}

function readArguments(args: readonly string[]): Wanted | null {
  const text = { type: 'string' } as const;
  const options = {
    model: text,
    sampler: text,
    schedule: text,
    help: { type: 'boolean' },
  } as const;
  const { help, model = null, sampler, schedule = null } = parseOptions(args, options);
  if (help) return null;
  const samplers = sampler === undefined ? null : parseAxis('sampler', sampler).values;
  return { model, samplers, schedule };
}

async function calibrateAll(
  { info, requestName }: ChosenModel,
  { samplers, schedule }: Wanted,
  signal: AbortSignal,
  { engine, file, program: { stdout, stderr } }: Tools,
): Promise<void> {
  const model = { ...info, name: requestName };
  // All names are read before the first picture: a slip at the end must not cost the minutes before it.
  const kinds = (samplers ?? [undefined]).map((sampler) => {
    const request = parseRequest({ sampler, schedule }, model);
    if (request.sampler === null) throw new UserError('Name a sampler with --sampler.');
    return { sampler: request.sampler, schedule: request.schedule };
  });
  for (const kind of kinds) {
    const found = await calibrate(engine, model, kind, {
      signal,
      onProgress: (done, all, steps) => {
        if (isTerminal(stderr)) {
          stderr.write(`\r\u001b[2K${kind.sampler}: ${done} of ${all} pairs, ${steps} steps`);
        }
      },
    });
    if (isTerminal(stderr)) stderr.write('\r\u001b[2K');
    const name = `${kind.sampler} ${kind.schedule}`;
    if (found === null) {
      stdout.write(
        `${name}: adds noise, so another number of steps is another picture; not calibrated.\n`,
      );
      continue;
    }
    await saveCalibration(file, found);
    const worst = Math.max(...found.needs);
    stdout.write(
      `${name}: ${found.still === null ? '' : 'at most '}${found.steps} steps look like ${FULL_STEPS} (16 pictures; the most demanding needed ${worst}), ` +
        `about ${((FULL_STEPS - found.steps) * found.secondsPerStep).toFixed(1)} s saved a picture` +
        `${found.still === null ? '' : ', more where it stops moving sooner'}\n`,
    );
  }
}
