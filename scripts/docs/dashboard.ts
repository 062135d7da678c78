/**
 * `npm run -s docs:dashboard [-- MINUTES]`: the picture of docs/grafana-dashboard.json in docs/operate.md. The program is
 * run with people who order in the playground, a real Prometheus scrapes it, and each panel's own queries are asked of
 * that. Grafana does not draw it: this script does, in headless Chromium. Needs `prometheus` (PROMETHEUS) and Chromium.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { startPlayground } from '../../playground/playground.ts';
import { openBrowser } from '../../test/support/chromium.ts';
import { connectUser } from '../../test/support/discord/playground-user.ts';
import { drawDashboard, type Dashboard, type Series } from './dashboard/draw.ts';

const root = path.join(import.meta.dirname, '../..');
const SCRAPE_S = 2;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** People of several minds for so many minutes: bursts and pauses, and a Discord that is asked too much. */
async function order(playground: Awaited<ReturnType<typeof startPlayground>>, until: number) {
  const [ada, ben, cleo] = await Promise.all(
    ['1200000000000000001', '1200000000000000002', '1200000000000000003'].map((id) =>
      connectUser(playground, id),
    ),
  );
  for (let round = 0; Date.now() < until; round++) {
    const large = { prompt: 'a fox in the snow', steps: 60, size: '256x256' };
    if (round % 3 === 0) for (let i = 0; i < 3; i++) await ada?.command('imagine', large);
    await ben?.command('imagine', { prompt: 'a red heart', steps: 20 + (round % 5) * 10 });
    await cleo?.command('imagine', { prompt: 'a boat', count: 4, steps: 12 });
    if (round % 4 === 2) {
      playground.faults.add({ match: { method: 'PATCH' }, answer: 429, times: 2, retryAfter: 0.5 });
    }
    await sleep(2500 + (round % 4) * 2500);
  }
  await Promise.all([ada, ben, cleo].map((one) => one?.close()));
}

async function ask(port: number, expr: string, from: number, to: number): Promise<Series[]> {
  const query = expr
    .replaceAll('$__rate_interval', '30s')
    .replaceAll('$__range', `${Math.round(to - from)}s`)
    .replaceAll('$job', 'darkroom');
  const asked = new URLSearchParams({ query, start: `${from}`, end: `${to}`, step: `${SCRAPE_S}` });
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query_range?${asked}`);
  const { data, error } = (await answer.json()) as {
    error?: string;
    data?: { result: { metric: Record<string, string>; values: [number, string][] }[] };
  };
  if (data === undefined) throw new Error(`${query}: ${error}`);
  return data.result.map(({ metric, values }) => ({
    labels: metric,
    points: values.map(([at, value]) => ({ at, value: Number(value) })),
  }));
}

const minutes = Number(process.argv[2] ?? 5);
const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-dashboard-'));
const children: ChildProcess[] = [];
const playground = await startPlayground({ port: 0, dataFile: ':memory:' });
try {
  const [metrics, prometheus] = [await freePort(), await freePort()];
  const config = `scrape_configs: [{job_name: darkroom, scrape_interval: ${SCRAPE_S}s, static_configs: [{targets: ['127.0.0.1:${metrics}']}]}]`;
  await writeFile(path.join(folder, 'prometheus.yml'), config);
  children.push(
    spawn(process.execPath, [path.join(root, 'scripts/run.cjs'), 'src/main.ts'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        DISCORD_TOKEN: playground.token,
        DISCORD_API_BASE: playground.apiBase,
        DATA_DIR: path.join(folder, 'data'),
        MODELS_DIR: path.join(root, 'models'),
        METRICS_PORT: String(metrics),
        ENGINE_ISOLATION: 'process',
        QUEUE_PER_USER: '50',
        LOG_LEVEL: 'error',
      },
    }),
    spawn(
      process.env['PROMETHEUS'] ?? 'prometheus',
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${prometheus}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    ),
  );
  await sleep(6000);
  const from = Date.now() / 1000;
  await order(playground, Date.now() + minutes * 60_000);
  const to = Date.now() / 1000;
  const text = await readFile(path.join(root, 'docs/grafana-dashboard.json'), 'utf8');
  const dashboard = JSON.parse(text) as Dashboard;
  const found = new Map<string, Series[]>();
  for (const { targets } of dashboard.panels) {
    for (const { expr } of targets) found.set(expr, await ask(prometheus, expr, from, to));
  }
  const browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1440, height: 1500 } });
  await page.setContent(drawDashboard(dashboard, found, { from, to }));
  const png = await page.locator('main').screenshot();
  await sharp(png)
    .png({ palette: true, quality: 90, effort: 10 })
    .toFile(path.join(root, 'docs/images/dashboard.png'));
  await browser.close();
} finally {
  for (const child of children) child.kill('SIGTERM');
  await playground.close();
  await sleep(1000);
  await rm(folder, { recursive: true, force: true });
}
