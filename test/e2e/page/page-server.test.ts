import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Engine } from '../../../src/engine/engine.ts';
import { noBrowser as skip, openBrowser, seen } from '../../support/chromium.ts';
import { waitUntil } from '../../support/discord/messages.ts';
import { openEngine } from '../../support/engine.ts';
import { openStage } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';
import { patience } from '../../support/machine/patience.ts';

const ATELIER = '1300000000000001000';
const SUPPORTER = '1300000000000001002';

let engine: Engine;
let browser: Browser;
let stage: Stage;
/** Two tabs for all, of Ada and of somebody else: to load the page is more work than what is done on it. */
let page: Page;
let other: Page;
before(async () => {
  if (skip) return;
  engine = await openEngine();
  browser = await openBrowser();
  stage = await openStage(engine);
  [page, other] = [await openPage(), await openPage()];
});
after(async () => {
  if (skip) return;
  await browser.close();
  await stage.close();
  await engine.close();
});

async function openPage(): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(patience(30_000));
  await page.goto(stage.playground.url);
  await seen(page, 'Darkroom is ready').waitFor();
  return page;
}

/** The page as this person has it, in the first channel. */
async function as(person: string, page: Page): Promise<Page> {
  await page.getByRole('button', { name: /^You are/ }).click();
  await page.getByRole('menuitemradio', { name: new RegExp(`^\\W*\\w*\\s*${person}`) }).click();
  await page.getByRole('button', { name: `You are: ${person}` }).waitFor();
  await page.getByRole('button', { name: 'The Atelier' }).click();
  await page.getByRole('button', { name: /^general/ }).click();
  return page;
}

/** The flag is an entry of the menu, for who may set it. */
async function toggleAge(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Age-restricted channel (18+)' }).click();
}

async function ageEntries(page: Page): Promise<number> {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('menu', { name: 'Settings' }).waitFor();
  const count = await page.getByRole('menuitemcheckbox', { name: /Age-restricted/ }).count();
  await page.keyboard.press('Escape');
  return count;
}

