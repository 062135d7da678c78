import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Device } from './runner/devices.ts';
import type { Log } from './log.ts';

/** What systemd is told of this program (sd_notify): that it is ready, that it lives, that it stops. */
export type ServiceManager = {
  /** Everything has started; from now on signs of life are due. */
  ready(devices: readonly Device[]): void;
  stopping(): void;
};

export type ServiceManagerOptions = {
  /** NOTIFY_SOCKET */
  socket: string;
  /** WATCHDOG_USEC: without a sign of life for so long the program is ended and started anew; null: none is wanted */
  watchdogMs: number | null;
  /** PATH, for systemd-notify */
  environment: Readonly<Record<string, string>>;
  log: Log;
};

/** Three signs of life in the time in which one is due. */
const SIGNS = 3;
const ENGINE_MS = 2000;
/**
 * Node opens no datagram sockets of this kind: systemd's own program does, in a shell that is there from the start, so
 * that no sign of life waits for this process to be copied.
 */
const SPEAKER = 'while read -r line; do systemd-notify "$line" || exit 1; done';

/** Under systemd, with Type=notify and NotifyAccess=all. */
export function tellServiceManager(options: ServiceManagerOptions): ServiceManager {
  const { socket, watchdogMs, environment, log } = options;
  const speaker = spawn('/bin/sh', ['-c', SPEAKER], {
    env: { ...environment, NOTIFY_SOCKET: socket },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  let isThere = true;
  const lost = (): void => {
    if (isThere) log.error({ socket }, 'systemd cannot be told how things are: see systemd-notify');
    isThere = false;
  };
  speaker.on('error', lost);
  speaker.on('exit', lost);
  speaker.stdin.on('error', lost);
  speaker.unref();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  (speaker.stdin as Socket).unref();

  function tell(line: string): void {
    if (isThere) speaker.stdin.write(`${line}\n`);
  }

  return {
    ready(devices) {
      tell('READY=1');
      if (watchdogMs === null) return;
      const timer = setInterval(async () => {
        if (await allLive(devices)) tell('WATCHDOG=1');
        else log.error({}, 'the engine gives no sign of life: none is given to systemd');
      }, watchdogMs / SIGNS);
      timer.unref();
    },
    stopping() {
      tell('STOPPING=1');
      isThere = false;
      speaker.stdin.end();
    },
  };
}

/** An engine that starts again is on its way; one that should answer and does not, is not. */
async function allLive(devices: readonly Device[]): Promise<boolean> {
  const all = devices.map(
    async ({ engine }) =>
      engine.status().state === 'restarting' || (await engine.answers(ENGINE_MS)),
  );
  return (await Promise.all(all)).every(Boolean);
}
