import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import { noBrowser as skip, openBrowser, seen } from '../support/chromium.ts';
import { patience } from '../support/machine/patience.ts';
import { picture, startPageBot, type PageBot } from './page-bot.ts';

let playground: Playground;
let bot: PageBot;
let browser: Browser;
let tab: Page;
let second: Page;
const complaints: string[] = [];

before(async () => {
  if (skip) return;
  playground = await startPlayground({
    port: 0,
    dataFile: ':memory:',
    timing: { firstResponse: patience(800) },
  });
  browser = await openBrowser();
});
after(async () => {
  if (skip) return;
  await browser.close();
  await bot?.stop();
  await playground.close();
});

async function openPage(url = playground.url): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patience(10_000));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  await page.goto(url);
  await seen(page, 'You are:').waitFor({ state: 'attached' });
  return page;
}

/** The tab of those who leave it as they found it: in its first channel, as Ada, nothing open or half written. */
async function firstTab(): Promise<Page> {
  tab ??= await openPage();
  return tab;
}

/** The tab of those who change its colours and its size. */
async function secondTab(): Promise<Page> {
  second ??= await openPage();
  return second;
}

const composer = (page: Page) => page.getByRole('combobox', { name: /^Message [#@“]/ });
const lastCommand = (): unknown =>
  bot.seen.findLast((one) => one['kind'] === 'command')?.['options'];

test('while the bot is away the page says so, and wakes up with it', { skip }, async () => {
  const page = await firstTab();
  await seen(page, 'Darkroom is starting…').waitFor();
  await seen(page, 'is waking up').waitFor();
  const chip = page.getByRole('button', { name: /a red heart on a white background/ });
  assert.equal(await chip.isDisabled(), true);
  bot = await startPageBot(playground);
  await seen(page, 'Darkroom is ready').waitFor();
  await chip.click();
  await page.getByRole('button', { name: 'Reroll' }).waitFor();
  assert.deepEqual(lastCommand(), { prompt: 'a red heart on a white background' });
  const used = page.locator('.used').first();
  assert.match(
    (await used.textContent()) ?? '',
    /Ada\s*used\s*\/imagine\s*prompt a red heart on a white/,
  );
  assert.equal(
    await page.locator('.gallery img').getAttribute('alt'),
    'AI-generated image: a red heart on a white background',
  );
});

test('a command is filled in with the keyboard alone', { skip }, async () => {
  const page = await firstTab();
  await composer(page).focus();
  await page.keyboard.type('/im');
  await page.getByRole('option', { name: /\/imagine/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('“prompt” is required.').waitFor();
  await page.keyboard.type('a green tree');
  await page.keyboard.press('Tab');
  await page.keyboard.type('steps:');
  await page.keyboard.type('99');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('“steps” must be from 1 to 50, this is 99.').waitFor();
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Tab');
  await page.keyboard.type('sam');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.type('model');
  await page.keyboard.press('Enter');
  await page.keyboard.type('dre');
  await page.getByRole('option', { name: 'Model dreamy' }).waitFor();
  await page.getByRole('option').nth(1).waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await page.keyboard.type('cfg ');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await seen(page, '/imagine').last().waitFor();
  await composer(page).waitFor();
  await seen(page, 'a green tree', { exact: true }).waitFor();
  assert.deepEqual(lastCommand(), {
    prompt: 'a green tree',
    steps: 9,
    sampler: 'dpmpp_2m',
    model: 'dreamy',
  });
  await composer(page).focus();
  await page.keyboard.type('/imagine prompt:one two steps:3');
  await page.keyboard.press('Escape');
  assert.equal(await composer(page).inputValue(), '');
});

test('a pasted line becomes pills and is sent with Enter', { skip }, async () => {
  const page = await firstTab();
  await composer(page).fill('/imagine prompt:a red cat steps:20 count:4');
  assert.equal(await page.getByRole('combobox', { name: 'prompt' }).inputValue(), 'a red cat');
  await page.keyboard.press('Enter');
  await seen(page, 'a red cat', { exact: true }).waitFor();
  assert.deepEqual(lastCommand(), { prompt: 'a red cat', steps: 20, count: 4 });
  const tiles = page.locator('.message').last().locator('.tile');
  await tiles.nth(3).locator('img').waitFor();
  await tiles.nth(1).click();
  const lightbox = page.getByRole('dialog', { name: 'Picture' });
  await lightbox.getByText('2 of 4').waitFor();
  await page.keyboard.press('ArrowRight');
  await lightbox.getByText('3 of 4').waitFor();
  await page.keyboard.press('Escape');
  await lightbox.waitFor({ state: 'detached' });
});

test(
  'a picture that is edited several times a second never leaves the page',
  { skip },
  async () => {
    const page = await firstTab();
    await composer(page).fill('/imagine prompt:steady picture');
    // Samples every frame, from the first picture on, whether the message has a loaded picture in it.
    await page.evaluate(`
    window.gaps = 0; window.sources = new Set();
    const look = () => {
      const all = document.querySelectorAll('.message');
      const img = all[all.length - 1].querySelector('.tile img');
      const mine = all[all.length - 1].textContent.includes('steady picture');
      if (mine && img) window.sources.add(img.currentSrc);
      if (mine && window.sources.size > 0 && !(img && img.complete && img.naturalWidth > 0)) window.gaps++;
      if (!window.seen) requestAnimationFrame(look);
    };
    look();
  `);
    await page.keyboard.press('Enter');
    await page.locator('.message').last().getByRole('button', { name: 'Reroll' }).waitFor();
    await page.waitForTimeout(300);
    await page.evaluate('window.seen = true');
    assert.equal(await page.evaluate('window.gaps'), 0);
    assert.ok(Number(await page.evaluate('window.sources.size')) >= 1);
    const gone = await page.evaluate(
      `(() => { const m = document.querySelector('.messages'); return m.scrollHeight - m.scrollTop - m.clientHeight; })()`,
    );
    assert.ok(Number(gone) < 5, `the newest is ${String(gone)} px below the fold`);
  },
);

test('a file is uploaded into a command and into a modal', { skip }, async () => {
  const page = await firstTab();
  await composer(page).fill('/imagine prompt:from a file');
  await page.keyboard.type('init');
  await page.keyboard.press('Enter');
  const file = { name: 'start.png', mimeType: 'image/png', buffer: await picture(10, 32) };
  await page.locator('.pill input[type=file]').setInputFiles(file);
  await page.getByRole('button', { name: 'start.png', exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await seen(page, 'from a file', { exact: true }).waitFor();
  assert.deepEqual(lastCommand(), { prompt: 'from a file', init: 'start.png' });

  await page.getByRole('button', { name: 'Remix' }).last().click();
  const modal = page.getByRole('dialog', { name: 'Remix' });
  await modal.getByLabel('Prompt').fill('x'.repeat(61));
  await modal.getByRole('button', { name: 'Submit' }).click();
  await modal.getByText('At most 60 characters, this is 61.').waitFor();
  await modal.getByLabel('Prompt').fill('a blue heart');
  await modal.getByRole('combobox', { name: 'Sampler' }).click();
  await modal.getByRole('option', { name: 'Heun' }).click();
  await modal.locator('input[type=file]').setInputFiles(file);
  await modal.getByText('start.png').waitFor();
  await modal.getByLabel('Strong').check();
  await modal.getByRole('button', { name: 'Submit' }).click();
  await seen(page, 'Remixed: a blue heart').waitFor();
  await modal.waitFor({ state: 'detached' });
  assert.deepEqual(bot.seen.at(-1), {
    kind: 'modal',
    prompt: 'a blue heart',
    seed: '',
    sampler: ['heun'],
    strength: 'strong',
    files: ['start.png'],
  });
});

test('buttons, failures, selects, message commands and ephemeral messages', { skip }, async () => {
  const page = await firstTab();
  await page.getByRole('button', { name: 'Vary' }).last().click();
  const only = page.locator('.message', { hasText: 'A variation is on its way.' });
  await only.getByText('Only you can see this').waitFor();
  await only.getByRole('button', { name: 'Dismiss message' }).click();
  await only.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Reroll' }).last().click();
  await page
    .getByRole('alert')
    .getByText(/did not respond|interaction failed/i)
    .waitFor();

  await composer(page).fill('/silent');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await seen(page, 'The application did not respond').last().waitFor();

  await composer(page).fill('/settings show');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByRole('combobox', { name: 'Default sampler' }).click();
  await page.getByRole('option', { name: /DPM\+\+ 2M/ }).click();
  await seen(page, 'Chosen: dpmpp_2m').waitFor();

  await page.locator('.message', { hasText: 'Remixed' }).first().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Recipe' }).click();
  await seen(page, 'Steps: 20, Seed: 42').waitFor();
});

test(
  'markdown, embed, file and buttons; text of others never becomes markup',
  { skip },
  async () => {
    const page = await firstTab();
    await composer(page).fill('/words');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    const message = page.locator('.message', { hasText: 'A heading' });
    await message.getByText('recipe.txt').waitFor();
    assert.equal(await message.locator('img').count(), 0);
    assert.match(
      (await message.locator('blockquote').textContent()) ?? '',
      /<img src=x onerror=alert\(1\)> \*not italic\*/,
    );
    assert.equal(await message.locator('strong').first().textContent(), 'bold');
    await message.getByRole('button', { name: 'Spoiler: show' }).click();
    await message.getByText('secret').waitFor();
    assert.match(
      (await message.locator('time.timestamp-mark').textContent()) ?? '',
      /in \d+ (minute|second)/,
    );
    assert.equal(await message.getByRole('button', { name: 'Danger' }).isDisabled(), true);
    assert.equal(
      await message.getByRole('link', { name: 'Docs' }).getAttribute('rel'),
      'noopener noreferrer',
    );
  },
);

test(
  'another person sees their own commands and nothing meant for the first',
  { skip },
  async () => {
    const page = await openPage();
    await composer(page).fill('/imagine prompt:for me alone private:true');
    await page.keyboard.press('Enter');
    await seen(page, 'for me alone', { exact: true }).waitFor();
    await page.getByRole('button', { name: /You are: Ada/ }).click();
    await page.getByRole('menuitemradio', { name: /Cleo/ }).click();
    await page.getByRole('button', { name: /You are: Cleo/ }).waitFor();
    await seen(page, 'a green tree', { exact: true }).waitFor();
    assert.equal(await seen(page, 'for me alone').count(), 0);
    await composer(page).fill('/settings');
    await seen(page, 'No command matches').waitFor();
    await composer(page).fill('');
    await page.getByRole('button', { name: 'Night Shift' }).click();
    await page.getByRole('heading', { name: 'Night Shift' }).waitFor();
    await seen(page, 'Welcome to #general').waitFor();
    assert.equal(await seen(page, 'a green tree').count(), 0);
    await page.reload();
    await page.getByRole('button', { name: /You are: Cleo/ }).waitFor();
    await page.getByRole('heading', { name: 'Night Shift' }).waitFor();
    await page.context().close();
  },
);

test('the direct messages with the bot work like a channel', { skip }, async () => {
  const page = await firstTab();
  await page.getByRole('button', { name: 'Direct messages' }).click();
  await page.getByRole('button', { name: /an orange fox in the snow/ }).click();
  await page.getByRole('button', { name: 'Reroll' }).waitFor();
  assert.deepEqual(lastCommand(), { prompt: 'an orange fox in the snow' });
  await page.getByRole('button', { name: 'The Atelier' }).click();
  await seen(page, 'a green tree', { exact: true }).waitFor();
});

test(
  'typing option names with a colon fills them, choices by their value too',
  { skip },
  async () => {
    const page = await firstTab();
    await composer(page).focus();
    await page.keyboard.type('/imagine prompt:typed by hand sampler:euler steps:7');
    await page.keyboard.press('Enter');
    await seen(page, 'typed by hand', { exact: true }).waitFor();
    assert.deepEqual(lastCommand(), { prompt: 'typed by hand', sampler: 'euler', steps: 7 });
  },
);

test('plain text says politely what works here', { skip }, async () => {
  const page = await firstTab();
  await composer(page).fill('hello there');
  await page.keyboard.press('Enter');
  await seen(page, 'Only slash commands do something here').waitFor();
  await page.locator('.message', { hasText: 'hello there' }).waitFor();
});

test('light and dark: by the system, then by choice, and it is remembered', { skip }, async () => {
  const page = await secondTab();
  const ground = (): Promise<string> =>
    page.evaluate('getComputedStyle(document.querySelector("main")).backgroundColor');
  await page.emulateMedia({ colorScheme: 'light' });
  const entry = async (theme: string) => {
    await page.getByRole('button', { name: 'Settings' }).click();
    return page.getByRole('menuitem', { name: `Switch to the ${theme} theme` });
  };
  const light = await ground();
  await (await entry('dark')).click();
  // the button's name changes a frame before the colours have faded over
  for (let tries = 0; tries < 100 && (await ground()) === light; tries++)
    await page.waitForTimeout(30);
  await page.waitForTimeout(300);
  const dark = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await (await entry('light')).waitFor();
  assert.equal(await ground(), dark);
});

test(
  'at 360 px nothing is wider than the screen and the servers are in a drawer',
  { skip },
  async () => {
    const page = await secondTab();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole('button', { name: 'Reroll' }).last().waitFor();
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    assert.equal(wide, 360);
    const rail = page.getByRole('navigation', { name: 'Servers' });
    assert.equal(await rail.isVisible(), false);
    await page.getByRole('button', { name: 'Servers and channels' }).click();
    await rail.waitFor({ state: 'visible' });
    await page.getByRole('button', { name: 'gallery' }).click();
    await rail.waitFor({ state: 'hidden' });
    await seen(page, 'Welcome to #gallery').waitFor();
  },
);

test('a window drawn narrow hides the members, who would lie over the chat', { skip }, async () => {
  const page = await openPage();
  const members = page.getByRole('complementary', { name: 'Members' });
  await members.waitFor();
  await page.setViewportSize({ width: 1010, height: 800 });
  assert.equal(await members.isVisible(), true, 'there is room for both');
  await page.setViewportSize({ width: 390, height: 800 });
  await members.waitFor({ state: 'detached' });
  await composer(page).click();
  await page.getByRole('button', { name: 'Members' }).click();
  await members.waitFor();
  await page.context().close();
});

test('the page says when the bot goes away, and when it is back', { skip }, async () => {
  const page = await firstTab();
  await bot.stop();
  await seen(page, 'Darkroom is coming back…').waitFor();
  await composer(page).fill('/imagine prompt:too early');
  await page.keyboard.press('Enter');
  await seen(page, 'Darkroom is not ready yet').waitFor();
  bot = await startPageBot(playground);
  await seen(page, 'Darkroom is ready').waitFor();
  await page.keyboard.press('Enter');
  await seen(page, 'too early', { exact: true }).waitFor();
});

test('nothing was written to the console as an error', { skip }, () => {
  assert.deepEqual(complaints, []);
});

test(
  'a greeting that comes before the first drawing is finished is not missed',
  { skip },
  async () => {
    const page = await (await browser.newContext()).newPage();
    // Effects wait for a frame or a short timer: as late as on a very busy machine.
    await page.addInitScript(`
    const frame = requestAnimationFrame, later = setTimeout;
    window.requestAnimationFrame = (work) => later(() => frame(work), 2000);
    window.setTimeout = (work, ms, ...rest) => later(work, Math.max(2000, ms ?? 0), ...rest);
  `);
    await page.goto(playground.url);
    await seen(page, 'Welcome to #general').waitFor();
    await page.context().close();
  },
);

test(
  'after the server was gone the page is as it was, with what came meanwhile',
  { skip },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'playground-'));
    const dataFile = path.join(folder, 'playground.db');
    let server = await startPlayground({ port: 0, dataFile });
    const port = Number(new URL(server.url).port);
    try {
      let own = await startPageBot(server);
      const page = await openPage(server.url);
      await page.getByRole('button', { name: /You are: Ada/ }).click();
      await page.getByRole('menuitemradio', { name: /Cleo/ }).click();
      await page.getByRole('button', { name: /You are: Cleo/ }).waitFor();
      await composer(page).fill('/imagine prompt:before the break');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Reroll' }).waitFor();
      await composer(page).fill('/imagine prompt:half written');
      const { token } = server;
      await own.stop();
      await server.close();
      const gone = seen(page, 'The connection to the playground is gone');
      await gone.waitFor();
      await page.keyboard.press('Enter');
      await seen(page, 'Your command stays here').waitFor();
      await page.getByRole('button', { name: 'Reroll' }).press('Enter');
      await seen(page, 'The connection is down at the moment').waitFor();

      server = await startPlayground({ port, dataFile });
      const sent = await fetch(`${server.apiBase}/v10/channels/1300000000000001101/messages`, {
        method: 'POST',
        headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ content: 'said while you were away' }),
      });
      assert.equal(sent.status, 200);
      own = await startPageBot(server);
      await gone.waitFor({ state: 'detached' });
      await seen(page, 'Darkroom is ready').waitFor();
      await seen(page, 'said while you were away').waitFor();
      await seen(page, 'before the break', { exact: true }).waitFor();
      await page.getByRole('button', { name: /You are: Cleo/ }).waitFor();
      const half = page.getByRole('combobox', { name: 'prompt' });
      assert.equal(await half.inputValue(), 'half written');
      await half.press('Enter');
      await page.getByRole('button', { name: 'Reroll' }).nth(1).waitFor();
      assert.equal(own.seen.at(-1)?.['user'], '1200000000000000003');
      await page.context().close();
      await own.stop();
    } finally {
      // It may be down already.
      await Promise.allSettled([server.close()]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);
