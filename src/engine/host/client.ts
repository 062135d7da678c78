/** The caller's side of the isolation boundary: hands generations to the host, and hears what becomes of them. */
import { CancelledError, EngineCrashedError } from '../errors.ts';
import type { GenerateOptions } from '../pipeline/options.ts';
import type { GenerateRequest } from '../request.ts';
import type { GenerateResult, Progress } from '../result.ts';
import { type Call, type Calls, createCalls } from './calls.ts';
import { type Supervisor, superviseHost } from './supervisor.ts';
import { type FromWorker, type HostConfig, type LoadedStatus, reviveError } from './messages.ts';
import { shareKeyOf } from '../request/sharing.ts';
import { createHeartbeat, type Heartbeat } from './heartbeat.ts';
import { createWatchdog, type Watchdog } from './watchdog.ts';

/** Starts in vain before waiting calls are told. */
const MAX_STARTS = 3;

/** Opening gigabytes of weights may take this many times longer than a step. */
const LOADING_PATIENCE = 10;

export type ClientConfig = {
  host: HostConfig & { environment: Readonly<Record<string, string>> };
  isolation: 'thread' | 'process';
};

type Log = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type ClientState = 'starting' | 'idle' | 'busy' | 'restarting' | 'closed';

export type Client = {
  readonly config: ClientConfig;
  readonly log: Log;
  /** what a person is told of an error */
  readonly told: (error: Error) => Error;
  readonly calls: Calls;
  readonly watchdog: Watchdog;
  readonly supervisor: Supervisor;
  readonly heartbeat: Heartbeat;
  state: ClientState;
  closing: boolean;
  loaded: readonly LoadedStatus[];
  /** what the runs share; null: nothing */
  shared: string | null;
  /** pixels of pictures that are best painted together, by model */
  readonly roomFor: Map<string, number>;
  isReloading: boolean;
  restarts: number;
  /** by hosts that are gone, and by this one */
  evicted: { before: number; now: number };
};

/** Starts the host and resolves at once. A host that dies is restarted; calls that wait survive it. */
export function openClient(config: ClientConfig, log: Log, told: (error: Error) => Error): Client {
  const supervisor = superviseHost(config.isolation, config.host, {
    onMessage: (message) => receive(client, message),
    onLost: (reason, inVain, restartInMs) => lost(client, reason, inVain, restartInMs),
  });
  const { stepDeadlineMs } = config.host;
  const onStuck = (): void => {
    log.error({ stepDeadlineMs }, 'engine is stuck, ending its process');
    supervisor.kill();
  };
  const client: Client = {
    config,
    log,
    told,
    calls: createCalls(),
    // A thread cannot be ended from outside.
    watchdog: createWatchdog(stepDeadlineMs, config.isolation === 'thread' ? null : onStuck),
    supervisor,
    heartbeat: createHeartbeat(() => supervisor.post({ type: 'ping' })),
    state: 'starting',
    closing: false,
    loaded: [],
    shared: null,
    roomFor: new Map(),
    isReloading: false,
    restarts: 0,
    evicted: { before: 0, now: 0 },
  };
  return client;
}

/** @throws CancelledError, EngineCrashedError, UserError, or what went wrong */
export function generateOn(
  client: Client,
  request: GenerateRequest,
  options: GenerateOptions,
): Promise<GenerateResult> {
  const { signal } = options;
  if (client.closing || signal?.aborted) return Promise.reject(new CancelledError());
  const { call, done } = client.calls.make(request, options);
  const onAbort = (): void => cancel(client, call);
  signal?.addEventListener('abort', onAbort, { once: true });
  const joins = options.joins === true && options.alone !== true && client.shared !== null;
  if (joins && joinableWith(client) === shareKeyOf(request)) {
    begin(client, call, true);
  } else {
    client.calls.wait(call);
    dispatch(client);
  }
  return done.finally(() => signal?.removeEventListener('abort', onAbort));
}

/** See Engine.joinable. As long as somebody waits who cannot join, nobody does: what runs comes to its end. */
export function joinableWith({
  state,
  closing,
  isReloading,
  calls,
  shared,
  roomFor,
}: Client): string | null {
  if (state !== 'busy' || closing || isReloading || calls.isWaitedFor()) return null;
  const all = [...calls.running.values()];
  const [first] = all;
  if (shared === null || first === undefined) return null;
  const { model, width, height } = first.request;
  const images = (calls: readonly Call[]): number =>
    calls.reduce((sum, { request }) => sum + request.count, 0);
  const room = Math.floor((roomFor.get(model) ?? 0) / (width * height));
  // Whoever decodes asks the network no more; but pictures must not pile up there.
  const asking = images(all.filter(({ isDecoding }) => !isDecoding));
  return asking < room && images(all) < 2 * room ? shared : null;
}

