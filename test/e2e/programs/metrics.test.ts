import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileCache } from '../../../src/engine/host/compile-cache.ts';
import { allDone, idsOf, imagine, inHall } from '../../support/hall.ts';
import { freePort, type Samples, scrape } from '../../support/metrics.ts';
import { waitUntil } from '../../support/discord/messages.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

test('from the start to the end of the whole program: health, jobs, calls, 429s', async () => {
  const port = await freePort();
  const health = (): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ status }) => status,
      () => 0,
    );
  await inHall(
    async (hall) => {
      await waitUntil(async () => (await health()) === 200, 'health');
      hall.faults.add({
        match: { method: 'PATCH', route: /@original/ },
        answer: 429,
        retryAfter: 0.1,
      });
      await imagine(hall, 'a boat', 3);
      await imagine(hall, 'another boat', 4);
      await allDone(hall, idsOf(hall));
      const sum = (samples: Samples, start: string): number =>
        [...samples].reduce((all, [name, n]) => all + (name.startsWith(start) ? n : 0), 0);
      let samples: Samples = new Map();
      await waitUntil(async () => {
        samples = await scrape(port);
        return sum(samples, 'darkroom_jobs_total{outcome="done"') === 2;
      }, 'both ends');
      const cpu = '{model="demo",provider="cpu"}';
      assert.equal(samples.get(`darkroom_paint_seconds_count${cpu}`), 2);
      assert.equal(samples.get(`darkroom_job_wait_seconds_count${cpu}`), 2);
      assert.equal(samples.get('darkroom_pictures_total{model="demo"}'), 2);
      assert.equal(samples.get(`darkroom_step_seconds_count${cpu}`), 7);
      assert.ok((samples.get(`darkroom_steps_per_second${cpu}`) ?? 0) > 0);
      assert.equal(samples.get('darkroom_models_loaded{device="cpu"}'), 1);
      assert.equal(samples.get('darkroom_gateway_connected'), 1);
      assert.equal(sum(samples, 'darkroom_discord_rate_limited_total'), 1);
      const acks = 'darkroom_discord_requests_total{resource="interactions"';
      assert.ok(sum(samples, acks) >= 2);
      // What is told has no person, prompt, token or path in it.
      assert.doesNotMatch([...samples.keys()].join('\n'), /boat|\d{17}|darkroom-hall/);

      // A second program that is to tell there does not start, and says why before it touches Discord.
      const second = spawnSync(process.execPath, [MAIN], {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          ...compileCache(),
          METRICS_PORT: String(port),
          DATA_DIR: `${hall.data}-2`,
          PLAYGROUND_PORT: '0',
        },
      });
      assert.equal(second.status, 1);
      assert.match(second.stderr, /^METRICS_PORT is \d+, and another program listens there.*\n$/m);
      assert.equal(await hall.stop(), 0);
      assert.equal(await health(), 0);
    },
    { env: { METRICS_PORT: String(port), CALIBRATE_AFTER_SECONDS: '0' } },
  );
});
