import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import {
  startEngine,
  type Engine,
  type EngineConfig,
  type EngineLog,
} from '../../src/engine/engine.ts';
import {
  CancelledError,
  EngineCrashedError,
  RunError,
  UserError,
} from '../../src/engine/errors.ts';
import { parseRequest } from '../../src/engine/request-codec.ts';
import type { GenerateRequest, RequestInput } from '../../src/engine/request.ts';
import type { Progress } from '../../src/engine/result.ts';
import { slowly } from '../support/models/slow-network.ts';

const modelsDir = fileURLToPath(new URL('../../models', import.meta.url));
const config: EngineConfig = {
  modelsDir,
  device: 'cpu',
  isolation: 'thread',
  modelCacheBytes: 2 ** 30,
  stepDeadlineMs: 60_000,
};
const quiet: EngineLog = { info() {}, warn() {}, error() {} };

/** The model's own size: for what must take a while, or where the size is looked at. */
const NATIVE: RequestInput = {};

async function requestFor(
  engine: Engine,
  input: RequestInput = {},
  size: RequestInput = { width: 64, height: 64 },
): Promise<GenerateRequest> {
  const demo = (await engine.models()).find(({ name }) => name === 'demo');
  assert.ok(demo);
  const usual = { prompt: 'a red star', steps: 4, seed: 7n, sampler: 'euler', guidanceScale: 5 };
  return parseRequest({ ...usual, schedule: 'karras', ...size, ...input }, demo);
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;

/**
 * One of each kind for the whole file, until the tests of closing. A step takes ten milliseconds on the fastest machine: of
 * a picture that is there in a second no preview is shown.
 */
const slow = { ...config, childEnvironment: slowly(10) };
const engines = {
  thread: await startEngine(slow, quiet),
  process: await startEngine({ ...slow, isolation: 'process' }, quiet),
};
after(() => Promise.all(Object.values(engines).map((engine) => engine.close())));

for (const isolation of ['thread', 'process'] as const) {
  describe(`engine in a ${isolation}`, () => {
    const engine = engines[isolation];

    test('loading is told when the model is not at hand, and only then', async () => {
      for (const expected of ['loading', 'encoding']) {
        const phases: string[] = [];
        await engine.generate(await requestFor(engine, { steps: 1 }), {
          onProgress: ({ phase }) => phases.push(phase),
        });
        assert.equal(phases[0], expected);
      }
    });

    test('an order that cannot be served ends with a sentence, and the next is painted', async () => {
      const blank = { width: 64, height: 64, channels: 3, background: '#888' } as const;
      const image = await sharp({ create: blank }).png().toBuffer();
      const mask = await sharp({ create: { ...blank, width: 32 } })
        .png()
        .toBuffer();
      const strength = 0.5;
      for (const [input, expected] of [
        [
          { init: { image, mask, strength } },
          /^The mask has 32x64 pixels, the start picture 64x64/,
        ],
        [{ init: { image: image.subarray(0, 60), strength } }, /^The picture is damaged/],
        [{ clipSkip: 9 }, /^clip skip 9 is more than/],
        // as it may be stored
        [{ sampler: 'flow_euler' as const }, /^The sampler flow_euler is for flow models/],
      ] as const) {
        const { sampler = 'euler' as const, ...rest } = input;
        const request = { ...(await requestFor(engine, rest)), sampler };
        await assert.rejects(engine.generate(request), (error) => {
          assert.ok(error instanceof UserError && !(error instanceof RunError), String(error));
          assert.match(error.message, expected);
          return true;
        });
      }
      const { images } = await engine.generate(await requestFor(engine, { steps: 1 }));
      assert.equal(images.length, 1);
    });

    test('a model whose graph is damaged is told apart from a wrong order', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'torn-'));
      await cp(join(modelsDir, 'demo'), folder, { recursive: true });
      await truncate(join(folder, 'unet/model.onnx'), 20_000);
      const request = { ...(await requestFor(engine)), model: folder };
      await assert.rejects(engine.generate(request), (error) => {
        assert.ok(error instanceof RunError, String(error));
        assert.match(error.message, /unet\/model\.onnx is damaged or not an ONNX graph/);
        return true;
      });
      await rm(folder, { recursive: true });
    });

    test('makes a picture and tells every step', async () => {
      const seen: Progress[] = [];
      const request = await requestFor(engine, {}, NATIVE);
      const joinable = new Set<string | null | undefined>();
      const result = await engine.generate(request, {
        onProgress: (progress) => {
          seen.push(progress);
          joinable.add(engine.joinable?.());
        },
      });
      assert.deepEqual(joinable, new Set([null]), 'nobody asked for shared evaluations');
      const [image] = result.images;
      assert.equal(Buffer.from(image?.png ?? []).toString('latin1', 1, 4), 'PNG');
      assert.deepEqual([image?.width, image?.height, image?.seed], [128, 128, 7n]);
      assert.match(image?.infotext ?? '', /a red star[^]*Steps: 4.*Seed: 7/);
      assert.equal(result.provider, 'cpu');
      assert.equal(result.timings.steps_ms.length, 4);
      assert.ok(result.timings.onnx_ms > 0 && result.timings.onnx_ms < result.timings.total_ms);
      assert.deepEqual(
        seen.map(({ phase, step }) => `${phase} ${step}`),
        ['encoding 0', 'sampling 1', 'sampling 2', 'sampling 3', 'sampling 4', 'decoding 0'],
      );
      assert.deepEqual(engine.status().loaded, [
        { model: 'demo', provider: 'cpu', canaryMaxError: null },
      ]);
    });

    test('a run that ends earlier tells of the steps that it takes', async () => {
      const seen: string[] = [];
      const request = await requestFor(engine, { endAfter: 2 });
      const { images } = await engine.generate(request, {
        onProgress: (one) => one.phase === 'sampling' && seen.push(`${one.step}/${one.steps}`),
      });
      assert.deepEqual(seen, ['1/2', '2/2']);
      assert.match(images[0]?.infotext ?? '', /Unfinished: 2 of 4 steps/);
    });

    test('latents and x̂0 come when asked for', async () => {
      let denoised: Progress | null = null;
      const result = await engine.generate(await requestFor(engine), {
        sendDenoised: true,
        keepLatents: true,
        onProgress: (progress) => {
          if (progress.phase === 'sampling') denoised = progress;
        },
      });
      assert.deepEqual(result.latents?.shape, [1, 4, 8, 8]);
      assert.equal(result.latents.data.length, 4 * 8 * 8);
      const last = denoised as Extract<Progress, { phase: 'sampling' }> | null;
      // The last step ends at sigma 0, where the latents are x̂0 itself.
      assert.deepEqual(last?.denoised?.data, result.latents.data);
    });

    test('cancelling stops between steps and leaves the engine usable', async () => {
      const stop = new AbortController();
      let steps = 0;
      const long = engine.generate(await requestFor(engine, { steps: 100 }, NATIVE), {
        signal: stop.signal,
        onProgress: ({ phase }) => {
          if (phase === 'sampling' && ++steps === 3) stop.abort();
        },
      });
      await assert.rejects(long, CancelledError);
      assert.ok(steps < 50, `stopped after ${steps} steps`);
      assert.equal((await engine.generate(await requestFor(engine))).images.length, 1);
    });

    test('calls wait in order; a waiting one can be cancelled', async () => {
      const order: string[] = [];
      const request = await requestFor(engine, { steps: 2 });
      const stop = new AbortController();
      const first = engine.generate(request).then(() => order.push('first'));
      const dropped = engine.generate(request, { signal: stop.signal });
      const last = engine.generate(request).then(() => order.push('last'));
      stop.abort();
      await assert.rejects(dropped, CancelledError);
      await Promise.all([first, last]);
      assert.deepEqual(order, ['first', 'last']);
    });

    test('a long generation shows a preview by a quarter of its steps, unless unwanted', async () => {
      const request = await requestFor(engine, { steps: 150, count: 2, guidanceScale: 1 });
      // What crosses to a process is the same message.
      for (const previews of isolation === 'thread' ? [true, false] : [true]) {
        const stop = new AbortController();
        let first: Extract<Progress, { phase: 'sampling' }> | null = null;
        const long = engine.generate(request, {
          previews,
          signal: stop.signal,
          onProgress: (progress) => {
            if (progress.phase !== 'sampling') return;
            if (progress.preview) first ??= progress;
            if (first !== null || progress.step >= 40) stop.abort();
          },
        });
        await assert.rejects(long, CancelledError);
        const seen = first as Extract<Progress, { phase: 'sampling' }> | null;
        assert.equal(seen !== null, previews);
        if (seen === null) continue;
        assert.ok(seen.step <= 37, `first preview after step ${seen.step}`);
        const { jpeg, width, height } = seen.preview ?? { jpeg: [] };
        // Two images of 64x64 side by side.
        assert.deepEqual([jpeg[0], jpeg[1], width, height], [0xff, 0xd8, 128, 64]);
      }
    });

    test('a mistake crosses the boundary as UserError', async () => {
      const request = await requestFor(engine);
      await assert.rejects(engine.generate({ ...request, model: 'nope' }), (error) => {
        assert.ok(error instanceof UserError);
        return /no model "nope"/.test(error.message);
      });
      await assert.rejects(engine.generate({ ...request, width: 100 }), UserError);
    });
  });
}