const composer = (page: Page) => page.getByRole('combobox', { name: /^Message [#@“]/ });

async function imagine(page: Page, line: string): Promise<void> {
  await composer(page).fill(`/imagine prompt:${line} steps:1`);
  await page.keyboard.press('Enter');
}

const accepted = async (stage: Stage): Promise<number> =>
  (await stage.queue.archive.recent({ limit: 99 })).length;

test('the bot follows the age flag that a manager sets on the page', { skip }, async () => {
  await as('Ada', page);
  await imagine(page, 'a nude statue');
  await seen(page, 'is only for channels').waitFor();
  assert.equal(await accepted(stage), 0);

  await toggleAge(page);
  const here = page.getByRole('button', { name: /^general/ });
  await here.getByText('18+').waitFor();
  await imagine(page, 'a nude statue');
  await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
  await page.getByRole('button', { name: /^sketches/ }).click();
  await page.getByRole('heading', { name: 'Welcome to sketches' }).waitFor();
  assert.equal(await ageEntries(page), 0);
  await imagine(page, 'a nude statue');
  await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
  assert.equal(await accepted(stage), 2);

  await here.click();
  await toggleAge(page);
  await here.getByText('18+').waitFor({ state: 'detached' });
  await seen(page, 'is only for channels').waitFor();
  await imagine(page, 'a nude statue');
  await seen(page, 'is only for channels').nth(1).waitFor();
  assert.equal(await accepted(stage), 2);

  const member = await as('Cleo', other);
  await member.getByRole('button', { name: /^after-dark/ }).click();
  await member.locator('.head').getByText('18+').waitFor();
  assert.equal(await ageEntries(member), 0);
});

test('the bot follows the roles that are given and taken on the page', { skip }, async () => {
  await stage.settings.changePolicy(ATELIER, { allowedRoles: [SUPPORTER] });
  const [ada, ben] = [await as('Ada', page), await as('Ben', other)];
  const before = await accepted(stage);
  await imagine(ben, 'a boat');
  await seen(ben, 'Only you can see this').waitFor();
  assert.equal(await accepted(stage), before);

  const people = ada.getByRole('complementary', { name: 'Members' });
  await people.getByRole('button', { name: /Ben/ }).click();
  const card = ada.getByRole('dialog', { name: 'Ben' });
  await card.getByRole('checkbox', { name: 'Supporter' }).check();
  const supporters = people.getByRole('region', { name: 'Supporter' });
  await supporters.getByRole('button', { name: /Ben/ }).waitFor();
  await ben.getByRole('button', { name: 'You are: Ben' }).getByText('Supporter').waitFor();
  await imagine(ben, 'a boat');
  await waitUntil(async () => (await accepted(stage)) === before + 1, 'accepted');

  await composer(ben).fill('/settings');
  await seen(ben, 'No command matches').waitFor();
  await card.getByRole('checkbox', { name: 'Manager' }).check();
  await ben.getByRole('option', { name: /\/settings show/ }).waitFor();
  await card.getByRole('checkbox', { name: 'Manager' }).uncheck();
  await seen(ben, 'No command matches').waitFor();
  await ada.keyboard.press('Escape');
  await card.waitFor({ state: 'detached' });
  await stage.settings.changePolicy(ATELIER, { allowedRoles: [] });
});

test('who is made a moderator on the page may delete what others asked for', { skip }, async () => {
  const [ada, cleo] = [await as('Ada', page), await as('Cleo', other)];
  await imagine(ada, 'a lamp to delete');
  const picture = cleo.locator('.message', { hasText: 'a lamp to delete' });
  const remove = picture.getByRole('button', { name: 'Delete', exact: true });
  await remove.click();
  await seen(cleo, 'Only the person who asked for this picture').waitFor();
  assert.equal(await picture.count(), 1);

  const people = ada.getByRole('complementary', { name: 'Members' });
  await people.getByRole('button', { name: /Cleo/ }).click();
  await ada.getByRole('dialog', { name: 'Cleo' }).getByLabel('Manager').check();
  await cleo.getByRole('button', { name: 'You are: Cleo' }).getByText('Manages').waitFor();
  await remove.click();
  await cleo.getByRole('dialog').getByRole('button', { name: 'Submit' }).click();
  await picture.waitFor({ state: 'detached' });
  await ada.locator('.message', { hasText: 'a lamp to delete' }).waitFor({ state: 'detached' });
});

test(
  'the owner’s page: a channel and a server go, and a new server waits for a yes',
  { skip },
  async () => {
    await as('Ada', page);
    const choose = async (...words: string[]) => {
      await page.getByRole('button', { name: 'Settings' }).click();
      for (const name of words) await page.getByRole('menuitem', { name }).click();
    };
    await imagine(page, 'a barge');
    const barge = page.locator('.message', { hasText: 'a barge' });
    await barge.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
    await choose('Delete this channel', 'Really delete #general');
    await page.getByRole('heading', { name: 'Welcome to #gallery' }).waitFor();
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    const isGone = async () => (await stage.queue.archive.get(job!.id))?.retractedAt != null;
    await waitUntil(isGone, 'noted');

    await choose('New server, with the bot');
    await page.getByRole('button', { name: 'New server', exact: true }).click();
    await imagine(page, 'a boat');
    await seen(page, 'waits for the yes').waitFor();
    await page.getByRole('button', { name: 'Direct messages' }).click();
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await seen(page, 'may use the bot from now on').waitFor();
    await composer(page).fill('/owner overview');
    await page.keyboard.press('Enter');
    await seen(page, 'Enter sends').waitFor();
    await page.keyboard.press('Enter');
    await seen(page, '3 may use the bot').waitFor();
    await page.getByRole('button', { name: 'New server', exact: true }).click();
    await imagine(page, 'a boat');
    await page.getByRole('button', { name: 'Enlarge 2x', exact: true }).waitFor();
    await choose('Delete this server', 'Really delete New server');
    await page
      .getByRole('button', { name: 'New server', exact: true })
      .waitFor({ state: 'detached' });
  },
);
