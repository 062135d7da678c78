import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCrowd } from './open-crowd.ts';
import { openProgram } from './program.ts';
import { type BenchRow, quantile } from '../row.ts';
import { openEngine } from '../setup.ts';

const PICTURES = 10_000;
const PICTURE_BYTES = 60_000;
/** Presses without a backup beside them, to compare with. */
const ALONE = 300;
/** More would wait than one line takes. */
const MOST = 800;
const BETWEEN_MS = 60;

/**
 * One person presses, again and again, while a backup of 10,000 pictures is made and read back on the same disk: how much
 * later each press is answered than without it. Nothing is painted meanwhile, which would hide it.
 */
export async function benchBackup(): Promise<BenchRow[]> {
  const crowd = await openCrowd();
  const { engine } = await openEngine();
  const program = await openProgram(crowd, engine, { paints: false });
  const target = await mkdtemp(path.join(program.folder, '../..', 'bench-backup-'));
  try {
    await crowd.press(1, 8);
    await fill(program.folder);
    const press = async (): Promise<number> => {
      const [ms] = await crowd.press(1, 8);
      await sleep(BETWEEN_MS);
      return ms ?? Infinity;
    };
    const alone: number[] = [];
    for (let n = 0; n < ALONE; n++) alone.push(await press());

    const file = path.join(target, 'backup.tar');
    const began = performance.now();
    const backup = start(program.folder, file);
    const beside: number[] = [];
    while (!backup.hasEnded()) {
      if (beside.length < MOST) beside.push(await press());
      else await sleep(BETWEEN_MS);
    }
    const seconds = (performance.now() - began) / 1000;
    if (backup.code() !== 0) throw new Error('the backup failed; its own words are above');
    const { size } = await stat(file);
    const later = (q: number): BenchRow => {
      const value = quantile(beside, q) - quantile(alone, q);
      const name = `later beside the backup than alone, ${q === 0.5 ? 'median' : `p${q * 100}`}`;
      return { name, value, unit: 'ms', target: '< 100 ms', ok: value < 100 };
    };
    return [
      {
        name: `backup of ${PICTURES} pictures, ${(size / 1e6).toFixed(0)} MB`,
        value: seconds,
        unit: 's',
      },
      { name: `ack alone, median of ${ALONE}`, value: quantile(alone, 0.5), unit: 'ms' },
      { name: 'ack alone, p95', value: quantile(alone, 0.95), unit: 'ms' },
      { name: 'ack alone, slowest', value: Math.max(...alone), unit: 'ms' },
      {
        name: `ack beside the backup, median of ${beside.length}`,
        value: quantile(beside, 0.5),
        unit: 'ms',
      },
      { name: 'ack beside the backup, p95', value: quantile(beside, 0.95), unit: 'ms' },
      { name: 'ack beside the backup, slowest', value: Math.max(...beside), unit: 'ms' },
      later(0.5),
      later(0.95),
    ];
  } finally {
    await program.close();
    await engine.close();
    await crowd.close();
    await rm(target, { recursive: true, force: true });
  }
}

function start(folder: string, file: string) {
  const root = path.join(import.meta.dirname, '../..');
  const child = spawn(
    process.execPath,
    [path.join(root, 'scripts/run.cjs'), 'src/cli/backup.ts', file],
    {
      cwd: root,
      env: { ...process.env, DATA_DIR: folder },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  return { hasEnded: () => child.exitCode !== null, code: () => child.exitCode };
}

/** Pictures, and the records of their jobs made from the one there is. */
async function fill(folder: string): Promise<void> {
  const bytes = randomBytes(PICTURE_BYTES);
  const keys = Array.from({ length: PICTURES }, (_, n) => `b${String(n).padStart(11, '0')}-0.png`);
  for (let from = 0; from < PICTURES; from += 100) {
    const some = keys.slice(from, from + 100);
    await Promise.all(some.map((key) => writeFile(path.join(folder, 'pictures', key), bytes)));
  }
  const db = new DatabaseSync(path.join(folder, 'queue.db'), { timeout: 10_000 });
  const look = db.prepare('SELECT * FROM jobs LIMIT 1');
  // An order is stored once its acknowledgement got through.
  while (look.get() === undefined) await sleep(20);
  const one = look.get()!;
  const names = Object.keys(one).filter((name) => name !== 'seq');
  const marks = names.map(() => '?').join(', ');
  const insert = db.prepare(`INSERT INTO jobs (${names.join(', ')}) VALUES (${marks})`);
  db.exec('BEGIN');
  for (const key of keys) {
    const id = key.slice(0, 12);
    const images = [{ key, seed: '1', width: 128, height: 128 }];
    const result = JSON.stringify({
      images,
      infotext: 'a',
      provider: 'cpu',
      modelHash: 'x',
      seconds: 1,
    });
    const row = {
      ...one,
      id,
      key: id,
      result,
      status: 'done',
      delivered: 1,
      finished_at: Number(one['created_at']),
    };
    insert.run(
      ...names.map((name) => (row as Record<string, string | number | null>)[name] ?? null),
    );
  }
  db.exec('COMMIT');
  db.close();
}
