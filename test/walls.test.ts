import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');

/** What a folder within a room may import of its neighbours; `test/import-rule.test.ts` has the rooms themselves. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  // A parsed graph: of models, families and LoRA it knows nothing.
  'src/engine/onnx': [],
  // Networks over weights, whoever opens or runs them.
  'src/engine/graphs': ['checkpoint', 'onnx'],
  // Numbers only: no model, no request, no file.
  'src/engine/schedules': ['sampling'],
  'src/engine/noise': ['sampling'],
  'src/engine/sampling': ['samplers', 'schedules'],
  'src/engine/samplers': ['diffusers', 'sampling', 'schedules'],
  'src/engine/diffusers': ['samplers', 'sampling', 'schedules'],
};

type Wall = {
  rule: string;
  /** whom it binds */
  within: RegExp;
  /** what they must not write */
  never: RegExp;
  /** whom it does not */
  but: readonly string[];
  planted: string;
};

const WALLS: readonly Wall[] = [
  {
    rule: 'a reply remembers and delivers through its record, and knows no queue',
    within: /^src\/bot\/reply\//,
    never: /queue\/queue\.ts'|\bQueue\b|\bline\.(?:submit|claim|finish|release)\b/,
    but: [],
    planted: "import type { Queue } from '../../queue/queue.ts';",
  },
  {
    rule: 'orders enter the line by one door, and sheets go on by their own',
    within: /^(?:src\/bot|commands)\//,
    never: /\bline\.submit\(/,
    but: ['src/bot/order/order.ts', 'src/bot/sheet/sheets.ts', 'src/bot/sheet/sheet-chain.ts'],
    planted: 'await line.submit(order, allowance);',
  },
  {
    rule: 'commands and replies hear of jobs by JobEvents, never by the runner',
    within: /^(?:src\/bot|src\/explore|commands)\//,
    // which worker paints a job is a line of the report, not of the job
    never: /from '[^']*\/runner\/(?!workers\.ts')|\bstartRunner\b/,
    but: [],
    planted: "import type { Runner } from '../../runner/runner.ts';",
  },
  {
    rule: 'a variant of a model is a list of edits: nobody but LoRA itself builds one for it',
    within: /^src\/engine\/(?:onnx|network|sampling|guidance)\//,
    never: /from '[^']*\/lora\//,
    but: [],
    planted: "import { lowRank } from '../lora/low-rank.ts';",
  },
];

const files = globSync(['src/**/*.ts', 'commands/**/*.ts'], { cwd: root })
  .map((file) => file.split(path.sep).join('/'))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));

function strangers(file: string, text: string): string[] {
  const folder = file.split('/').slice(0, 3).join('/');
  const allowed = NEIGHBOURS[folder];
  if (allowed === undefined) return [];
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
    .map(([, specifier]) => path.posix.join(path.posix.dirname(file), specifier!))
    .filter((target) => target.startsWith('src/engine/') && target.split('/').length > 3)
    .filter(
      (target) => !target.startsWith(`${folder}/`) && !allowed.includes(target.split('/')[2]!),
    )
    .map(
      (target) => `${file} imports ${target}: ${folder} may import ${allowed.join(', ') || 'none'}`,
    );
}

const broken = (file: string, text: string): string[] =>
  WALLS.filter(
    ({ within, never, but }) => within.test(file) && !but.includes(file) && never.test(text),
  ).map(({ rule }) => `${file}: ${rule}`);

test('rooms within the engine keep to their neighbours', () => {
  for (const folder of Object.keys(NEIGHBOURS)) {
    assert.ok(
      files.some(({ file }) => file.startsWith(`${folder}/`)),
      `${folder} is gone`,
    );
  }
  assert.deepEqual(
    files.flatMap(({ file, text }) => strangers(file, text)),
    [],
  );
  assert.equal(
    strangers('src/engine/onnx/graph.ts', "import { merged } from '../lora/merged.ts';").length,
    1,
  );
});

test('walls stand, and each notices when it is pulled down', () => {
  assert.deepEqual(
    files.flatMap(({ file, text }) => broken(file, text)),
    [],
  );
  for (const { within, planted, but, rule } of WALLS) {
    const inside = files.find(({ file }) => within.test(file) && !but.includes(file));
    assert.ok(inside, rule);
    assert.deepEqual(broken(inside.file, planted), [`${inside.file}: ${rule}`]);
    for (const door of but)
      assert.ok(files.some(({ file, text }) => file === door && /submit\(/.test(text)));
  }
});
