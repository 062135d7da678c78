import path from 'node:path';
import { describeModel, type Engine } from '../../engine/engine.ts';
import { UserError } from '../../engine/errors.ts';
import type { ModelInfo } from '../../engine/request.ts';
import { parseRequest } from '../../engine/request-codec.ts';
import { kneeWords } from '../../explore/curve/curve.ts';
import {
  animate,
  evolve,
  openStrip,
  planSnapshots,
  sigmaNote,
} from '../../explore/sheet/evolution.ts';
import { type Cell, planSheet, type SheetPlan } from '../../explore/sheet/plan.ts';
import { reportSheet, subtitleOf, toCsv, variedIn } from '../../explore/curve/report.ts';
import { type CellResult, curvesOf, paintSheet } from '../../explore/sheet/run-sheet.ts';
import { openPages } from '../../explore/sheet/pages.ts';
import {
  EXPLORE_HELP,
  type ExploreArguments,
  parseExploreArguments,
} from '../arguments/explore-arguments.ts';
import { chooseModel, type ChosenModel } from '../arguments/model-choice.ts';
import { makeReport } from '../report/paint-report.ts';
import { proveWritable } from '../screen/outputs.ts';
import { writeWhole } from '../../engine/whole-file.ts';
import {
  complain,
  EXIT,
  interruptible,
  isTerminal,
  type PaintingProgram,
  type Stream,
} from '../screen/program.ts';
import { createProgressBar, type ProgressBar } from '../screen/progress-bar.ts';
import { readInput } from '../arguments/read-input.ts';
import { writePages, writeCurves, toJson } from '../report/explore-files.ts';

/** At the command line nobody else waits: only what a page can show is a limit. */
const LIMITS = { cells: 100, steps: 100_000 };

/** Of a value in a file's name. */
const MOST_OF_NAME = 40;

/** Paints what a command line wants to see; answers the exit status. What goes wrong is told on stderr, not thrown. */
export async function explorePictures(
  args: readonly string[],
  program: PaintingProgram,
): Promise<number> {
  try {
    const wanted = parseExploreArguments(args);
    if (!wanted) {
      program.stdout.write(EXPLORE_HELP);
      return EXIT.done;
    }
    return await explore(wanted, program);
  } catch (error) {
    return complain(error, program.stderr);
  }
}

async function explore(wanted: ExploreArguments, program: PaintingProgram): Promise<number> {
  const { stdout, stderr } = program;
  const engine = await program.openEngine(program.readConfig());
  const bar: ProgressBar = isTerminal(stderr)
    ? createProgressBar(stderr)
    : { update() {}, clear() {} };
  try {
    const model = await chooseModel(wanted.shared.model, engine, describeModel);
    const said = await interruptible((signal) =>
      exploreAs(wanted.what, engine, model, wanted, { signal, bar, stderr }),
    );
    bar.clear();
    const words = wanted.shared.json ? [JSON.stringify(said.json)] : said.lines;
    if (words.length > 0) stdout.write(`${words.join('\n')}\n`);
    return EXIT.done;
  } finally {
    bar.clear();
    await engine.close();
  }
}

async function exploreAs(
  what: ExploreArguments['what'],
  engine: Engine,
  model: ChosenModel,
  wanted: ExploreArguments,
  ways: Ways,
): Promise<Said> {
  switch (what.kind) {
    case 'evolution':
      return exploreRun(engine, model, wanted, what.at, ways);
    case 'sheet':
      return exploreAxes(engine, model, wanted, what, ways);
    case 'report': {
      const models = await modelsFor(engine, model);
      const [own] = models as [ModelInfo];
      const tell = (line: string): void => {
        ways.bar.clear();
        if (!wanted.shared.json) ways.stderr.write(`${line}\n`);
      };
      const tools = { ...ways, engine, model: own, models, tell };
      return makeReport(what, await readInput(wanted.shared, model), tools);
    }
  }
}

type Ways = { signal: AbortSignal; bar: ProgressBar; stderr: Stream };
type Said = { lines: string[]; json: object };

