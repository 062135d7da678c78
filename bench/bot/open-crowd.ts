/** Discord and its people in a process of their own, and what they are asked to do. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Asked, Told } from './crowd.ts';

export type Crowd = Awaited<ReturnType<typeof openCrowd>>;

export async function openCrowd() {
  const child = fork(path.join(import.meta.dirname, 'crowd.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const { apiBase, token } = await hear(child, 'ready');
  const ask = (asked: Asked) => {
    if (!child.connected) throw new Error('the crowd has died; its own words are above');
    child.send(asked);
  };
  return {
    apiBase,
    token,
    async press(presses: number, steps: number) {
      ask({ type: 'press', presses, steps });
      return (await hear(child, 'pressed')).acks;
    },
    async report() {
      ask({ type: 'report' });
      return hear(child, 'report');
    },
    async close() {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

function hear<T extends Told['type']>(
  child: ChildProcess,
  type: T,
): Promise<Extract<Told, { type: T }>> {
  return new Promise((resolve, reject) => {
    const listen = (told: Told) => {
      if (told.type !== type) return;
      child.off('message', listen);
      child.off('exit', died);
      resolve(told as Extract<Told, { type: T }>);
    };
    const died = (code: number | null, signal: string | null) =>
      reject(new Error(`the crowd died (${signal ?? `exit code ${code}`}) before it was ${type}`));
    child.on('message', listen);
    child.once('exit', died);
  });
}
