import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Engine } from '../../../src/engine/engine.ts';
import { createLog } from '../../../src/log.ts';
import { createDevices } from '../../../src/runner/devices.ts';
import { keptErrors } from '../../../src/error-journal.ts';
import { customIdsOf, isDone, textOf, waitUntil } from '../../support/discord/messages.ts';
import { openEngine } from '../../support/engine.ts';
import { ADA, onStage } from '../../support/stage.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'darkroom-log-'));
const engine = await openEngine();
after(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** Stands in every prompt and in nothing else. */
const SECRET = 'zyxwv';

const INVALID = { status: 400, code: 50035, message: 'Invalid Form Body' };

/** Some prompts meet an engine whose errors repeat what was asked for. */
function talkative(inner: Engine): Engine {
  return {
    ...inner,
    async generate(request, options) {
      if (request.prompt.includes('parse')) JSON.parse(request.prompt);
      if (request.prompt.includes('body')) {
        throw Object.assign(new Error('refused'), {
          requestBody: { json: { content: request.prompt } },
        });
      }
      return inner.generate(request, options);
    },
  };
}

test('at info no line says what anybody asked for, whatever becomes of it; each job has one line', async () => {
  const lines: (Record<string, unknown> & { msg: string })[] = [];
  const log = createLog(
    { logLevel: 'info', logFormat: 'json', logPeople: 'hashed', dataDir: folder },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  const devices = createDevices([{ name: 'cpu', engine: talkative(engine) }], log);
  await onStage(engine, { log, devices }, async (stage) => {
    const ada = await stage.user();
    const { faults } = stage.playground;
    const imagine = (prompt: string, more: object = {}) =>
      ada.command('imagine', { prompt: `${prompt} ${SECRET}`, steps: 2, ...more });
    const failed = (count: number) =>
      waitUntil(
        async () =>
          (await stage.queue.archive.recent({ limit: 9 })).filter(
            ({ status }) => status === 'failed',
          ).length === count,
        'failed',
        30_000,
      );

    await imagine('done', { negative: SECRET });
    await ada.waitForMessage(isDone, 30_000);
    await imagine('parse');
    await failed(1);
    await imagine('body');
    await failed(2);
    // refusals, a tag that names nothing, a list that there is none of
    await imagine(`<lora:${SECRET}:1>`);
    await imagine(`__${SECRET}__`);
    await imagine('x', { seed: SECRET });
    await imagine('x'.repeat(1), { model: SECRET });
    // Discord takes neither the acknowledgement nor the edits
    faults.add({ match: { method: 'POST', route: /callback$/ }, answer: INVALID, times: 2 });
    await imagine('refused ack');
    faults.add({ match: { method: 'PATCH', route: /@original$/ }, answer: INVALID, times: 3 });
    await imagine('refused edit');
    await imagine('stopped', { steps: 150, size: '256x256' });
    const running = await ada.waitForMessage(
      (message) => customIdsOf(message).some((id) => id.includes(':stop:')),
      30_000,
    );
    const stop = customIdsOf(running).find((id) => id.includes(':stop:')) ?? '';
    await ada.press(running.id, stop);
    await waitUntil(
      async () => (await stage.queue.archive.unsettled()).length === 0,
      'settled',
      60_000,
    );

    const all = await stage.queue.archive.recent({ limit: 99 });
    const ends = lines.filter(({ msg }) => /^a job (is done|has failed|was stopped)$/.test(msg));
    assert.deepEqual(
      ends.map((line) => line['job']).toSorted(),
      all.map(({ id }) => id).toSorted(),
    );
    for (const line of ends) {
      assert.equal(line['model'], 'demo');
      assert.match(String(line['user']), /^u-/);
    }
    assert.ok(ends.some(({ msg, seconds }) => msg === 'a job is done' && Number(seconds) > 0));

    const written = lines.map((line) => JSON.stringify(line));
    assert.deepEqual(
      written.filter((line) => line.includes(SECRET)),
      [],
    );
    assert.deepEqual(
      written.filter((line) => line.includes(ADA)),
      [],
    );

    // the reference that the person reads leads to the error
    const texts = ada.messages().map(textOf).join('\n');
    const references = [...texts.matchAll(/mention `([0-9a-f]{8})`/g)].map(
      (match) => match[1] ?? '',
    );
    assert.equal(references.length, 2);
    for (const reference of references) assert.equal(keptErrors(folder, reference).length, 1);
  });
});