/** What is loaded is let go of, once what runs is finished. */
export function reloadHost(client: Client): void {
  client.isReloading = client.calls.running.size > 0;
  if (client.state !== 'restarting' && !client.closing) client.supervisor.post({ type: 'reload' });
}

/** Whether the host shows signs of life: see Engine.answers. */
export async function answersWithin(
  { state, heartbeat, watchdog }: Client,
  withinMs: number,
): Promise<boolean> {
  if (state === 'closed' || state === 'restarting') return false;
  return state === 'busy' ? heartbeat.silentMs() < watchdog.patienceMs() : heartbeat.ask(withinMs);
}

/**
 * Rejects whoever still waits with CancelledError and ends the host; it is ended the hard way where a step takes
 * longer than its deadline.
 */
export async function closeClient(client: Client): Promise<void> {
  client.closing = true;
  for (const call of client.calls.drain()) call.reject(new CancelledError());
  await client.supervisor.close(client.config.host.stepDeadlineMs);
  client.state = 'closed';
}

function receive(client: Client, message: FromWorker): void {
  client.heartbeat.beat();
  const { running } = client.calls;
  switch (message.type) {
    case 'pong':
      return;
    case 'ready':
      client.state = 'idle';
      dispatch(client);
      return;
    case 'loaded':
      client.loaded = message.models;
      client.evicted.now = message.evicted;
      return;
    case 'log':
      client.log[message.level](message.fields, message.message);
      return;
    case 'progress': {
      const call = running.get(message.id);
      if (call === undefined) return;
      const phase = message.progress.at(-1)?.phase;
      const isLoading = phase === 'loading';
      call.isDecoding = phase === 'decoding';
      client.watchdog.wind(isLoading ? LOADING_PATIENCE : 1);
      for (const progress of message.progress) report(client, call, progress);
      return;
    }
    case 'journal':
      running.get(message.id)?.options.journal?.keep(message.records);
      return;
    case 'sharing':
      client.roomFor.set(message.model, message.people > 1 ? message.people * message.pixels : 0);
      return;
    case 'done':
      settle(client, message.id, (call) => call.resolve(message.result));
      return;
    case 'failed':
      settle(client, message.id, (call) => call.reject(client.told(reviveError(message.error))));
  }
}

/** A listener that throws must not take the engine with it. */
function report({ log }: Client, call: Call, progress: Progress): void {
  try {
    call.options.onProgress?.(progress);
  } catch (error) {
    log.error({ error: String(error) }, 'a progress listener threw');
  }
}

function settle(client: Client, id: number, finish: (call: Call) => void): void {
  const call = client.calls.finish(id);
  if (call === null) return;
  if (client.calls.running.size === 0) {
    client.watchdog.stop();
    client.isReloading = false;
    if (!client.closing) client.state = 'idle';
  }
  finish(call);
  dispatch(client);
}

function dispatch(client: Client): void {
  if (client.state !== 'idle') return;
  const call = client.calls.next();
  if (call === null) return;
  const isShared = client.config.host.sharing && call.options.alone !== true;
  client.shared = isShared ? shareKeyOf(call.request) : null;
  begin(client, call, false);
}

function begin(client: Client, call: Call, joins: boolean): void {
  client.calls.begin(call);
  client.state = 'busy';
  client.heartbeat.beat();
  if (!joins) client.watchdog.wind(LOADING_PATIENCE);
  const { onProgress: _, signal: __, joins: ___, alone: ____, journal, ...options } = call.options;
  client.supervisor.post({
    type: 'generate',
    id: call.id,
    request: call.request,
    share: client.shared,
    joins,
    // functions do not cross
    options: {
      ...options,
      journal: journal ? { past: journal.past, everyMs: journal.everyMs } : null,
    },
  });
}

function lost(client: Client, reason: string, inVain: number, restartInMs: number): void {
  const { calls, evicted } = client;
  client.loaded = [];
  evicted.before += evicted.now;
  evicted.now = 0;
  client.watchdog.stop();
  const victims = calls.finishAll();
  if (client.closing) {
    for (const victim of victims) victim.reject(new CancelledError());
    return;
  }
  client.state = 'restarting';
  client.restarts++;
  client.log.error({ reason, restartInMs }, 'engine host died');
  for (const victim of victims) {
    victim.reject(
      new EngineCrashedError(`The engine stopped in the middle of a generation (${reason}).`),
    );
  }
  if (inVain < MAX_STARTS) return;
  // A host that never gets ready would keep people waiting for ever.
  for (const call of calls.drain()) {
    call.reject(new EngineCrashedError(`The engine does not start (${reason}).`));
  }
}

function cancel({ calls, supervisor }: Client, call: Call): void {
  if (calls.running.has(call.id)) supervisor.post({ type: 'cancel', id: call.id });
  if (calls.withdraw(call)) call.reject(new CancelledError());
}
