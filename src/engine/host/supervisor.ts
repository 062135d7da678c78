/** Keeps one host alive: starts it, starts it anew when it dies, ends it when told. */
import { openHost, type Host } from './host.ts';
import type { FromWorker, HostConfig, ToWorker } from './messages.ts';

export type Supervisor = {
  /** Dropped while no host is up. */
  post(message: ToWorker): void;
  /** Ends a child process at once (it is then started anew); a thread goes on. */
  kill(): void;
  /** process id of a child that is up, else null */
  pid(): number | null;
  /** Asks the host to end between two steps, and ends it the hard way after `patienceMs`. */
  close(patienceMs: number): Promise<void>;
};

export type SupervisorEvents = {
  onMessage(message: FromWorker): void;
  /** The host died; it starts anew after a pause. `inVain` counts starts since one was ready. */
  onLost(reason: string, inVain: number, pauseMs: number): void;
};

/**
 * Starts a host at once, and anew when it dies: at once the first time, then after 0.5 s, doubling to 30 s. A
 * finished generation begins that count anew.
 */
export function superviseHost(
  isolation: 'thread' | 'process',
  { environment, ...config }: HostConfig & { environment: Readonly<Record<string, string>> },
  events: SupervisorEvents,
): Supervisor {
  let host: Host | null = null;
  let inVain = 0;
  let deaths = 0;
  let restart: NodeJS.Timeout | undefined;
  const closing = Promise.withResolvers<void>();
  let closeAsked = false;

  function open(): void {
    inVain += 1;
    // Messages of a host that was given up must not pass for its successor's.
    const own: Host = openHost(isolation, environment, {
      onMessage: (message) => {
        if (host === own) hear(message);
      },
      onExit: (reason) => {
        if (host === own) lost(reason);
      },
    });
    host = own;
    own.post({ type: 'start', config });
  }

  function hear(message: FromWorker): void {
    if (message.type === 'ready') inVain = 0;
    // A finished generation, whatever its end, proves the host healthy.
    if (message.type === 'done' || message.type === 'failed') deaths = 0;
    events.onMessage(message);
  }

  function lost(reason: string): void {
    host = null;
    const pause = pauseBefore(deaths++);
    if (closeAsked) closing.resolve();
    else restart = setTimeout(open, pause);
    events.onLost(reason, inVain, pause);
  }

  open();
  return {
    post: (message) => host?.post(message),
    kill: () => void host?.kill(),
    pid: () => host?.pid ?? null,
    async close(patienceMs) {
      if (!closeAsked) {
        closeAsked = true;
        clearTimeout(restart);
        if (host === null) closing.resolve();
        host?.post({ type: 'close' });
        const patience = setTimeout(() => host?.kill(), patienceMs);
        void closing.promise.then(() => clearTimeout(patience));
      }
      await closing.promise;
    },
  };
}

/** None before the first restart, then half a second, doubling to half a minute. */
function pauseBefore(deathsBefore: number): number {
  return deathsBefore === 0 ? 0 : Math.min(30_000, 500 * 2 ** (deathsBefore - 1));
}
