import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startPlayground } from '../../src/playground/playground.ts';
import { connectUser } from '../support/playground-user.ts';
import { isDone, textOf, waitUntil } from './stage.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MODELS = fileURLToPath(new URL('../../models', import.meta.url));

test('kill -9 in the middle of a picture: the next start finishes it in the same message', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'darkroom-kill-'));
  const playground = await startPlayground({ port: 0, dataFile: ':memory:' });
  const running: ChildProcess[] = [];
  const startProgram = (): ChildProcess => {
    const program = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
      cwd: folder,
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        DISCORD_TOKEN: playground.token,
        DISCORD_API_BASE: playground.apiBase,
        DATA_DIR: path.join(folder, 'data'),
        MODELS_DIR: MODELS,
        DEVICE: 'cpu',
      },
    });
    running.push(program);
    return program;
  };
  const end = async (program: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    if (program.exitCode !== null || program.signalCode !== null) return;
    const exit = once(program, 'exit');
    program.kill(signal);
    await exit;
  };
  try {
    const first = startProgram();
    const ada = await connectUser(playground);
    await ada.command('imagine', { prompt: 'half done', steps: 100, seed: '1' });
    await ada.command('imagine', { prompt: 'still waiting', steps: 2, seed: '2' });
    await ada.waitForMessage((message) => textOf(message).includes('Step '), 30_000);
    const ids = ada.messages().map(({ id }) => id);
    await end(first, 'SIGKILL');
    assert.ok(!ada.messages().some(isDone));

    const second = startProgram();
    await waitUntil(() => ada.messages().filter(isDone).length === 2, 'both pictures', 60_000);
    assert.deepEqual(
      ada.messages().map(({ id }) => id),
      ids,
    );
    await end(second, 'SIGTERM');
    assert.equal(second.exitCode, 0, 'a polite stop ends with 0');
    await ada.close();
  } finally {
    for (const program of running) await end(program, 'SIGKILL');
    await playground.close();
    await rm(folder, { recursive: true, force: true });
  }
});
