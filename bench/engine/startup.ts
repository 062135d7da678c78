import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isDone } from '../../test/support/discord/messages.ts';
import { connectUser } from '../../test/support/discord/playground-user.ts';
import type { BenchRow } from '../row.ts';

const script = path.join(import.meta.dirname, '../../scripts/run.cjs');

/** A fresh start on an empty data folder: until the address is printed, and until the first picture is there. */
export async function benchStartup(): Promise<BenchRow[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'darkroom-bench-'));
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const program = spawn(process.execPath, [script, 'src/main.ts'], {
    env: {
      ...process.env,
      DISCORD_TOKEN: '',
      DATA_DIR: folder,
      PLAYGROUND_PORT: '0',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await addressOf(program.stdout);
    const ready = seconds();
    const user = await connectUser({ url });
    await user.command('imagine', { prompt: 'a red heart on a white background' });
    await user.waitForMessage(isDone, 60_000);
    const picture = seconds();
    await user.close();
    return [
      { name: 'npm start to ready', value: ready, unit: 's', target: '< 5 s', ok: ready < 5 },
      {
        name: 'npm start to the first picture',
        value: picture,
        unit: 's',
        target: '< 20 s',
        ok: picture < 20,
      },
    ];
  } finally {
    program.kill('SIGTERM');
    if (program.exitCode === null) await once(program, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}

async function addressOf(stdout: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stdout) {
    text += String(chunk);
    const address = /playground: (http:\S+)/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`the program ended before it was ready: ${text}`);
}
