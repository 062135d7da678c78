import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { explorePictures } from '../../../src/cli/explore/explore-pictures.ts';
import { noBrowser, openBrowser } from '../../support/chromium.ts';
import { waitUntil } from '../../support/discord/messages.ts';
import { commandsOnOneEngine } from '../in-process.ts';

const root = path.join(import.meta.dirname, '../../..');
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-report-'));
const commands = commandsOnOneEngine({ DEVICE: 'cpu', MODELS_DIR: path.join(root, 'models') });
after(async () => {
  await commands.close();
  await rm(folder, { recursive: true, force: true });
});

const HOSTILE =
  '</script><script>document.title="run"</script><img src=x onerror=\'document.title="run"\'> "a" & \u2028 boat';
const prompts = path.join(folder, 'prompts.txt');
const out = path.join(folder, 'report');
const ARGS = [
  '--prompts',
  prompts,
  '--seeds',
  '2',
  '--x',
  'cfg:2,5',
  '--y',
  'steps:1,2,4',
  '--size',
  '64x64',
  '--report',
  out,
];

/** What the program does, without its start. */
const explore = (args: readonly string[]) => commands.run(explorePictures, args);

/** A program of its own, which can be killed. */
function start(args: readonly string[]) {
  const run = spawn(
    process.execPath,
    [path.join(root, 'scripts/run.cjs'), 'src/cli/explore.ts', ...args],
    {
      cwd: root,
      env: { ...process.env, DEVICE: 'cpu' },
      stdio: 'ignore',
    },
  );
  return { run, ended: once(run, 'exit') };
}

const notes = async (): Promise<string[]> => {
  const all = await readdir(path.join(out, 'cells'), { recursive: true }).catch(() => []);
  return all.filter((name) => name.endsWith('.json'));
};

before(async () => {
  await writeFile(prompts, `# two of them\na red heart\n${HOSTILE}\n`);
});

test('its cost is told beforehand, and nothing else is done where only that was asked', async () => {
  const { code, stderr, stdout } = await explore([...ARGS, '--cost']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /2 prompts x 2 x 3 x 2 seeds = 24 pictures, 14 steps/);
  assert.match(stderr, /About [\d.]+ s on this machine/);
  assert.equal(stdout, '');
  assert.equal(await stat(out).catch(() => null), null);
});

test('killed in the middle it goes on: no picture twice, the same seed, one page', async () => {
  const first = start(ARGS);
  await waitUntil(async () => (await notes()).length > 3, 'the first pictures', 60_000);
  first.run.kill('SIGKILL');
  await first.ended;
  const before = await notes();
  const dates = new Map<string, number>();
  for (const name of before) dates.set(name, (await stat(path.join(out, 'cells', name))).mtimeMs);
  const { code, stderr, stdout } = await explore(ARGS);
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`${before.length} of 24 pictures are there already`));
  assert.match(stdout, /index\.html.*figures\.csv.*figures\.json\n24 pictures in/);
  assert.equal((await notes()).length, 24);
  for (const [name, date] of dates)
    assert.equal((await stat(path.join(out, 'cells', name))).mtimeMs, date, name);
  const { cells } = JSON.parse(await readFile(path.join(out, 'figures.json'), 'utf8'));
  assert.equal(cells.length, 24);
  assert.equal(new Set(cells.map(({ seed }: { seed: string }) => seed)).size, 2);
  const csv = await readFile(path.join(out, 'figures.csv'), 'utf8');
  assert.equal(csv.trim().split('\r\n').length, 25);
  // A whole report is not painted again.
  const again = await explore(ARGS);
  assert.match(again.stderr, /24 of 24 pictures are there already/);
});

