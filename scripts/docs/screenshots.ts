/**
 * `npm run screenshots`: the README's pictures of the playground, taken from the running program in headless
 * Chromium (CHROMIUM or /usr/bin/chromium).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { chromium, type Page } from 'playwright-core';
import sharp from 'sharp';

const root = path.join(import.meta.dirname, '../..');
const images = path.join(root, 'docs/images');
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'].concat([
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]);

async function startProgram(folder: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const program = spawn(process.execPath, [path.join(root, 'scripts/run.cjs'), 'src/main.ts'], {
    env: {
      ...process.env,
      DISCORD_TOKEN: '',
      DATA_DIR: folder,
      PLAYGROUND_PORT: '0',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async () => {
    program.kill('SIGTERM');
    if (program.exitCode === null) await once(program, 'exit');
  };
  for await (const chunk of program.stdout) {
    const url = /playground: (http:\S+)/.exec(String(chunk))?.[1];
    if (url !== undefined) return { url, stop };
  }
  throw new Error('the program ended before it was ready');
}

async function imagine(page: Page, line: string, finished: number): Promise<void> {
  await page.getByText('is ready').waitFor();
  await page.getByRole('combobox', { name: /^Message #/ }).click();
  await page.keyboard.type(`/imagine ${line}`);
  await page.keyboard.press('Enter');
  await page
    .getByRole('button', { name: 'Reroll' })
    .nth(finished - 1)
    .waitFor({ timeout: 60_000 });
}

async function save(page: Page, name: string): Promise<void> {
  const png = await page.screenshot();
  await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(path.join(images, name));
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-screenshots-'));
await mkdir(images, { recursive: true });
const program = await startProgram(folder);
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: QUIET,
});
try {
  // The first sight on a phone, before anybody has painted.
  const narrow = await browser.newPage({
    viewport: { width: 390, height: 844 },
    colorScheme: 'light',
  });
  await narrow.goto(program.url);
  await narrow.getByText('is ready').waitFor({ state: 'attached' });
  await narrow.waitForTimeout(1500);
  await save(narrow, 'playground-phone.png');

  const page = await browser.newPage({
    viewport: { width: 1200, height: 1000 },
    colorScheme: 'dark',
  });
  await page.goto(program.url);
  await imagine(page, 'prompt:an orange fox in the snow count:4 seed:11', 1);
  await page.waitForTimeout(1500);
  await save(page, 'playground.png');
} finally {
  await browser.close();
  await program.stop();
  await rm(folder, { recursive: true, force: true });
}
