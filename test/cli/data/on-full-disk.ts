/**
 * `node on-full-disk.ts DISK DATA_DIR FILE`: what becomes of backups of DATA_DIR, then of restores of FILE, on a disk that
 * is full after their first bytes. Prints a line of JSON for each: what was said, and what lies on the disk then.
 */
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeBackup } from '../../../src/cli/data/make-backup.ts';
import { restoreBackup } from '../../../src/cli/data/restore-backup.ts';

const [disk = '', dataDir = '', file = ''] = process.argv.slice(2);
const filler = path.join(disk, 'others');
const again = path.join(disk, 'again');
const signal = new AbortController().signal;
let isFilled = false;

function onProgress(): void {
  if (isFilled) return;
  isFilled = true;
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, new Uint8Array((bavail - 20) * bsize));
}

async function tell(what: () => Promise<unknown>): Promise<void> {
  const said = await what().then(
    () => 'done',
    (error: Error) => error.message,
  );
  console.log(JSON.stringify({ said, left: readdirSync(disk, { recursive: true }) }));
}

const backUp = () =>
  makeBackup({ dataDir, file: path.join(disk, 'backup.tar'), version: 'test', signal, onProgress });
const restore = () => restoreBackup({ dataDir: again, file, signal, onProgress });

await tell(backUp);
await tell(backUp);
rmSync(filler);
isFilled = false;
await tell(restore);
rmSync(filler);
await tell(restore);
