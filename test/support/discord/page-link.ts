import { WebSocket } from 'ws';
import { deadlineAfter } from '../machine/patience.ts';
import type { FromPage, FromServer, PlaygroundMessage } from '../../../playground/protocol.ts';

/** One connection to /client that remembers what it was told. */
export type PageLink = {
  readonly received: readonly FromServer[];
  /** newest state of every message that is there, oldest first */
  messages(): readonly PlaygroundMessage[];
  send(message: FromPage): void;
  /**
   * The first value that `probe` gives, now or when something arrives; rejects when closed, or after `timeout`
   * milliseconds of an idle machine.
   */
  until<T>(probe: () => T | undefined, timeout: number, what: string): Promise<T>;
  close(): Promise<void>;
};

export async function openPageLink(playground: { url: string }): Promise<PageLink> {
  const url = new URL('/client', playground.url);
  url.protocol = 'ws:';
  const socket = new WebSocket(url);
  const received: FromServer[] = [];
  const shown = new Map<string, PlaygroundMessage>();
  const watchers = new Set<() => void>();
  let lost = false;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as FromServer;
    received.push(message);
    if (message.type === 'history') for (const one of message.messages) shown.set(one.id, one);
    if (message.type === 'message') shown.set(message.message.id, message.message);
    if (message.type === 'message-deleted') shown.delete(message.messageId);
    for (const watcher of watchers) watcher();
  });
  socket.on('close', () => {
    lost = true;
    for (const watcher of watchers) watcher();
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    received,
    messages: () => [...shown.values()].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1)),
    send: (message) => socket.send(JSON.stringify(message)),
    until: (probe, timeout, what) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          watchers.delete(look);
          clearTimeout(timer);
        };
        const look = (): void => {
          const value = probe();
          if (value === undefined && !lost) return;
          stop();
          if (value !== undefined) resolve(value);
          else reject(new Error(`The playground closed the page while waiting for ${what}.`));
        };
        const deadline = deadlineAfter(timeout);
        const giveUp = (): void => {
          // Measuring takes its time, in which what was waited for may have come.
          if (!deadline.hasPassed()) {
            timer = setTimeout(giveUp, 200);
            return;
          }
          look();
          stop();
          const last = JSON.stringify(received.slice(-4)).slice(0, 4000);
          const ms = deadline.ms();
          reject(new Error(`Nothing after ${ms} ms while waiting for ${what}. Last: ${last}`));
        };
        let timer = setTimeout(giveUp, deadline.ms());
        watchers.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        if (lost) return resolve();
        socket.once('close', () => resolve());
        socket.close();
      }),
  };
}
