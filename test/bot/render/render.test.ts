import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../../../src/bot/render/render.ts';
import { renderRecent } from '../../../src/bot/render/render-list.ts';
import { waitWords } from '../../../src/bot/render/render-words.ts';
import type { Picture } from '../../../src/bot/render/render.ts';
import { textFor } from '../../../src/bot/text/text.ts';
import { parseRequest } from '../../../src/engine/request-codec.ts';
import type { ModelInfo } from '../../../src/engine/request.ts';
import type { Job, StoredResult } from '../../../src/queue/job.ts';

const MODEL: ModelInfo = {
  name: 'my_model',
  folder: '/models/my_model',
  hash: '0123456789',
  family: 'sd1',
  inpainting: false,
  sizeFactor: 8,
  nativeSize: { width: 512, height: 512 },
  defaults: { sampler: 'dpmpp_2m', schedule: 'karras', steps: 20, guidanceScale: 7 },
};
const text = textFor('en');
const jobWith = (input: object) => ({
  id: 'abc123def456',
  userId: '42',
  request: { ...parseRequest({ prompt: 'a cat', seed: 5n, ...input }, MODEL), init: null },
});
const resultOf = (count: number): StoredResult => ({
  images: Array.from({ length: count }, (_, index) => ({
    key: `abc123def456-${index}.png`,
    seed: String(5 + index),
    width: 512,
    height: 512,
  })),
  infotext: '',
  provider: 'cpu',
  modelHash: '0123456789',
  seconds: 1,
});
const picture: Picture = { data: new Uint8Array([1]), format: 'png', reduced: false };
const allText = (rendered: unknown) => JSON.stringify(rendered);

/** Discord counts components with those inside them. */
function countComponents(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = 'type' in value && typeof value.type === 'number' ? 1 : 0;
  return Object.values(value).reduce<number>((sum, inner) => sum + countComponents(inner), own);
}

test('waiting: place and wait in words, with a way to stop', () => {
  const state = { status: 'waiting', position: 3, waitSeconds: 21 } as const;
  const shown = allText(render(jobWith({}), state, { text, lineage: null }));
  assert.match(shown, /Queued\*\* · #3 · about 20 s/);
  assert.match(shown, /1:stop:abc123def456/);
  assert.match(shown, /my\\\\_model · 512x512 · 20 steps · dpmpp\\\\_2m karras · cfg 7 · seed 5/);
  assert.equal(waitWords(0.2, text), 'about 1 s');
  assert.equal(waitWords(600, text), 'about 10 min');
});

test('running: step, bar and the newest preview', () => {
  const progress = {
    phase: 'sampling',
    step: 7,
    steps: 20,
    sigma: 1,
  } as const;
  const rendered = render(
    jobWith({}),
    { status: 'running', progress },
    { text, lineage: null, preview: { jpeg: new Uint8Array([9]), width: 8, height: 8 } },
  );
  assert.match(allText(rendered.components), /Step 7 of 20\*\* ▰▰▰▰▱▱▱▱▱▱/);
  assert.deepEqual(
    rendered.files.map(({ name, data }) => [name, [...data]]),
    [['preview.jpg', [9]]],
  );
});

for (const count of [1, 4, 9]) {
  test(`done with ${count}: gallery, alt text, buttons, within Discord's limits`, () => {
    const rendered = render(
      jobWith({ count, prompt: `**a** ${'long '.repeat(400)}` }),
      { status: 'done', result: resultOf(count) },
      {
        text,
        lineage: { kind: 'vary', url: 'https://discord.com/channels/1/2/3' },
        pictures: Array.from({ length: count }, () => picture),
      },
    );
    assert.equal(rendered.files.length, count);
    assert.ok(rendered.files.every(({ description }) => description.length <= 1024));
    assert.ok(
      rendered.files.every(({ description }) =>
        description.startsWith('AI-generated image: **a** long'),
      ),
    );
    assert.ok(countComponents(rendered.components) <= 40);
    const shown = allText(rendered.components);
    for (const { name } of rendered.files) assert.ok(shown.includes(`attachment://${name}`));
    for (const action of ['reroll', 'remix', 'recipe', 'delete', 'vary']) {
      assert.ok(shown.includes(`1:${action}:abc123def456`), action);
    }
    assert.match(
      shown,
      /Variation of \[this picture\]\(https:\/\/discord\.com\/channels\/1\/2\/3\) · for <@42>/,
    );
    assert.ok(shown.includes('> \\\\*\\\\*a\\\\*\\\\* long'));
  });
}

test('a smaller copy says so; pictures that have gone say so', () => {
  const done = { status: 'done', result: resultOf(1) } as const;
  const small = { ...picture, format: 'webp', reduced: true } as const;
  assert.match(
    allText(render(jobWith({}), done, { text, lineage: null, pictures: [small] }).components),
    /smaller copy/,
  );
  assert.match(allText(render(jobWith({}), done, { text, lineage: null })), /no longer stored/);
});

test('a failure shows its cause and reference, not its markdown', () => {
  const state = {
    status: 'failed',
    failure: { message: 'model *x* is broken', reference: 'a1b2' },
  } as const;
  const shown = allText(render(jobWith({}), state, { text, lineage: null }));
  assert.match(shown, /model \\\\\*x\\\\\* is broken/);
  assert.match(shown, /`a1b2`/);
  assert.match(shown, /1:again:abc123def456/);
});

test('a page of /recent stays within the 4,000 characters of a message, and tells its rows apart', () => {
  const whole = {
    prompt: '*'.repeat(4000),
    width: 2048,
    height: 2048,
    steps: 150,
    pagScale: 12.25,
  };
  const each = [1.25, 7.5, 11.75, 29.25].map((guidanceScale) => ({
    seed: 5n,
    guidanceScale,
    clipSkip: 1,
  }));
  const images = [0n, 1n, 2n, 3n].map((less) => ({
    key: 'k',
    seed: String(2n ** 64n - 1n - less),
    width: 64,
    height: 64,
  }));
  const { request, ...jobless } = jobWith({ ...whole, sampler: 'dpmpp_2m_sde_heun' });
  const job = {
    ...jobless,
    status: 'done',
    createdAt: Date.parse('2026-11-01'),
    request: {
      ...request,
      model: '_'.repeat(200),
      schedule: 'align_your_steps',
      init: { strength: 0.725 },
      each,
    },
    result: { ...resultOf(0), images },
  } as unknown as Job;
  for (const language of ['en', 'de'] as const) {
    const page = renderRecent(
      Array.from({ length: 8 }, () => job),
      0,
      false,
      textFor(language),
    );
    const written = JSON.stringify(page.components);
    const shown = [...written.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(
      ([, content]) => JSON.parse(content!) as string,
    );
    const length = shown.join('').length;
    assert.ok(length > 2000 && length <= 4000, `${length} characters`);
    assert.match(written, /2048x2048.*cfg 1\.25, 7\.5, 11\.75, 29\.25 · pag 12\.25 .* 0\.725/i);
  }
});
