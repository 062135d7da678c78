import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../engine/errors.ts';
import type { ModelInfo, RequestInput } from '../../engine/request.ts';
import { subtitleOf, toCsv } from '../../explore/curve/report.ts';
import {
  measureReport,
  type PromptResult,
  type ReportCell,
  type ReportTrouble,
  sharedWords,
} from '../../explore/report/report-data.ts';
import { reportPage } from '../../explore/report/report-page.ts';
import { planReport, promptsIn, type ReportPlan } from '../../explore/report/report-plan.ts';
import type { Cell, SheetPlan } from '../../explore/sheet/plan.ts';
import { paintCells } from '../../explore/sheet/run-sheet.ts';
import { proveWritable } from '../screen/outputs.ts';
import { writeWhole } from '../../engine/whole-file.ts';
import { durationWords } from './duration.ts';
import { openReportFolder, type ReportFolder } from './report-folder.ts';
import { type ReportTools, type Wanted, sizeWords, tellSeconds } from './tell-seconds.ts';

type GrowingResult = PromptResult & { cells: ReportCell[]; troubles: ReportTrouble[] };
export type ReportOutcome = { lines: string[]; json: object };

/** How a report is remembered in its folder: where no seed was named, the same one goes on after a kill. */
const PLAN = 'report.json';

const NOTES = 'notes.txt';

/** Paints what is still missing of a report and writes its page. Throws UserError; what was painted by then stays. */
export async function makeReport(
  wanted: Wanted,
  given: RequestInput,
  tools: ReportTools,
): Promise<ReportOutcome> {
  const { model, models, engine, tell } = tools;
  const { out } = wanted;
  const prompts = await promptsOf(wanted, given);
  const input = { ...given, seed: given.seed ?? (await seedBefore(out)) };
  const { x, y, z, seeds } = wanted;
  const plan = planReport({ prompts, input, x, y, z, seeds }, model, models);
  const [first] = plan.plans as [SheetPlan];
  const keepsLatents = [x, y, z].some((axis) => axis?.name === 'steps');
  const folder = await openReportFolder(out, hashesOf(models, plan), keepsLatents);
  const results = await resultsBefore(plan, folder);
  const missing = plan.pictures - results.reduce((sum, { cells }) => sum + cells.length, 0);
  tell(sizeWords(plan, wanted));
  if (missing < plan.pictures) {
    tell(`${plan.pictures - missing} of ${plan.pictures} pictures are there already.`);
  }
  if (wanted.costOnly || missing > 0) await tellSeconds(plan, results, tools);
  if (wanted.costOnly)
    return { lines: [], json: { pictures: plan.pictures, steps: plan.steps, missing } };
  await notePlan(out, first, prompts);
  const write = (): Promise<ReportOutcome> => writeReport(plan, results, wanted, tools);
  let done = plan.pictures - missing;
  const refused: string[] = [];
  for (const [number, sheet] of plan.plans.entries()) {
    const result = results[number] as GrowingResult;
    const there = new Set(result.cells.map(({ cell }) => cell.index));
    const cells = sheet.cells.filter(({ index }) => !there.has(index));
    if (cells.length === 0) continue;
    try {
      await paintCells(engine, { ...sheet, cells }, keepsLatents, {
        signal: tools.signal,
        onProgress: (progress) =>
          tools.bar.update(progress, `Picture ${done + 1} of ${plan.pictures} · `),
        async onCell(painted) {
          done++;
          result.cells.push(await folder.write(painted, nameOf(number, sheet, painted.cell)));
        },
        onRefused(group, error) {
          done += group.length;
          for (const cell of group) result.troubles.push({ cell, why: error.message });
          refused.push(`prompt ${number + 1}: ${error.message}`);
        },
      });
    } finally {
      // Also of what was cut short there is a page.
      result.cells.sort((a, b) => a.cell.index - b.cell.index);
      if (results.some(({ cells: painted }) => painted.length > 0)) await write();
    }
  }
  const outcome = await write();
  return {
    lines: [...outcome.lines, ...new Set(refused)],
    json: { ...outcome.json, refused },
  };
}

