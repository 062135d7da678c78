/** The worker's end of the way to its caller: the port of a thread, or the channel of a forked child. */
import { parentPort, type Transferable } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './messages.ts';

export type WorkerLink = {
  post(message: FromWorker, transfer?: Transferable[]): void;
  /** Stop listening: with nothing left to do the host ends by itself. */
  unlink(): void;
};

/** `onLost`: a child's parent has gone. */
export function connect(listener: (message: ToWorker) => void, onLost: () => void): WorkerLink {
  if (parentPort !== null) {
    const port = parentPort;
    port.on('message', listener);
    return {
      post: (message, transfer) => port.postMessage(message, transfer),
      unlink: () => port.close(),
    };
  }
  process.on('message', (message) => listener(message as ToWorker));
  // A terminal sends Ctrl-C to the whole group and a service manager may do so with SIGTERM; the parent decides
  // when to stop, and its end closes the channel.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.once('disconnect', onLost);
  return {
    post(message) {
      if (process.connected) process.send?.(message, () => {});
    },
    unlink() {
      if (process.connected) process.disconnect();
    },
  };
}