test('the page is one file: it loads nothing, forbids everything else, and holds words as data', async () => {
  const page = await readFile(path.join(out, 'index.html'), 'utf8');
  assert.match(
    page,
    /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'">/,
  );
  assert.doesNotMatch(page, /(?:src|href)\s*=\s*["']?(?:https?:)?\/\//i);
  assert.equal(page.match(/<script/g)?.length, 2);
  assert.ok(!page.includes('<img'));
});

test(
  'in a browser: tabs, hidden values, synced zoom, curves, files, notes',
  { skip: noBrowser },
  async () => {
    const browser = await openBrowser();
    try {
      for (const width of [1280, 390]) {
        const page = await browser.newPage({ viewport: { width, height: 844 } });
        const wrong: string[] = [];
        page.on('pageerror', (error) => wrong.push(String(error)));
        page.on('console', (message) => wrong.push(message.text()));
        page.on('request', (request) => {
          if (!/^(?:file|data|blob):/.test(request.url())) wrong.push(request.url());
        });
        await page.goto(pathToFileURL(path.join(out, 'index.html')).href);
        await page.getByRole('tab').nth(1).click();
        assert.equal(await page.locator('blockquote').textContent(), HOSTILE.trim());
        assert.match(await page.title(), /^2 prompts · cfg x steps x seed$/);
        assert.equal(await page.locator('.card img').count(), 12);
        const inside = await page.evaluate('document.documentElement.scrollWidth <= innerWidth');
        assert.ok(inside, `wider than its window of ${width}`);
        await page
          .getByRole('group', { name: 'cfg' })
          .getByRole('button', { name: '5', exact: true })
          .click();
        assert.equal(await page.locator('.card img').count(), 6);
        await page.locator('.pick').nth(0).click();
        await page.locator('.pick').nth(2).click();
        await page.getByRole('button', { name: 'Compare', exact: true }).click();
        const panes = page.locator('.frame img');
        assert.equal(await panes.count(), 2);
        await page.getByRole('button', { name: 'Larger' }).click();
        await page.locator('.frame').first().hover();
        await page.mouse.wheel(0, -300);
        const places = await panes.evaluateAll((images) =>
          images.map((image) => `${image.style.width} ${image.style.transform}`),
        );
        assert.equal(places[0], places[1]);
        assert.match(places[0] ?? '', /^\d/);
        await page.keyboard.press('Escape');
        assert.equal(await page.locator('.plot polyline').count(), 2);
        assert.match((await page.locator('.legend').textContent()) ?? '', /cfg 2: .*cfg 5: /);
        await page.getByLabel('Show').selectOption('list');
        assert.equal(await page.locator('.list .card').count(), 6);
        for (const [name, file] of [
          ['Save as CSV', 'figures.csv'],
          ['Save as JSON', 'figures.json'],
        ] as const) {
          const [download] = await Promise.all([
            page.waitForEvent('download'),
            page.getByRole('button', { name }).click(),
          ]);
          const saved = await readFile(await download.path(), 'utf8');
          const written = await readFile(path.join(out, file), 'utf8');
          if (name === 'Save as CSV') assert.equal(saved, written);
          else assert.equal(JSON.parse(saved).cells.length, 24);
        }
        await page.getByRole('textbox', { name: 'Notes' }).fill('the second </script> one');
        const [kept] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Save the page with its notes' }).click(),
        ]);
        const copy = path.join(folder, `kept-${width}.html`);
        await kept.saveAs(copy);
        const second = await browser.newPage();
        await second.goto(pathToFileURL(copy).href);
        await second.getByRole('tab').nth(1).click();
        assert.equal(await second.getByRole('textbox').inputValue(), 'the second </script> one');
        assert.equal(await second.locator('.card img').count(), 12);
        assert.deepEqual(wrong, []);
        await second.close();
        await page.close();
      }
    } finally {
      await browser.close();
    }
  },
);

test('what cannot be: a sentence, and no folder', async () => {
  const bad: readonly [string[], RegExp][] = [
    [
      ['--prompts', path.join(folder, 'none.txt'), '--x', 'cfg:1,2', '--report', `${out}2`],
      /none\.txt cannot be read \(ENOENT\)/,
    ],
    [['--prompts', prompts, '--report', `${out}2`], /needs --x AXIS:LIST/],
    [
      ['--prompts', prompts, '--x', 'cfg:1,2', '--seeds', '0', '--report', `${out}2`],
      /--seeds takes a whole number/,
    ],
  ];
  for (const [args, words] of bad) {
    const { code, stderr } = await explore(args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, words);
  }
  assert.equal(await stat(`${out}2`).catch(() => null), null);
});
