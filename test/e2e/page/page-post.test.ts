import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import type { Engine } from '../../../src/engine/engine.ts';
import { formShown, noBrowser as skip, openBrowser, seen } from '../../support/chromium.ts';
import { openEngine } from '../../support/engine.ts';
import { onStage } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';
import { patience } from '../../support/machine/patience.ts';

let browser: Browser;
let engine: Engine;
before(async () => {
  if (skip) return;
  [browser, engine] = await Promise.all([openBrowser(), openEngine()]);
});
after(async () => {
  if (skip) return;
  await browser.close();
  await engine.close();
});

async function openPage(stage: Stage): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 800 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patience(30_000));
  await page.goto(stage.playground.url);
  await seen(page, 'Darkroom is ready').waitFor({ state: 'attached' });
  return page;
}

const composer = (page: Page) => page.getByRole('combobox', { name: /^Message [#@“]/ });

test('on a phone: a picture is posted, and Reimagine paints from it', { skip }, async () => {
  await onStage(engine, {}, async (stage) => {
    const page = await openPage(stage);
    const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#c33' } })
      .png()
      .toBuffer();
    const file = { name: 'red.png', mimeType: 'image/png', buffer: png };
    await page.getByLabel('Picture to post').setInputFiles(file);
    await seen(page, 'red.png', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    const posted = page.locator('.message').last();
    await posted.locator('img').last().waitFor();
    await posted.click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Reimagine' }).click();
    const form = await formShown(page);
    await form.getByLabel(/^Prompt/).fill('a red lamp');
    await form.getByLabel(/^Steps/).fill('1');
    await form.getByRole('button', { name: 'Submit' }).click();
    await seen(page, 'Reimagined from').waitFor();
  });
});

test('running a command jumps to its answer; German is chosen in the menu', { skip }, async () => {
  await onStage(engine, {}, async (stage) => {
    const page = await openPage(stage);
    for (let at = 0; at < 4; at += 1) {
      await composer(page).fill(`/imagine prompt:lamp ${at} steps:1 size:64x64`);
      await page.keyboard.press('Enter');
      await seen(page, `lamp ${at}`, { exact: true }).first().waitFor();
    }
    await page.getByRole('button', { name: 'Recipe' }).nth(3).waitFor();
    const messages = page.getByRole('region', { name: 'Messages' });
    await messages.evaluate((box) => box.scrollTo(0, 0));
    await page.getByRole('button', { name: 'Jump to the newest' }).waitFor();

    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('menuitemradio', { name: 'Deutsch' }).click();
    await composer(page).fill('/queue');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    const answer = seen(page, /Niemand wartet|Warteschlange/).first();
    await answer.waitFor();
    const box = await answer.boundingBox();
    assert.ok(box !== null && box.y > 0 && box.y < 800, JSON.stringify(box));
  });
});

test(
  'the first sight: a finished sheet and pictures, and one press explores',
  { skip },
  async () => {
    await onStage(engine, {}, async (stage) => {
      const page = await openPage(stage);
      const sheet = page.getByRole('button', { name: /\/explore/ });
      for (const picture of await page.locator('.chip-picture').all()) {
        await picture.evaluate((one) => (one as { decode(): Promise<void> }).decode());
      }
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      assert.ok(wide <= 390, String(wide));
      await sheet.click();
      await seen(page, 'Picture 1').first().or(seen(page, /of 18/).first()).waitFor();
    });
  },
);
