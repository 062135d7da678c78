import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Engine } from '../../../src/engine/engine.ts';
import { formShown, noBrowser as skip, openBrowser, seen } from '../../support/chromium.ts';
import { tinyPng } from '../../support/tiny-png.ts';
import { waitUntil } from '../../support/discord/messages.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { MODELS, openEngine } from '../../support/engine.ts';
import { openStage } from '../../support/stage.ts';
import { requestIn } from '../../support/jobs.ts';
import type { Stage } from '../../support/stage.ts';
import { patience } from '../../support/machine/patience.ts';

let engine: Engine;
let browser: Browser;
let stage: Stage;
/** One tab for all: to load the page is more work than what is done on it. */
let page: Page;

before(async () => {
  if (skip) return;
  engine = await openEngine(MODELS, slowly(100));
  browser = await openBrowser();
  stage = await openStage(engine);
  page = await openPage();
});
after(async () => {
  if (skip) return;
  await browser.close();
  await stage.close();
  await engine.close();
});

const WIDE = { width: 1280, height: 800 };

async function openPage(viewport = WIDE): Promise<Page> {
  const context = await browser.newContext({ viewport, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(patience(15_000));
  await page.goto(stage.playground.url);
  await seen(page, 'You are:').waitFor({ state: 'attached' });
  return page;
}

/** An empty place of its own for each test. */
async function go(name: string): Promise<void> {
  await page.getByRole('button', { name }).click();
  await page.getByRole('heading', { name: new RegExp(`Welcome to #?${name}`) }).waitFor();
}

const composer = (page: Page) => page.getByRole('combobox', { name: /^Message [#@“]/ });

async function imagine(page: Page, line: string): Promise<void> {
  await composer(page).click();
  await composer(page).fill(line);
  await page.keyboard.press('Enter');
}

const shot = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['SHOTS'];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
};

test(
  'a person paints, upscales, starts anew from a picture and follows the lineage back',
  { skip },
  async () => {
    await imagine(page, '/imagine prompt:a lamp steps:1 size:64x64 seed:5');
    await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
    await shot(page, 'done');
    const [first] = await stage.queue.archive.recent({ limit: 1 });
    for (const name of ['Vary', 'Vary region', 'Use as start', 'Reroll', 'Remix', 'Recipe']) {
      await page.getByRole('button', { name, exact: true }).waitFor();
    }
    await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).click();
    await seen(page, 'to twice its size').waitFor();
    await page.getByRole('button', { name: 'Use as start' }).first().click();
    const form = page.getByRole('dialog');
    await form.getByLabel(/^Strength/).fill('0.4');
    await shot(page, 'init');
    await form.getByRole('button', { name: 'Submit' }).click();
    await seen(page, 'Painted over').waitFor();
    for (let i = 0; i < 3; i++) await imagine(page, `/imagine prompt:more ${i} steps:1 size:64x64`);
    await waitUntil(
      async () =>
        (await stage.queue.archive.recent({ limit: 9 })).filter((job) => job.delivered).length ===
        5,
      'all delivered',
      30_000,
    );
    const address = Object(first?.context)['messageId'];
    const target = page.locator(`#message-${address}`);
    await seen(page, 'Painted over').getByRole('button', { name: 'this picture' }).click();
    await page.locator(`#message-${address}.pointed-at`).waitFor();
    const box = await target.boundingBox();
    assert.ok(box !== null && box.y > -box.height && box.y < 800, JSON.stringify(box));

    await page.getByRole('button', { name: 'Delete' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Submit' }).click();
    await waitUntil(async () => (await target.count()) === 0, 'deleted');
    await seen(page, 'Painted over').getByRole('button', { name: 'this picture' }).click();
    await seen(page, 'That message is not here any more').waitFor();
  },
);

test('a batch, /recent and /show on a narrow screen', { skip }, async () => {
  const page = await openPage({ width: 390, height: 800 });
  await imagine(page, '/imagine prompt:a row of lamps steps:1 size:64x64 count:4');
  await seen(page, 'More with one picture…').waitFor();
  await shot(page, 'batch-narrow');
  await imagine(page, '/recent');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Your last pictures' }).waitFor();
  await shot(page, 'recent-narrow');
  await seen(page, 'See one whole…').click();
  await page.getByRole('option', { name: /^1 · a row of lamps/ }).click();
  await seen(page, /painted in/).waitFor();
  await shot(page, 'show-narrow');
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(wide <= 390, `the page is ${wide} px wide`);
  await page.context().close();
});

test('a file from the disk becomes the start picture', { skip }, async () => {
  await go('sketches');
  await composer(page).fill('/imagine prompt:over grey steps:1 strength:0.5');
  await page.keyboard.type('image');
  await page.keyboard.press('Enter');
  const file = { name: 'grey.png', mimeType: 'image/png', buffer: tinyPng(64, 64) };
  await page.locator('.pill input[type=file]').setInputFiles(file);
  await page.getByRole('button', { name: 'grey.png', exact: true }).waitFor();
  await shot(page, 'file');
  await page.keyboard.press('Enter');
  await seen(page, /start picture, strength 0\.5/).waitFor();
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  assert.equal(requestIn(job).init?.strength, 0.5);
});

test(
  'a picture’s own menu leads to the form; a closed thread opens when somebody writes there',
  { skip },
  async () => {
    const thread = page.getByRole('button', { name: 'last-year' });
    await thread.getByText('closed').waitFor();
    await thread.click();
    await page.getByRole('heading', { name: 'Welcome to last-year' }).waitFor();
    await imagine(page, '/imagine prompt:a lamp steps:1 size:64x64');
    await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
    await thread.getByText('closed').waitFor({ state: 'detached' });

    const form = new FormData();
    form.set('payload_json', JSON.stringify({ attachments: [{ id: '0' }] }));
    const png = new Uint8Array(tinyPng(60, 120));
    form.set('files[0]', new Blob([png], { type: 'image/png' }), 'found.png');
    const route = `${stage.playground.apiBase}/v10/channels/1300000000000001102/messages`;
    const headers = { authorization: `Bot ${stage.playground.token}` };
    await fetch(route, { method: 'POST', headers, body: form });
    await page.getByRole('button', { name: 'gallery' }).click();
    await page.locator('article img').last().click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Reimagine' }).click();
    const dialog = await formShown(page);
    await dialog.getByLabel('Prompt', { exact: false }).first().fill('a boat');
    await dialog.getByLabel(/^Steps/).fill('1');
    await dialog.getByText('Yes: repaint about half').click();
    await page.getByRole('option', { name: 'Yes: repaint a little' }).click();
    await dialog.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    assert.deepEqual([requestIn(job).prompt, requestIn(job).init?.strength], ['a boat', 0.35]);
  },
);

test('two tabs show one picture, through a reload, and either stops it', { skip }, async () => {
  const [first, second] = [page, await openPage()];
  await go('after-dark');
  await second.getByRole('button', { name: 'after-dark' }).click();
  // Long enough to be painting still when both tabs have been looked at.
  await imagine(first, '/imagine prompt:a long lamp steps:150 count:2 sampler:dpm2 size:64x64');
  for (const page of [first, second]) {
    await seen(page, /Step \d+ of/).waitFor();
    await page.locator('.message .tile img').first().waitFor();
  }
  await first.reload();
  await first.getByText(/Step \d+ of/).waitFor();
  await second.getByRole('button', { name: 'Stop', exact: true }).click();
  for (const page of [first, second]) {
    await page
      .getByText(/stopped/i)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor({ state: 'detached' });
    assert.equal(await page.locator('.message').count(), 1);
  }
});

test('options complete themselves from the bot, with the keyboard alone', { skip }, async () => {
  await go('midnight');
  const field = (name: string) => page.getByRole('combobox', { name, exact: true });
  const offered = (name: string | RegExp) => page.getByRole('option', { name });
  await seen(page, 'Darkroom is ready').waitFor();
  await composer(page).focus();
  await page.keyboard.type('/imag');
  await offered(/\/imagine/).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type('a lamp');
  await page.keyboard.press('Tab');
  await page.keyboard.type('model:');
  await offered('demo').waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type('size:');
  await offered(/96x144/).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.type('preset:');
  await seen(page, 'Nothing in the list fits; what you type counts.').waitFor();
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Tab');
  await page.keyboard.type('steps:');
  await offered(/^auto/).waitFor();
  await page.keyboard.type('2');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await field('size').inputValue(), '96x144 · 2:3 · portrait');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
  const [job] = await stage.queue.archive.recent({ limit: 1 });
  const { prompt, width, height, steps } = requestIn(job);
  assert.deepEqual([prompt, width, height, steps], ['a lamp', 96, 144, 2]);

  await page.keyboard.press('ArrowUp');
  assert.equal(await field('prompt').inputValue(), 'a lamp');
  await page.keyboard.press('Escape');
  await composer(page).waitFor();
  assert.equal(await composer(page).inputValue(), '');
});
