import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { CancelledError } from '../../../src/engine/errors.ts';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { GenerateRequest, ModelInfo } from '../../../src/engine/request.ts';
import type { GenerateResult, Progress } from '../../../src/engine/result.ts';
import { shareKeyOf } from '../../../src/engine/request/sharing.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { waitUntil } from '../../support/discord/messages.ts';
import { MODELS } from '../../support/engine.ts';
import { slowly } from '../../support/models/slow-network.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-sharing-'));
const opened: Engine[] = [];
after(async () => {
  for (const engine of opened) await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(
  childEnvironment: Readonly<Record<string, string>> = {},
): Promise<{ engine: Engine; said: string[] }> {
  const { log, lines } = memoryLog();
  const config = {
    modelsDir: MODELS,
    dataDir: folder,
    device: 'cpu',
    isolation: 'thread',
    modelCacheBytes: 1e9,
    stepDeadlineMs: 600_000,
    sharing: true,
    childEnvironment,
  } as const;
  const engine = await startEngine(config, log);
  opened.push(engine);
  return {
    engine,
    get said() {
      return lines.map(({ message }) => message);
    },
  };
}

/** Whatever was measured here: so many people's pictures are painted together, in one evaluation. */
async function remember(people: number): Promise<void> {
  const file = path.join(folder, 'sharing.json');
  const all = JSON.parse(await readFile(file, 'utf8')) as Record<string, object>;
  for (const figures of Object.values(all)) Object.assign(figures, { people, lanes: null });
  await writeFile(file, JSON.stringify(all));
}

let demo: ModelInfo;
/** For all tests: one whose device gains, and one whose device does not. */
let shared: { engine: Engine; said: string[] };
let alone: Engine;
const order = (over: Record<string, unknown>): GenerateRequest =>
  parseRequest({ prompt: 'a red apple', steps: 6, width: 64, height: 64, ...over }, demo);

const start = {
  strength: 0.6,
  maskBlur: 4,
  onlyMasked: false,
  mask: null,
};

test('what a device gains is measured once, and remembered', async () => {
  const first = await open();
  [demo] = (await first.engine.models()).filter(({ name }) => name === 'demo') as [ModelInfo];
  await first.engine.generate(order({ steps: 1 }));
  await waitUntil(() => first.said.includes('shared evaluations were measured'), 'measured');
  const kept = JSON.parse(await readFile(path.join(folder, 'sharing.json'), 'utf8')) as object;
  const [figures] = Object.values(kept) as { people: number; ms: Record<string, number> }[];
  assert.ok(figures!.ms['1']! > 0 && [1, 2, 4, 8].includes(figures!.people));
  await remember(8);
  // Whoever joins is there before the first has ended, on any machine.
  shared = await open(slowly(20));
  await shared.engine.generate(order({ steps: 1 }));
  assert.ok(!shared.said.includes('shared evaluations were measured'));
  await remember(1);
  alone = (await open()).engine;
});

test('eight people’s pictures at once: to the byte what each is alone', async () => {
  const picture = (await alone.generate(order({ seed: 5 }))).images[0]!.png;
  const long = `${'a very long prompt, '.repeat(30)}a pear`;
  const orders = [
    order({ steps: 24, seed: 1 }),
    order({ sampler: 'euler_a', seed: 2, guidanceScale: 7.5 }),
    order({ sampler: 'dpmpp_2m_sde', steps: 9, seed: 3, negativePrompt: 'blue' }),
    order({ sampler: 'heun', steps: 5, seed: 4, count: 2 }),
    order({ prompt: long, seed: 5, guidanceScale: 1 }),
    order({ prompt: 'an apple AND a pear:0.5', sampler: 'lms', seed: 6 }),
    order({ init: { ...start, image: picture }, sampler: 'ddim', seed: 7, steps: 12 }),
    order({ sampler: 'dpm_adaptive', seed: 8, guidanceScale: 1 }),
  ];
  const expected: GenerateResult[] = [];
  for (const one of orders) expected.push(await alone.generate(one));

  const { engine } = shared;
  const seen: Progress[][] = orders.map(() => []);
  let begun = 0;
  const [first, ...others] = orders;
  const key = shareKeyOf(first!);
  const results = [
    engine.generate(first!, {
      onProgress(progress) {
        seen[0]!.push(progress);
        // Each joins while the ones before are on their way.
        if (progress.phase !== 'sampling' || begun === others.length) return;
        const at = begun++;
        assert.equal(engine.joinable?.(), key);
        results.push(
          engine.generate(others[at]!, {
            joins: true,
            onProgress: (own) => void seen[at + 1]!.push(own),
          }),
        );
      },
    }),
  ];
  await results[0];
  assert.equal(begun, others.length);
  const together = await Promise.all(results);
  for (const [at, result] of together.entries()) {
    const { images, timings } = expected[at]!;
    assert.equal(result.images.length, images.length);
    for (const [n, { png, infotext }] of result.images.entries()) {
      assert.equal(infotext, images[n]!.infotext);
      assert.ok(Buffer.from(png).equals(Buffer.from(images[n]!.png)), `picture ${at}, ${n}`);
    }
    assert.deepEqual(result.timings.asked, timings.asked, 'each counts its own rows');
    const steps = seen[at]!.filter(({ phase }) => phase === 'sampling').map(({ step }) => step);
    assert.deepEqual(steps, [...new Set(steps)], 'every step once');
  }
  assert.ok(
    together.every(({ timings }) => (timings.others_ms ?? 0) > 0),
    'all of them shared',
  );
  assert.equal(engine.status().state, 'idle');
});

test('one is stopped, the others go on; who cannot join waits, and is next', async () => {
  const { engine } = shared;
  const ends: string[] = [];
  const ended = (name: string) => (result: unknown) => {
    ends.push(result instanceof Error ? `${name} stopped` : name);
  };
  const stop = new AbortController();
  let joined: Promise<unknown> | null = null;
  let small: Promise<unknown> | null = null;
  const first = engine.generate(order({ steps: 14, seed: 1 }), {
    onProgress({ phase, step }) {
      if (phase !== 'sampling') return;
      if (step === 2) {
        const options = { joins: true, signal: stop.signal };
        const own = engine.generate(order({ steps: 150, seed: 2 }), options);
        joined = own.then(ended('joined'), ended('joined'));
      }
      if (step === 5) {
        const other = order({ width: 128, seed: 3, steps: 2 });
        small = engine.generate(other, { joins: true }).then(ended('small'));
        assert.equal(engine.joinable?.(), null, 'somebody waits who cannot');
      }
      if (step === 8) stop.abort(new CancelledError());
    },
  });
  const { images } = await first;
  ends.push('first');
  await Promise.all([joined, small]);
  // On a busy machine the word to stop may come when the first has ended.
  assert.deepEqual(ends.toSorted(), ['first', 'joined stopped', 'small']);
  assert.ok(ends.indexOf('first') < ends.indexOf('small'));
  const again = await engine.generate(order({ steps: 14, seed: 1 }));
  assert.ok(Buffer.from(images[0]!.png).equals(Buffer.from(again.images[0]!.png)));
});

test('where it does not pay, and for who asks to be alone, nobody joins', async () => {
  const keys = async (engine: Engine, request: GenerateRequest, options = {}) => {
    const found: (string | null)[] = [];
    const onProgress = () => void found.push(engine.joinable?.() ?? null);
    await engine.generate(request, { ...options, onProgress });
    return new Set(found);
  };
  const { engine } = shared;
  assert.deepEqual(await keys(engine, order({ exact: true })), new Set([null]));
  assert.deepEqual(
    await keys(engine, order({ width: 384, height: 384, steps: 1, guidanceScale: 1 })),
    new Set([null]),
  );
  assert.deepEqual(await keys(alone, order({})), new Set([null]));
  assert.deepEqual(await keys(engine, order({}), { alone: true }), new Set([null]));
  assert.ok((await keys(engine, order({}))).has(shareKeyOf(order({}))));
  assert.throws(() => order({ exact: 'perhaps' }), /exact must be true or false/);
});

test('which orders could share: the same network and size, whatever else differs', () => {
  const key = (over: Record<string, unknown>) => shareKeyOf(order(over));
  const plain = key({});
  assert.ok(plain !== null);
  for (const same of [
    { prompt: 'a pear', negativePrompt: 'x', seed: 9, steps: 150, guidanceScale: 1 },
    { sampler: 'euler_a', schedule: 'karras', count: 4, clipSkip: 2, profile: 'comfy' },
    { exact: false },
  ]) {
    assert.equal(key(same), plain);
  }
  for (const other of [{ width: 128 }, { prompt: 'a <lora:lineart:0.5>' }]) {
    assert.notEqual(key(other), plain);
  }
  assert.equal(key({ prompt: 'a <lora:lineart:0.5>' }), key({ prompt: 'pear <lora:LINEART:0.5>' }));
  assert.notEqual(key({ prompt: 'a <lora:lineart:0.5>' }), key({ prompt: 'a <lora:lineart:0.6>' }));
  const unknown = { ...order({}), brightness: 3 };
  for (const alone of [
    { exact: true },
    { pagScale: 3 },
    { hires: { scale: 2, steps: 3, strength: 0.5, upscaler: 'latent' } },
  ]) {
    assert.equal(key(alone), null);
  }
  assert.equal(shareKeyOf(unknown), null);
});