/** What a later run of the same report goes on from. */
async function notePlan(out: string, first: SheetPlan, prompts: readonly string[]): Promise<void> {
  await proveWritable(out);
  const seed = String((first.cells[0] as Cell).request.seed);
  const note = JSON.stringify({ version: 1, seed, prompts });
  await writeWhole(path.join(out, PLAN), Buffer.from(`${note}\n`));
}

async function promptsOf({ prompts: file }: Wanted, { prompt }: RequestInput): Promise<string[]> {
  if (file === null) return [String(prompt ?? '')];
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new UserError(`--prompts ${file} cannot be read (${code}).`);
  }
  return promptsIn(text);
}

async function seedBefore(out: string): Promise<string | undefined> {
  const text = await readFile(path.join(out, PLAN), 'utf8').catch(() => null);
  if (text === null) return undefined;
  try {
    const { seed } = JSON.parse(text) as { seed?: unknown };
    return typeof seed === 'string' && /^\d{1,20}$/.test(seed) ? seed : undefined;
  } catch {
    return undefined;
  }
}

async function resultsBefore(
  { plans }: ReportPlan,
  folder: ReportFolder,
): Promise<GrowingResult[]> {
  const results: GrowingResult[] = [];
  for (const [number, plan] of plans.entries()) {
    const cells: ReportCell[] = [];
    for (const cell of plan.cells) {
      const found = await folder.read(cell, nameOf(number, plan, cell));
      if (found !== null) cells.push(found);
    }
    results.push({ plan, cells, troubles: [] });
  }
  return results;
}

/** Of every model that paints: pictures of other weights are not these. */
function hashesOf(models: readonly ModelInfo[], { plans }: ReportPlan): string {
  const used = new Set(plans.flatMap(({ cells }) => cells.map(({ request }) => request.model)));
  return models
    .filter(({ name }) => used.has(name))
    .map(({ hash }) => hash)
    .join(' ');
}

/** `cells/p1/017`: short, whatever the values are. */
function nameOf(prompt: number, { cells }: SheetPlan, { index }: Cell): string {
  const number = String(index + 1).padStart(String(cells.length).length, '0');
  return `cells/p${prompt + 1}/${number}`;
}

async function writeReport(
  plan: ReportPlan,
  results: readonly PromptResult[],
  { out }: Wanted,
  { engine, model }: ReportTools,
): Promise<ReportOutcome> {
  const fileOf = (prompt: number, cell: Cell): string =>
    `${nameOf(prompt, plan.plans[prompt] as SheetPlan, cell)}.png`;
  const figures = await measureReport(results, fileOf);
  const painted = results.flatMap(({ cells }) => cells);
  const seconds = painted.reduce((sum, cell) => sum + cell.seconds, 0);
  const [first] = plan.plans as [SheetPlan];
  const { provider } = engine.status();
  const about = [
    subtitleOf(first.base, sharedWords(first)),
    `${model.name} (${model.hash}) · ${provider} · ${painted.length} of ${plan.pictures} pictures · ${durationWords(seconds)} of painting`,
  ];
  const title = plan.plans.length === 1 ? first.base.prompt : `${plan.plans.length} prompts`;
  const csv = toCsv(figures.cells);
  const notes = (await readFile(path.join(out, NOTES), 'utf8').catch(() => '')).trim();
  const page = reportPage({ ...figures, title: titleOf(title, figures.axes), about, notes, csv });
  await writeWhole(path.join(out, 'figures.csv'), Buffer.from(csv));
  const curves = figures.prompts.map((one) => ({ prompt: one.prompt, curves: one.curves }));
  const json = { title, about, axes: figures.axes, cells: figures.cells, curves };
  await writeWhole(
    path.join(out, 'figures.json'),
    Buffer.from(`${JSON.stringify(json, null, 1)}\n`),
  );
  await writeWhole(path.join(out, 'index.html'), Buffer.from(page));
  const files = ['index.html', 'figures.csv', 'figures.json'].map((file) => path.join(out, file));
  return {
    lines: [files.join('  '), `${painted.length} pictures in ${durationWords(seconds)}`],
    json: { folder: out, page: files[0], pictures: painted.length, of: plan.pictures, seconds },
  };
}

function titleOf(what: string, axes: readonly { title: string }[]): string {
  return `${what} · ${axes.map(({ title }) => title).join(' x ')}`;
}
