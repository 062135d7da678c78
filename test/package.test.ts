import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { oldNode } from './support/machine/old-node.ts';
import { freePort } from './support/metrics.ts';
import { waitUntil } from './support/discord/messages.ts';

const root = path.join(import.meta.dirname, '..');
const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
const { name, version } = read('package.json') as { name: string; version: string };

/** What `npm pack` would put into the archive, after the same prepack; packing and unpacking change none of it. */
function packedFiles(): readonly string[] {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // prepack speaks, too
    env: { ...process.env, npm_config_foreground_scripts: 'false' },
  });
  const [packed] = JSON.parse(told) as [{ version: string; files: { path: string }[] }];
  assert.equal(packed.version, version);
  return packed.files.map((file) => file.path);
}

/** Somebody's folder with the package installed in it: what npm would unpack, and what it depends on and no more. */
const folder = mkdtempSync(path.join(tmpdir(), 'darkroom-package-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const own = path.join(folder, 'node_modules', name);
const program = path.join(own, 'scripts/darkroom.cjs');
const env = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  ORT_THREADS: '1',
};

before(() => {
  for (const file of packedFiles()) cpSync(path.join(root, file), path.join(own, file));
  const modules = path.join(folder, 'node_modules');
  const { packages } = read('package-lock.json') as { packages: Record<string, { dev?: boolean }> };
  for (const [where, { dev }] of Object.entries(packages)) {
    const direct = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(where)?.[1];
    const source = path.join(root, where);
    if (direct === undefined || dev === true || !existsSync(source)) continue;
    if (direct.startsWith('darkroom')) continue;
    mkdirSync(path.dirname(path.join(modules, direct)), { recursive: true });
    symlinkSync(source, path.join(modules, direct), 'dir');
  }
});

function run(node: string, ...words: string[]) {
  return spawnSync(node, [program, ...words], { cwd: folder, encoding: 'utf8', env });
}

test('it has what it needs and nothing else', () => {
  assert.deepEqual(readdirSync(own).toSorted(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist',
    'docs',
    'models',
    'package.json',
    'scripts',
  ]);
  assert.deepEqual(readdirSync(path.join(own, 'models')).toSorted(), ['demo', 'upscalers']);
});

const old = oldNode();
const handsOver = old === null ? '' : '; a Node that is too old hands over to the one it brings';
test(`an installed package paints, below node_modules, with its data in the folder of whoever runs it${handsOver}`, () => {
  const node = old ?? process.execPath;
  const out = ['--steps', '1', '--size', '64x64', '--out', 'a.png'];
  const { status, stderr, stdout } = run(node, 'imagine', 'a heart', ...out);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^a\.png  seed \d+  64x64\n$/);
  assert.match(stderr, /^Made .*models with the embedded model/);
  assert.ok(existsSync(path.join(folder, 'models/demo/model_index.json')));
  // What the first program compiled, the others need not.
  assert.ok(existsSync(path.join(folder, 'node_modules/.cache', name)));
});

test('what is read as text at run time comes along: the page of a report', () => {
  writeFileSync(path.join(folder, 'prompts.txt'), 'a heart\n');
  const what = ['--prompts', 'prompts.txt', '--seeds', '1', '--x', 'steps:1', '--report', 'report'];
  const { status, stderr } = run(process.execPath, 'explore', ...what);
  assert.equal(status, 0, stderr);
  assert.match(readFileSync(path.join(folder, 'report/index.html'), 'utf8'), /use strict/);
});

test('what is no command gets a sentence, and its help names all there are', () => {
  const { status, stderr } = run(process.execPath, 'imagin');
  assert.equal(status, 2);
  assert.match(stderr, /^There is no command "imagin"\. Did you mean imagine\? .*\n$/);
  for (const odd of ['__proto__', 'constructor', '../../x', '', 'x'.repeat(10_000)]) {
    const { status: code, stderr: words } = run(process.execPath, odd);
    assert.equal(code, 2, odd.slice(0, 20));
    assert.match(words, /^There is no command ".{0,45}"\. .*\n$/);
  }
  const { stdout } = run(process.execPath, '--help');
  for (const file of readdirSync(path.join(root, 'src/cli'))) {
    if (file.endsWith('.ts'))
      assert.match(stdout, new RegExp(`^  ${path.basename(file, '.ts')} `, 'm'));
  }
  assert.equal(run(process.execPath, '--version').stdout, `${version}\n`);
});

test('darkroom start: the bot with its playground and page, ended politely', async () => {
  const [page, metrics] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [program, 'start'], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...env, PLAYGROUND_PORT: String(page), METRICS_PORT: String(metrics) },
  });
  const ended = once(child, 'exit');
  try {
    const get = (url: string) => fetch(url).catch(() => null);
    await waitUntil(
      async () => (await get(`http://127.0.0.1:${metrics}/readyz`))?.status === 200,
      'the bot',
    );
    const html = await (await get(`http://127.0.0.1:${page}/`))!.text();
    const [, script] = /<script[^>]+src="([^"]+)"/.exec(html) ?? [];
    const code = await get(new URL(script ?? '', `http://127.0.0.1:${page}/`).href);
    assert.match(code?.headers.get('content-type') ?? '', /^text\/javascript/);
    assert.ok(existsSync(path.join(folder, 'data/queue.db')));
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await ended, [0, null]);
});