describe('the same order', () => {
  const engine = engines.thread;
  const picture = async (input: RequestInput): Promise<Uint8Array | undefined> =>
    (await engine.generate(await requestFor(engine, input))).images[0]?.png;

  test('gives the same bytes, in both hosts', async () => {
    const once = await picture({});
    assert.ok(same(once, await picture({})));
    const there = await engines.process.generate(await requestFor(engines.process));
    assert.ok(same(once, there.images[0]?.png));
  });

  test('another seed, prompt, step count, guidance, sampler or negative prompt is another picture', async () => {
    const changes: RequestInput[] = [
      {},
      { seed: 8n },
      { prompt: 'a blue star' },
      { steps: 5 },
      { guidanceScale: 3 },
      { guidanceScale: 1 },
      { sampler: 'heun' },
      { schedule: 'uniform' },
      { negativePrompt: 'green' },
      { rng: 'nv' },
      { variation: { seed: 9n, strength: 0.2 } },
      { prompt: 'a (red:1.4) star' },
    ];
    const seen = new Map<string, RequestInput>();
    for (const change of changes) {
      const { latents } = await engine.generate(await requestFor(engine, change), {
        keepLatents: true,
      });
      const key = Buffer.from(latents?.data.buffer ?? new ArrayBuffer(0)).toString('base64');
      assert.ok(!seen.has(key), `${JSON.stringify(change, replacer)} changed nothing`);
      seen.set(key, change);
    }
  });

  test('any size that the model divides', async () => {
    for (const [width, height] of [
      [64, 128],
      [144, 96],
    ]) {
      const { images } = await engine.generate(await requestFor(engine, { width, height }));
      assert.deepEqual([images[0]?.width, images[0]?.height], [width, height]);
    }
  });

  test('image i of a batch is the single image of seed + i', async () => {
    const input = { sampler: 'euler_a', count: 3 };
    const batch = await engine.generate(await requestFor(engine, input));
    assert.deepEqual(
      batch.images.map(({ seed }) => seed),
      [7n, 8n, 9n],
    );
    for (const [index, seed] of [7n, 8n, 9n].entries()) {
      const single = await picture({ ...input, count: 1, seed });
      const [other, own] = [batch.images[index], single];
      // Infotext and so the bytes are equal too: the batch's size is no part of it.
      assert.ok(same(other?.png, own), `image ${index} differs`);
    }
  });
});