async function exploreAxes(
  engine: Engine,
  model: ChosenModel,
  { shared, theme, title, out }: ExploreArguments,
  axes: Pick<SheetPlan, 'x' | 'y' | 'z'>,
  { signal, bar, stderr }: Ways,
): Promise<Said> {
  const input = await readInput(shared, model);
  const plan = planSheet(
    { input, ...axes, models: await modelsFor(engine, model) },
    model.info,
    LIMITS,
  );
  await proveWritable(path.join(out, 'cells'));
  // Said before it is spent; stdout is for what came of it.
  if (!shared.json) stderr.write(`${countOf(plan.cells.length)}, ${Math.round(plan.cost)} steps\n`);
  const subtitle = subtitleOf(plan.base, variedIn(plan));
  const sheet = await openPages(plan, { title, subtitle, theme });
  const fileOf = ({ cell }: { cell: Cell }): string => `cells/${cellName(plan, cell)}.png`;
  const refused: string[] = [];
  const painted = await paintSheet(engine, plan, {
    signal,
    async onRefused(cells, error) {
      for (const cell of cells) {
        refused.push(`${cellName(plan, cell)}: ${error.message}`);
        await sheet.setTile(cell.index, { state: 'failed', words: 'not possible' });
      }
    },
    onProgress: (progress, cells) => bar.update(progress, placeWords(cells, plan.cells.length)),
    async onCell(result: CellResult) {
      const { cell, image, seconds } = result;
      await sheet.setTile(cell.index, {
        state: 'done',
        picture: image.png,
        note: `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`,
      });
      await writeWhole(path.join(out, fileOf(result)), image.png);
    },
  });
  const pages = await writePages(sheet, out);
  const curves = await curvesOf(plan, painted);
  await writeCurves(out, curves, { title: `${title} · ${subtitle}`, theme });
  const report = { ...reportSheet(plan, painted, curves, fileOf), ...machine(engine, model) };
  await writeWhole(path.join(out, 'measurements.csv'), Buffer.from(toCsv(report.cells)));
  await writeWhole(path.join(out, 'measurements.json'), toJson(report));
  const files = [...pages, ...(curves.length > 0 ? ['curve.png'] : []), 'measurements.csv'];
  const seconds = painted.reduce((sum, cell) => sum + cell.seconds, 0);
  return {
    lines: [
      `${files.map((file) => path.join(out, file)).join('  ')}`,
      `${countOf(painted.length)} in ${seconds.toFixed(1)} s`,
      ...curves.map(kneeWords),
      ...refused,
    ],
    json: { folder: out, ...report, refused },
  };
}

async function exploreRun(
  engine: Engine,
  model: ChosenModel,
  { shared, theme, title, out }: ExploreArguments,
  at: string | null,
  { signal, bar }: Ways,
): Promise<Said> {
  const request = parseRequest(await readInput(shared, model), model.info);
  if (request.count > 1) throw new UserError('evolution watches one picture: leave --count out.');
  const steps = planSnapshots(request.steps, at);
  await proveWritable(path.join(out, 'steps'));
  const subtitle = subtitleOf(request, []);
  const onProgress = (progress: Parameters<ProgressBar['update']>[0]) => bar.update(progress);
  const { snapshots, result } = await evolve(engine, request, steps, { signal, onProgress });
  const strip = await openStrip(
    request,
    snapshots.map(({ step }) => step),
    { title, subtitle, theme },
  );
  for (const [index, { step, sigma, picture }] of snapshots.entries()) {
    await strip.setTile(index, { state: 'done', picture, note: sigmaNote(sigma) });
    await writeWhole(path.join(out, 'steps', `${String(step).padStart(3, '0')}.png`), picture);
  }
  const total = result.timings.steps_ms.length;
  await writeWhole(path.join(out, 'strip.png'), await strip.toPng());
  await writeWhole(
    path.join(out, 'evolution.webp'),
    await animate(snapshots, { steps: total, theme }),
  );
  const report = {
    prompt: request.prompt,
    recipe: result.images[0]?.infotext,
    looks: snapshots.map(({ step, sigma }) => ({ step, sigma })),
    seconds: (result.timings.total_ms - result.timings.load_ms) / 1000,
    ...machine(engine, model),
  };
  await writeWhole(path.join(out, 'measurements.json'), toJson(report));
  return {
    lines: [`${path.join(out, 'strip.png')}  ${path.join(out, 'evolution.webp')}`],
    json: { folder: out, ...report },
  };
}

function machine(engine: Engine, { info }: ChosenModel) {
  return { model: { name: info.name, hash: info.hash }, provider: engine.status().provider };
}

/** A name in the models folder, or a path: those that an axis of models chooses from. */
async function modelsFor(engine: Engine, { info, requestName }: ChosenModel): Promise<ModelInfo[]> {
  const others = (await engine.models()).filter(({ name }) => name !== requestName);
  return [{ ...info, name: requestName }, ...others];
}

function cellName({ x, y, z, cells }: SheetPlan, { index, column, row, page }: Cell): string {
  const number = String(index + 1).padStart(String(cells.length).length, '0');
  const places = [
    [x, column],
    [y, row],
    [z, page],
  ] as const;
  const parts = places.flatMap(([axis, at]) =>
    axis === null ? [] : [`${axis.name}-${(axis.values[at] ?? '').slice(0, MOST_OF_NAME)}`],
  );
  return [number, ...parts].join('-').replaceAll(/[^A-Za-z0-9._-]+/g, '_');
}

function countOf(pictures: number): string {
  return pictures === 1 ? '1 picture' : `${pictures} pictures`;
}

function placeWords(cells: readonly Cell[], all: number): string {
  return `Cell ${cells.map(({ index }) => index + 1).join(', ')} of ${all} · `;
}
