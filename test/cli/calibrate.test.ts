import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { calibrateSamplers } from '../../src/cli/calibration/calibrate-samplers.ts';
import { paintPictures } from '../../src/cli/imagine/paint-pictures.ts';
import { describeModel } from '../../src/engine/engine.ts';
import { commandsOnOneEngine } from './in-process.ts';
import { MODELS } from '../support/engine.ts';

const root = path.join(import.meta.dirname, '../..');
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-calibrate-'));
const SETTINGS = { DEVICE: 'cpu', DATA_DIR: folder, MODELS_DIR: MODELS };
const commands = commandsOnOneEngine(SETTINGS);
after(async () => {
  await commands.close();
  await rm(folder, { recursive: true });
});

type Outcome = { code: number; stdout: string; stderr: string };

/** The command as people run it: a program of its own. */
async function start(...args: string[]): Promise<Outcome> {
  const env = { ...process.env, ...SETTINGS };
  const command = [path.join(root, 'scripts/run.cjs'), 'src/cli/calibrate.ts', ...args];
  try {
    return {
      code: 0,
      ...(await promisify(execFile)(process.execPath, command, { cwd: root, env })),
    };
  } catch (error) {
    const { code, stdout, stderr } = error as Outcome;
    return { code, stdout, stderr };
  }
}
/** What the programs do, without their start. */
const calibrate = (...args: string[]) => commands.run(calibrateSamplers, args);
const imagine = (...args: string[]) => commands.run(paintPictures, args);

test('what cannot be calibrated: one line, nothing written', async () => {
  const never = await start('--sampler', 'euler_a');
  assert.deepEqual([never.code, never.stderr], [0, '']);
  assert.match(
    never.stdout,
    /^euler_a \w+: adds noise, so another number of steps is another picture; not calibrated\.\n$/,
  );
  const bad = await calibrate('--sampler', 'dpmpp_2m,eulr');
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /Did you mean euler\?/);
  assert.equal((await calibrate('--frobnicate')).code, 2);
  assert.deepEqual(await readdir(folder), []);
});

test('imagine --steps auto uses what was found, and says what it saved', async () => {
  const demo = await describeModel('demo', MODELS);
  const found = {
    hash: demo.hash,
    model: 'demo',
    sampler: 'dpmpp_2m',
    schedule: 'karras',
    guidanceScale: 4,
    steps: 3,
    still: null,
    needs: [3],
    secondsPerStep: 0.5,
  };
  await writeFile(
    path.join(folder, 'calibration.json'),
    JSON.stringify({ version: 2, calibrations: [found] }),
  );
  const out = path.join(folder, 'a.png');
  const args = ['a red heart', '--sampler', 'dpmpp_2m', '--schedule', 'karras', '--out', out];
  const said = await imagine(...args, '--steps', 'auto', '--json');
  assert.equal(said.code, 0, said.stderr);
  const { request, timings, auto_steps: auto } = JSON.parse(said.stdout);
  assert.deepEqual([request.steps, timings.steps_ms.length], [3, 3]);
  assert.deepEqual(auto, { steps: 3, saved: { steps: 47, seconds: 23.5 } });
  const plain = await imagine(...args, '--steps', 'auto');
  assert.match(plain.stdout, /auto: 3 steps; 50 would look the same and take about 23\.5 s more\./);
  assert.equal((await imagine(...args, '--steps', 'automatic')).code, 2);
});