describe('an engine process that dies', () => {
  test('fails the running call, is restarted, and waiting calls go on', async () => {
    const engine = engines.process;
    const request = await requestFor(engine, { steps: 60 }, NATIVE);
    let killed = false;
    const victim = engine.generate(request, {
      onProgress: ({ phase }) => {
        const { pid } = engine.status();
        if (killed || phase !== 'sampling' || typeof pid !== 'number') return;
        killed = true;
        process.kill(pid, 'SIGKILL');
      },
    });
    const waiting = engine.generate(await requestFor(engine));
    await assert.rejects(victim, EngineCrashedError);
    assert.equal((await waiting).images.length, 1);
    assert.equal(engine.status().state, 'idle');
    assert.deepEqual(engine.status().counts, { restarts: 1, evicted: 0 });
  });

  test('is ended when a step passes its deadline', async () => {
    const engine = await startEngine(
      { ...config, isolation: 'process', stepDeadlineMs: 400 },
      quiet,
    );
    const request = await requestFor(engine, { steps: 100 }, NATIVE);
    let stopped = false;
    const stuck = engine.generate(request, {
      onProgress: ({ phase }) => {
        const { pid } = engine.status();
        if (stopped || phase !== 'sampling' || typeof pid !== 'number') return;
        stopped = true;
        process.kill(pid, 'SIGSTOP');
      },
    });
    await assert.rejects(stuck, EngineCrashedError);
    await engine.close();
  });
});

test('an idle process that has stopped gives no sign of life, until it goes on', async () => {
  const engine = engines.process;
  assert.equal(await engine.answers(60_000), true);
  const { pid } = engine.status();
  assert.ok(typeof pid === 'number');
  process.kill(pid, 'SIGSTOP');
  // what it had said before it stopped may still be under way
  await engine.answers(100);
  assert.equal(await engine.answers(100), false);
  process.kill(pid, 'SIGCONT');
  assert.equal(await engine.answers(60_000), true);
});

for (const isolation of ['thread', 'process'] as const) {
  test(`a ${isolation} that is asked for a sign of life gives it, idle and busy`, async () => {
    const engine = engines[isolation];
    assert.equal(await engine.answers(60_000), true);
    let busy: Promise<boolean> | null = null;
    await engine.generate(await requestFor(engine), {
      onProgress: () => void (busy ??= engine.answers(1)),
    });
    assert.equal(await busy, true);
  });
}

describe('closing', () => {
  for (const isolation of ['thread', 'process'] as const) {
    test(`ends a running generation as cancelled, refuses later ones and gives no sign of life (${isolation})`, async () => {
      const engine = engines[isolation];
      const request = await requestFor(engine, { steps: 100 }, NATIVE);
      const begun = Promise.withResolvers<void>();
      const running = engine.generate(request, {
        onProgress: ({ phase }) => phase === 'sampling' && begun.resolve(),
      });
      const waiting = engine.generate(request);
      const ends = Promise.all([
        assert.rejects(running, CancelledError),
        assert.rejects(waiting, CancelledError),
      ]);
      await begun.promise;
      await engine.close();
      await ends;
      assert.equal(engine.status().state, 'closed');
      assert.equal(await engine.answers(60_000), false);
      await engine.close();
      await assert.rejects(engine.generate(request), CancelledError);
    });
  }

  test('a program told to stop in the middle of two pictures, of a thread and of a process, exits with 0', async () => {
    const script = fileURLToPath(new URL('../fixtures/engine/stop.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, modelsDir],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    assert.deepEqual([code, signal], [0, null]);
  });
});

function replacer(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
