/**
 * `npm run bench [-- part …] [--log "what changed"]`: every figure of this project that is about speed or
 * memory, measured in one run on this machine. `--log` appends the table to bench/LOG.md.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AUTO_SAMPLERS, benchAuto } from './engine/auto-steps.ts';
import { benchBackup } from './bot/backup.ts';
import { benchBot } from './bot/bot.ts';
import { benchChaos } from './chaos/chaos.ts';
import { benchCost } from './engine/cost.ts';
import { benchEngine } from './engine/engine.ts';
import { benchExplore } from './explore.ts';
import { benchHostile } from './bot/hostile.ts';
import { benchFamilies } from './engine/families.ts';
import { benchFullSize } from './engine/full-size.ts';
import { benchMemory } from './engine/memory.ts';
import { benchMetrics } from './bot/metrics.ts';
import { benchPinning } from './engine/pinning.ts';
import { benchQueue } from './queue/queue.ts';
import { benchReference } from './engine/reference.ts';
import type { BenchRow } from './row.ts';
import { benchSamplers } from './engine/samplers.ts';
import { benchSharedQueue } from './queue/shared-queue.ts';
import { benchSharing } from './engine/sharing.ts';
import { benchStartup } from './engine/startup.ts';

const PARTS: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  startup: benchStartup,
  engine: benchEngine,
  cost: benchCost,
  queue: benchQueue,
  sharing: benchSharing,
  bot: benchBot,
  hostile: benchHostile,
  memory: benchMemory,
  metrics: benchMetrics,
  explore: benchExplore,
  ...Object.fromEntries(
    AUTO_SAMPLERS.map((sampler) => [`auto-${sampler}`, () => benchAuto(sampler)]),
  ),
  samplers: benchSamplers,
  pinning: benchPinning,
  reference: benchReference,
};

/** Gigabytes and minutes, or a Redis: only when named. */
const LARGE: typeof PARTS = {
  'full-size': benchFullSize,
  families: benchFamilies,
  'shared-queue': benchSharedQueue,
  chaos: benchChaos,
  backup: benchBackup,
};

function format(row: BenchRow): string[] {
  const digits = row.value >= 100 ? 0 : row.value >= 10 ? 1 : row.value >= 1 ? 2 : 3;
  const verdict = row.ok === undefined ? '' : row.ok ? 'yes' : 'NO';
  return [row.name, `${row.value.toFixed(digits)} ${row.unit}`, row.target ?? '', verdict];
}

function table(rows: readonly BenchRow[]): string {
  const cells = [['figure', 'measured', 'wanted', 'met'], ...rows.map(format)];
  const widths = [0, 1, 2, 3].map((i) => Math.max(3, ...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

const HELP = `Measures speed and memory on this machine, all parts or those named.

  npm run bench [-- part …] [--log "what changed"]

  parts   ${Object.keys(PARTS).join(', ')};
          only when named: ${Object.keys(LARGE).join(', ')}
  --log   appends the table to bench/LOG.md
`;

function argumentsOf() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { log: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

const { values, positionals } = argumentsOf();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const wanted = positionals.length > 0 ? positionals : Object.keys(PARTS);
const all = { ...PARTS, ...LARGE };
const unknown = wanted.filter((part) => !Object.hasOwn(all, part));
if (unknown.length > 0) {
  console.error(`No bench called ${unknown.join(', ')}; there are ${Object.keys(all).join(', ')}.`);
  process.exit(2);
}

let running = 'start';
/** However a bench ends, its stack is kept: it may have run where nobody looked. */
function keepCrash(error: unknown): never {
  const stack = error instanceof Error ? error.stack : String(error);
  const words = `${new Date().toISOString()} · bench ${running}\n${stack}\n`;
  console.error(words);
  const data = path.join(import.meta.dirname, '..', 'data');
  mkdirSync(data, { recursive: true });
  appendFileSync(path.join(data, 'bench-crashes.log'), words);
  process.exit(3);
}
process.on('uncaughtException', keepCrash);
process.on('unhandledRejection', keepCrash);

const rows: BenchRow[] = [];
for (const part of wanted) {
  running = part;
  console.error(`· ${part}`);
  rows.push(...((await all[part]?.().catch(keepCrash)) ?? []));
}
const cpu = os.cpus()[0]?.model.trim() ?? 'unknown CPU';
const machine = `${cpu}, ${os.availableParallelism()} cores, Node ${process.versions.node}`;
console.log(`${machine}\n\n${table(rows)}`);
if (values.log !== undefined) {
  const day = new Date().toISOString().slice(0, 10);
  const entry = `\n## ${day} · ${values.log}\n\n${machine}\n\n${table(rows)}\n`;
  appendFileSync(path.join(import.meta.dirname, 'LOG.md'), entry);
}
process.exit(rows.some(({ ok }) => ok === false) ? 1 : 0);
