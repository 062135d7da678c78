import { existsSync } from 'node:fs';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';

const found = ['/usr/bin/chromium', process.env['CHROMIUM'] ?? ''].find((path) => existsSync(path));

/** What `test` takes as `skip`: tests in a real browser need one on this machine. */
export const noBrowser = found
  ? false
  : 'no Chromium at /usr/bin/chromium; set CHROMIUM to its path to try the page in a browser';

/**
 * Features in place of Playwright's own list of them: what asks other servers, and the pages that an address bar nobody
 * sees draws its suggestions with, anew at every address: more work than most pages under test.
 */
const WITHOUT = [
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxPopup',
];

/** Headless, and quiet on the network. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: found ?? '',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disable-features=${WITHOUT.join(',')}`,
    ],
  });
}

/** An element with these words that is seen: what is read out to those who cannot see the page repeats the newest. */
export function seen(page: Page, words: string | RegExp, options?: { exact: boolean }): Locator {
  return page.getByText(words, options).and(page.locator(':not(.unseen)'));
}

/** The form that `Reimagine` opens on a picture that somebody posted, or the button where reading it took long. */
export async function formShown(page: Page): Promise<Locator> {
  const form = page.getByRole('dialog');
  const opener = page.getByRole('button', { name: 'Open the form' });
  await form.or(opener).waitFor();
  if (await opener.isVisible()) await opener.click();
  return form;
}
