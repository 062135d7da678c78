import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import { noBrowser as skip, openBrowser, seen } from '../support/chromium.ts';
import { patience } from '../support/machine/patience.ts';
import { startPageBot, type PageBot } from './page-bot.ts';

let playground: Playground;
let bot: PageBot;
let browser: Browser;
let tab: Page;

before(async () => {
  if (skip) return;
  // On a busy machine the bot may need longer than Discord's three seconds.
  playground = await startPlayground({
    port: 0,
    dataFile: ':memory:',
    timing: { firstResponse: 30_000 },
  });
  bot = await startPageBot(playground);
  browser = await openBrowser();
});
after(async () => {
  if (skip) return;
  await browser.close();
  await bot.stop();
  await playground.close();
});

const composer = (page: Page) => page.getByRole('combobox', { name: /^Message [#@“]/ });

async function openPage(size = { width: 1280, height: 800 }): Promise<Page> {
  const context = await browser.newContext({ viewport: size, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(patience(20_000));
  await page.goto(playground.url);
  await seen(page, 'Darkroom is ready').waitFor();
  return page;
}

/** The tab of those who leave nothing open in it. */
async function firstTab(): Promise<Page> {
  tab ??= await openPage();
  return tab;
}

/** Waits for the focus, since it comes back a moment after what had it is gone. */
async function hasFocus(target: Locator): Promise<void> {
  await target.and(target.page().locator(':focus')).waitFor();
}

async function paint(page: Page, prompt: string): Promise<Locator> {
  await composer(page).fill(`/imagine prompt:${prompt}`);
  await page.keyboard.press('Enter');
  const message = page.locator('.message', { hasText: prompt }).last();
  await message.getByRole('button', { name: 'Remix' }).waitFor();
  return message;
}

test('what closes gives the focus back to what opened it', { skip }, async () => {
  const page = await firstTab();
  const message = await paint(page, 'a focused lamp');
  const remix = message.getByRole('button', { name: 'Remix' });
  const dialog = page.getByRole('dialog', { name: 'Remix' });
  const closings: (() => Promise<void>)[] = [
    () => page.keyboard.press('Escape'),
    () => dialog.getByRole('button', { name: 'Cancel' }).press('Enter'),
    () => dialog.getByRole('button', { name: 'Close' }).press('Enter'),
    () => dialog.getByRole('button', { name: 'Submit' }).press('Enter'),
  ];
  for (const close of closings) {
    await remix.press('Enter');
    await hasFocus(dialog.getByLabel('Prompt'));
    await close();
    await dialog.waitFor({ state: 'detached' });
    await hasFocus(remix);
  }
  const tile = message.locator('.tile');
  for (const close of ['Escape', 'Enter']) {
    await tile.press('Enter');
    await hasFocus(page.getByRole('dialog', { name: 'Picture' }).getByLabel('Close'));
    await page.keyboard.press(close);
    await hasFocus(tile);
  }
  const more = message.getByRole('button', { name: 'More: copy, apps' });
  await more.press('Enter');
  await hasFocus(page.getByRole('menuitem', { name: 'Recipe' }));
  await page.keyboard.press('Escape');
  await hasFocus(more);
});

test('where a pressed button is gone the focus stays with what is left', { skip }, async () => {
  const page = await firstTab();
  await composer(page).fill('/words');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  const words = page.locator('.message', { hasText: 'A heading' });
  await words.getByRole('button', { name: 'Primary' }).press('Enter');
  await words.getByRole('button', { name: 'Primary' }).waitFor({ state: 'detached' });
  await hasFocus(words);
  const message = await paint(page, 'a lamp to lose');
  await message.getByRole('button', { name: 'Delete' }).press('Enter');
  await seen(page, 'a lamp to lose').first().waitFor({ state: 'detached' });
  await hasFocus(page.getByRole('region', { name: 'Messages' }));
});

test('what has come is said aloud, once it is whole', { skip }, async () => {
  const page = await firstTab();
  await paint(page, 'a lamp to hear of');
  const said = page.locator('[aria-live=polite]').getByText(/a lamp to hear of/);
  await said.waitFor({ state: 'attached' });
  assert.match((await said.textContent()) ?? '', /darkroom.*seed 42/i);
});

test('a select is opened, searched and chosen from with the keyboard alone', { skip }, async () => {
  const page = await firstTab();
  await composer(page).fill('/settings show');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  const last = (): unknown => bot.seen.findLast((one) => one['kind'] === 'select')?.['values'];

  const long = page.getByRole('combobox', { name: 'Schedules', exact: true });
  await long.press('ArrowDown');
  const search = page.getByRole('combobox', { name: 'Search: Schedules' });
  await hasFocus(search);
  await page.keyboard.type('exp');
  await page.keyboard.press('ArrowDown');
  assert.match(
    (await page
      .locator(`[id="${await search.getAttribute('aria-activedescendant')}"]`)
      .textContent()) ?? '',
    /polyexponential/,
  );
  await page.keyboard.press('Enter');
  await search.fill('kar');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await seen(page, 'Chosen: polyexponential, karras').waitFor();
  assert.deepEqual(last(), ['polyexponential', 'karras']);

  await composer(page).fill('/settings show');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  const fresh = page.locator('.message', { hasText: 'The defaults of this server.' });
  const short = fresh.getByRole('combobox', { name: 'Default sampler', exact: true });
  await short.press('ArrowUp');
  await page.getByRole('option', { name: /Euler/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('option').first().waitFor({ state: 'detached' });
  await hasFocus(short);
  await page.keyboard.press('ArrowDown');
  await page.getByRole('option', { name: /Euler/ }).waitFor();
  await page.keyboard.press('d');
  await page.keyboard.press('Enter');
  await seen(page, 'Chosen: dpmpp_2m').waitFor();
  assert.deepEqual(last(), ['dpmpp_2m']);
});

/** Name of what has the focus ('' at the end of the page), and whether a ring or a border shows it. */
const focused = `(() => {
  const at = document.activeElement;
  if (at === document.body) return ['', true];
  const own = at.getAttribute('aria-label') || at.textContent.trim().replace(/\\s+/g, ' ');
  const box = at.closest('.composer-line');
  const rest = box && getComputedStyle(document.querySelector('.banner, .head')).borderBottomColor;
  const style = getComputedStyle(box ?? at);
  return [own, box ? style.borderTopColor !== rest : style.outlineStyle === 'solid'];
})()`;

test(
  'every control is reached with Tab, in reading order, and shows that it is',
  { skip },
  async () => {
    const page = await firstTab();
    await paint(page, 'a lamp to reach');
    await page.evaluate('document.activeElement.blur()');
    // Once round: from the end of the page to its next end.
    const reached: string[] = [];
    let ends = 0;
    for (let i = 0; i < 300 && ends < 2; i++) {
      await page.keyboard.press('Tab');
      const [name, ring] = await page.evaluate<[string, boolean]>(focused);
      if (name === '') ends++;
      else if (ends === 1) reached.push(name);
      assert.ok(ring, `nothing shows that the focus is on “${name}”`);
    }
    const order = [
      'Direct messages',
      'The Atelier',
      'Night Shift',
      'general',
      'You are: Ada. Switch person',
      'Members',
      'Messages',
      '🎲Reroll',
      'Delete',
      'More: copy, apps',
      'Message #general. Type / for commands',
      'BBen',
    ];
    assert.deepEqual(
      order.filter((name) => !reached.includes(name)),
      [],
    );
    const places = order.map((name) => reached.lastIndexOf(name));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  },
);

test('on a narrow screen the drawer takes the keyboard and gives it back', { skip }, async () => {
  const page = await openPage({ width: 390, height: 800 });
  const menu = page.getByRole('button', { name: 'Servers and channels' });
  await menu.press('Enter');
  await hasFocus(page.getByRole('button', { name: 'general', exact: true }));
  assert.equal(await page.locator('main').getAttribute('inert'), '');
  await page.keyboard.press('Escape');
  await hasFocus(menu);
  assert.equal(await page.locator('main').getAttribute('inert'), null);
  await page.context().close();
});

/**
 * Every piece of text that can be seen, with its contrast against what lies behind it (WCAG 2.2, 1.4.3). Colours of
 * any notation are read back from a canvas; disabled controls and text over pictures are exempt.
 */
const measure = `(() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((value) => {
      const c = value / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = [];
  const walk = document.createTreeWalker(document.querySelector('dialog[open]') ?? document.body, 4);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const element = walk.currentNode.parentElement;
    if (!text || element.closest('script, style, :disabled, [aria-disabled=true], .unseen, .cover-word')) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const behind = ground(element);
    const colour = rgba(getComputedStyle(element).color);
    for (let at = element; at; at = at.parentElement) colour[3] *= Number(getComputedStyle(at).opacity);
    const [a, b] = [luminance(over(colour, behind)), luminance(behind)];
    found.push({ text: text.slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
  }
  return found;
})()`;

test('text stands out from what is behind it, in light and in dark', { skip }, async () => {
  const page = await firstTab();
  const weak: string[] = [];
  const look = async (what: string): Promise<void> => {
    const all = await page.evaluate<{ text: string; ratio: number }[]>(measure);
    assert.ok(all.length > 3, `only ${all.length} pieces of text in ${what}`);
    for (const { text, ratio } of all) {
      if (ratio < 4.5) weak.push(`${what}: “${text}” ${ratio.toFixed(2)}`);
    }
  };
  await paint(page, 'a bright lamp');
  await composer(page).fill('/words');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Primary' }).waitFor();
  await composer(page).fill('/settings show');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await seen(page, 'The defaults of this server.').waitFor();
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await look(`${scheme}, the channel`);
    await page.locator('.channel.here').hover();
    await page.getByRole('button', { name: /You are/ }).click();
    await look(`${scheme}, the people`);
    await page.keyboard.press('Escape');
    await composer(page).fill('/imagine steps:999');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await look(`${scheme}, a command`);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Remix' }).last().click();
    await page.getByRole('dialog').getByLabel('Prompt').fill('');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await look(`${scheme}, a modal`);
    await page.keyboard.press('Escape');
  }
  assert.deepEqual(weak, []);
});
