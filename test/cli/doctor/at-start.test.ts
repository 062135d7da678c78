import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { startPlayground } from '../../../playground/playground.ts';
import { tellAtStart } from '../../../src/cli/doctor/at-start.ts';
import { loadConfig } from '../../../src/config.ts';
import { createLog } from '../../../src/log.ts';
import { MODELS } from '../../support/engine.ts';

const dataDir = mkdtempSync(path.join(tmpdir(), 'doctor-start-'));
after(() => rmSync(dataDir, { recursive: true }));

type Line = { level: string; msg: string; troubles?: { check: string; mend: string }[] };

async function lineOf(
  env: Record<string, string>,
  devices: readonly string[],
  asksDiscord = false,
): Promise<Line> {
  const config = loadConfig({ DATA_DIR: dataDir, MODELS_DIR: MODELS, ...env });
  const lines: Line[] = [];
  const log = createLog(
    { ...config, logFormat: 'json' },
    { write: (line) => void lines.push(JSON.parse(line) as Line) },
  );
  const rates = async () => [{ model: 'demo', pixels: 16384, images: 1, stepsPerSecond: 80 }];
  await tellAtStart(config, { devices, rates, asksDiscord, log });
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0]?.msg ?? '', /\n/);
  return lines[0] as Line;
}

test('one line at the start: what is there, and the step that was measured last', async () => {
  const playground = await startPlayground({ port: 0, dataFile: ':memory:' });
  const discord = { DISCORD_TOKEN: playground.token, DISCORD_API_BASE: playground.apiBase };
  const { level, msg } = await lineOf({ ...discord, DEVICE: 'cpu' }, ['cpu'], true);
  await playground.close();
  assert.equal(level, 'info');
  assert.match(
    msg,
    /^doctor: devices cpu \(12\.5 ms a step of demo when it painted last\); Node 24\./,
  );
  for (const part of [/1 model;/, /free/, /of Discord's/, /on 2: The Atelier/, /All is well\.$/])
    assert.match(msg, part);
  assert.doesNotMatch(msg, new RegExp(playground.token));
});

test('what is wrong is in the line, and the doctor is named', async () => {
  const { level, msg, troubles } = await lineOf({ MODELS_DIR: dataDir }, ['auto']);
  assert.equal(level, 'error');
  assert.match(
    msg,
    /One thing stops it from painting\. models: .* holds no model .*npm run -s doctor says what mends it\.$/,
  );
  assert.deepEqual(
    troubles?.map(({ check }) => check),
    ['models'],
  );
  const none = await lineOf({ DEVICES: 'none', QUEUE_URL: 'redis://localhost' }, []);
  assert.match(none.msg, /only workers paint/);
});
