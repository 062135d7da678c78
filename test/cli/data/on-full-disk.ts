/** Fills the disk after the first bytes: `node on-full-disk.ts backup|restore DATA_DIR FILE`; prints what came of it. */
import { existsSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeBackup } from '../../../src/cli/data/make-backup.ts';
import { restoreBackup } from '../../../src/cli/data/restore-backup.ts';

const [task, dataDir = '', file = ''] = process.argv.slice(2);
const disk = path.dirname(task === 'backup' ? file : dataDir);
const filler = path.join(disk, 'others');
const signal = new AbortController().signal;
/** The second run finds it there, or the test has removed it for good. */
let isFilled = task === 'restore' && existsSync(dataDir);

function onProgress(): void {
  if (isFilled) return;
  isFilled = true;
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, new Uint8Array((bavail - 20) * bsize));
}

try {
  if (task === 'backup') {
    await makeBackup({ dataDir, file, version: 'test', signal, onProgress });
  } else await restoreBackup({ dataDir, file, signal, onProgress });
  console.log('done');
} catch (error) {
  console.log((error as Error).message);
}
