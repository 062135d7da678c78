import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const script = path.join(import.meta.dirname, '../scripts/run.cjs');

/** A Node too old for TypeScript, if this machine has one outside node_modules. */
function oldNode(): string | null {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, 'node');
    if (folder.includes('node_modules') || !existsSync(candidate)) continue;
    const major = Number(execFileSync(candidate, ['-p', 'process.versions.node.split(".")[0]']));
    if (major < 24) return candidate;
  }
  return null;
}

const old = oldNode();

test(
  'a Node too old to run TypeScript gets one sentence',
  { skip: old === null && 'no old Node on this machine' },
  () => {
    const { status, stderr, stdout } = spawnSync(old ?? '', [script, 'src/main.ts'], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^Darkroom runs on Node 24, this is Node [\d.]+\. Run `npm install`.*\n$/);
  },
);
