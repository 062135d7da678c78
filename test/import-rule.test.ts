import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');

/** Rooms from left to right: each may import the ones before it. */
const ORDER = [
  'src/engine',
  'src/hub',
  'src/queue',
  'src/rows',
  'src/runner',
  'src/metrics',
  'src/explore',
  'src/bot',
  'commands',
] as const;
/** Of these rooms every folder is open to the rooms on their right; of all others only the top-level files are. */
const OPEN: readonly string[] = ['src/explore', 'src/bot'];
/** Rooms within a room: their top-level files are as public as its own, and what lies deeper is as hidden. */
const WITHIN: readonly string[] = ['src/engine/picture', 'src/engine/request'];

type SourceFile = { file: string; text: string };

const files: readonly SourceFile[] = globSync(
  ['src/**/*.ts', 'commands/**/*.ts', 'playground/**/*.ts'],
  { cwd: root },
)
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => !file.includes('node_modules'))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));

function roomOf(file: string): string {
  if (/^src\/[a-z-]+\.ts$/.test(file)) return 'main';
  return file.startsWith('src/')
    ? file.split('/').slice(0, 2).join('/')
    : (file.split('/')[0] ?? '');
}

/** What reads the environment for all others, and what sets a variable that a library reads. */
const ENVIRONMENT = ['src/config.ts', 'src/engine/network/telemetry.ts'];

/** Every sentence names the file, what it imports and the rule it breaks. */
function violations(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const { file, text } of files) {
    for (const specifier of importsOf(text)) {
      const problem = specifier.startsWith('.')
        ? localProblem(file, path.posix.join(path.posix.dirname(file), specifier))
        : packageProblem(file, specifier);
      if (problem !== null) found.push(`${file} imports ${specifier}: ${problem}`);
    }
    if (/process\.env\b/.test(text) && !ENVIRONMENT.includes(file) && file.startsWith('src/')) {
      found.push(`${file} reads process.env: only src/config.ts does`);
    }
  }
  return found;
}

function localProblem(file: string, target: string): string | null {
  if (target === 'package.json') return null;
  const from = roomOf(file);
  const to = roomOf(target);
  if (from === to || from === 'main') return null;
  if (from === 'playground') return 'the playground imports no other room';
  if (to === 'main') {
    return from === 'src/cli' ? null : 'config and log are handed down as arguments';
  }
  const [left, right] = [
    ORDER.findIndex((room) => room === to),
    // The command line stands where the bot stands: it sees the same rooms, and nobody sees it.
    ORDER.findIndex((room) => room === (from === 'src/cli' ? 'src/bot' : from)),
  ];
  if (left === -1 || right === -1 || left > right || (from === 'src/cli' && to === 'src/bot'))
    return `${from} may not import ${to}`;
  const inner = WITHIN.find((room) => target.startsWith(`${room}/`)) ?? to;
  const name = target.slice(inner.length + 1);
  if (!OPEN.includes(to) && name.includes('/'))
    return `${name} is not a top-level file of ${inner}`;
  return null;
}

/** Files that reach themselves through what they import. Types count: who reads one file of a circle reads them all. */
function circles(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map(({ file }) => file));
  const arrows = new Map(
    files.map(({ file, text }) => [
      file,
      importsOf(text)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => path.posix.join(path.posix.dirname(file), specifier))
        .filter((target) => known.has(target)),
    ]),
  );
  const reaches = (from: string, wanted: string, seen = new Set<string>()): boolean =>
    (arrows.get(from) ?? []).some((next) => {
      if (next === wanted) return true;
      if (seen.has(next)) return false;
      return reaches(next, wanted, seen.add(next));
    });
  return files.map(({ file }) => file).filter((file) => reaches(file, file));
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

function packageProblem(file: string, specifier: string): string | null {
  if (specifier === 'onnxruntime-node' && file !== 'src/engine/network/session.ts') {
    return 'only src/engine/network/session.ts talks to ONNX Runtime';
  }
  if (specifier === 'discord.js' && !/^(src\/bot|commands)\//.test(file))
    return 'only the bot knows discord.js';
  return null;
}

test('rooms import leftward only, and only public files', () => {
  assert.ok(files.length > 20, `expected the sources, found ${files.length} files`);
  assert.deepEqual(violations(files), []);
});

test('the rule can fail: each planted violation is found', () => {
  const planted: readonly [file: string, text: string][] = [
    ['src/engine/pipeline/pipeline.ts', "import { openQueue } from '../../queue/queue.ts';"],
    ['src/queue/queue.ts', "import { startRunner } from '../runner/runner.ts';"],
    ['src/runner/runner.ts', "import { newJobId } from '../queue/stored/job-id.ts';"],
    ['src/runner/runner.ts', "import { packPng } from '../engine/picture/file/png-pack.ts';"],
    ['src/runner/runner.ts', "import { startBot } from '../bot/bot.ts';"],
    ['src/runner/runner.ts', "import { paint } from '../engine/pipeline/pipeline.ts';"],
    ['src/bot/bot.ts', "import { imagine } from '../../commands/imagine.ts';"],
    ['playground/rest/rest.ts', "import type { Job } from '../../src/queue/job.ts';"],
    ['src/engine/network/vae.ts', "import { InferenceSession } from 'onnxruntime-node';"],
    ['src/queue/queue.ts', "import { Client } from 'discord.js';"],
    ['src/engine/network/vae.ts', "import { createLog } from '../../log.ts';"],
    ['src/bot/discord/client.ts', 'const token = process.env.DISCORD_TOKEN;'],
  ];
  for (const [file, text] of planted) {
    assert.equal(violations([{ file, text }]).length, 1, `${file}: ${text}`);
  }
});

test('no file reaches itself through its imports', () => {
  assert.deepEqual(circles(files), []);
  const planted: readonly SourceFile[] = [
    { file: 'src/bot/bot.ts', text: "import { a } from './reply/a.ts';" },
    { file: 'src/bot/reply/a.ts', text: "import type { B } from './b.ts';" },
    { file: 'src/bot/reply/b.ts', text: "import { c } from '../bot.ts';" },
    { file: 'src/bot/reply/c.ts', text: "import { c } from '../bot.ts';" },
  ];
  const found = ['src/bot/bot.ts', 'src/bot/reply/a.ts', 'src/bot/reply/b.ts'];
  assert.deepEqual(circles(planted), found);
});
