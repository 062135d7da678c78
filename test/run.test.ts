import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { oldNode } from './support/machine/old-node.ts';

const script = path.join(import.meta.dirname, '../scripts/run.cjs');

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
