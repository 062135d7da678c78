/**
 * `npm run parity`: measures the engine against reference vectors and writes docs/parity.md. Pictures go through
 * startEngine, as the bot and the command line do it; numbers of seeds, schedules and samplers are what the tests
 * measure (test/support/golden/measure.ts).
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { maxDifference } from '../../test/support/golden/golden.ts';
import {
  a1111Pictures,
  comfyPictures,
  comparePictures,
  DIFFUSERS_FAMILIES,
  diffusersPictures,
  goldenModels,
  handoverPictures,
  hiresPictures,
  inpaintPictures,
  latentScale,
  type PictureCase,
  type PictureSuite,
} from '../../test/support/golden/golden-cases.ts';
import type { Measure } from '../../test/support/golden/measure.ts';
import { type Numbered, type PictureRow, report } from './parity-report.ts';

const root = path.join(import.meta.dirname, '../..');
const silent = { info() {}, warn() {}, error: console.error };

/** The golden model with the scheduler_config.json of a case: what from_pretrained finds. */
function folderFor(
  modelsDir: string,
  known: Map<string, string>,
  suite: PictureSuite,
  { scheduler }: PictureCase,
  golden = suite.model,
): string {
  const key = `${golden} ${JSON.stringify(scheduler)}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const name = `${suite.family}-${known.size}`;
  const folder = path.join(modelsDir, name);
  mkdirSync(folder);
  const source = path.join(goldenModels, golden);
  for (const part of readdirSync(source)) {
    if (part === 'scheduler' && scheduler !== null) continue;
    symlinkSync(path.join(source, part), path.join(folder, part));
  }
  if (scheduler !== null) {
    mkdirSync(path.join(folder, 'scheduler'));
    const file = path.join(folder, 'scheduler/scheduler_config.json');
    writeFileSync(file, JSON.stringify(scheduler));
  }
  known.set(key, name);
  return name;
}

async function measureCase(
  engine: Engine,
  { model, refiner }: { model: string; refiner: string | null },
  suite: PictureSuite,
  c: PictureCase,
): Promise<PictureRow['cases'][number]> {
  const result = await engine.generate(
    {
      ...c.request,
      model,
      ...(c.request.refiner && { refiner: { ...c.request.refiner, model: refiner } }),
    },
    { previews: false, keepLatents: true },
  );
  const [image] = result.images;
  if (result.latents === undefined || image === undefined) throw new Error('nothing came back');
  const { scale, shift } = latentScale(suite.model);
  const latents =
    suite.profile === 'diffusers'
      ? result.latents.data.map((value) => value / scale + shift)
      : result.latents.data;
  const picture = c.png === null ? null : await comparePictures(image.png, c.png);
  if (c.latents === null) {
    return { name: c.name, onlyPicture: true, error: picture?.levels ?? 0, tolerance: 1, picture };
  }
  const error = maxDifference(latents, c.latents);
  return { name: c.name, onlyPicture: false, error, tolerance: c.tolerance, picture };
}

async function measurePictures(modelsDir: string): Promise<PictureRow[]> {
  const engine = await startEngine(
    {
      modelsDir,
      device: 'cpu',
      isolation: 'thread',
      modelCacheBytes: 2 ** 28,
      stepDeadlineMs: 600_000,
    },
    silent,
  );
  const known = new Map<string, string>();
  const rows: PictureRow[] = [];
  try {
    const suites = DIFFUSERS_FAMILIES.map((family) => diffusersPictures(family));
    for (const suite of await Promise.all([
      ...suites,
      a1111Pictures(),
      hiresPictures(),
      inpaintPictures(),
      handoverPictures('diffusers'),
      handoverPictures('a1111'),
      comfyPictures(),
    ])) {
      if (suite === null) continue;
      const row: PictureRow = {
        family: suite.family,
        profile: suite.profile,
        cases: [],
        left: suite.left,
      };
      for (const c of suite.cases) {
        const model = folderFor(modelsDir, known, suite, c);
        const second = c.request.refiner?.model ?? null;
        const refiner = second === null ? null : folderFor(modelsDir, known, suite, c, second);
        row.cases.push(await measureCase(engine, { model, refiner }, suite, c));
      }
      console.error(`${suite.family}: ${row.cases.length} pictures`);
      rows.push(row);
    }
  } finally {
    await engine.close();
  }
  return rows;
}

/** The tests' own comparisons, read from what they leave behind. */
function measureNumbers(folder: string): Record<Numbered, Measure[]> {
  const measure = (tests: readonly string[]): Measure[] => {
    const figures = path.join(folder, `${tests.join('-').replaceAll('/', '-')}.jsonl`);
    const files = tests.map((test) => `test/engine/${test}.test.ts`);
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--test', ...files],
      { cwd: root, env: { ...process.env, PARITY_FIGURES: figures }, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`${files.join(', ')} failed:\n${stdout}`);
    return readFileSync(figures, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Measure);
  };
  const schedulers = measure(['diffusers']);
  const isSolver = ({ what }: Measure): boolean => /^diffusers \w+Scheduler$/.test(what);
  return {
    seeds: measure(['noise']),
    schedules: [...measure(['schedule']), ...schedulers.filter((m) => !isSolver(m))],
    transformers: measure(['families/pictures', 'families/relatives', 'families/loras']),
    samplers: [...measure(['samplers']), ...schedulers.filter(isSolver), ...measure(['pag'])],
  };
}

if (existsSync(path.join(goldenModels, 'sdxl'))) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'darkroom-parity-'));
  try {
    const numbers = measureNumbers(folder);
    const models = path.join(folder, 'models');
    mkdirSync(models);
    const pictures = await measurePictures(models);
    const { text, isEqual } = report(pictures, numbers);
    writeFileSync(path.join(root, 'docs/parity.md'), text);
    console.log(
      `docs/parity.md is written${isEqual ? '' : '; not everything is within tolerance'}.`,
    );
    process.exitCode = isEqual ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  console.log(
    'The reference vectors are not beside this checkout, so there is nothing to compare with.',
  );
}
