import { Gauge, Registry } from 'prom-client';
import packageJson from '../../package.json' with { type: 'json' };
import type { EngineLog } from '../engine/engine.ts';
import type { GenerateResult } from '../engine/result.ts';
import type { JobEvents, Stop } from '../queue/events.ts';
import { type Page, serve } from './endpoint.ts';
import { checkHealth, checkReadiness, type HealthState, type Check, within } from './health.ts';
import { createDiscordMetrics } from './collectors/discord-calls.ts';
import { createJobMetrics } from './collectors/jobs.ts';
import { createLoopDelay } from './collectors/loop-delay.ts';
import { createProcessMetrics } from './collectors/process.ts';
import {
  createDeviceMetrics,
  createGatewayMetrics,
  createQueueMetrics,
} from './collectors/state.ts';
import type { DiscordCall, Monitored } from './monitored.ts';

export type MonitorOptions = {
  host: string;
  port: number;
  role: 'bot' | 'worker';
  /** by name (data, models), whose disks are looked at */
  folders: Readonly<Record<string, string>>;
  log: EngineLog;
};

/** /healthz, /readyz and /metrics of this program. It stands before anything else does, and says so. */
export type Monitor = {
  port: number;
  /** A part is there from now on. */
  add(parts: Monitored): void;
  /** Counts how jobs end, whoever paints them; answers the way to stop. */
  countJobs(events: Pick<JobEvents, 'subscribe'>): Stop;
  painted(result: GenerateResult): void;
  called(call: DiscordCall): void;
  /** All parts are there. */
  started(): void;
  /** They are being taken away. */
  closing(): void;
  close(): Promise<void>;
};

/** A queue on another machine may be away: everything else is told nevertheless. */
const QUEUE_MS = 1000;

/** @throws UserError when it cannot listen where it is told to */
export async function openMonitor(options: MonitorOptions): Promise<Monitor> {
  const { role, folders, log } = options;
  const registry = new Registry();
  const state: HealthState = { parts: {}, role, pausing: 'starting' };
  tellVersion(registry, role);
  const jobs = createJobMetrics(registry);
  const called = createDiscordMetrics(registry);
  const tellDevices = createDeviceMetrics(registry);
  const isBot = role === 'bot';
  const tellQueue = isBot ? createQueueMetrics(registry) : null;
  const tellGateway = isBot ? createGatewayMetrics(registry) : null;
  const delay = createLoopDelay();
  const tellProcess = createProcessMetrics(registry, folders, delay);

  async function metrics(): Promise<Page> {
    const { devices = [], gateway, line } = state.parts;
    const [queue] = await Promise.all([
      isBot && line !== undefined ? within(line.standing(), QUEUE_MS) : null,
      tellProcess(devices),
    ]);
    tellQueue?.(queue);
    tellGateway?.(gateway?.() ?? null);
    tellDevices(devices);
    return { status: 200, type: registry.contentType, body: await registry.metrics() };
  }

  const server = await serve(
    options,
    {
      '/healthz': async () => pageOf(await checkHealth(state)),
      '/readyz': async () => pageOf(await checkReadiness(state)),
      '/metrics': metrics,
    },
    log,
  );

  return {
    port: server.port,
    add: (parts) => void Object.assign(state.parts, parts),
    countJobs: (events) =>
      events.subscribe((event) => {
        delay.note();
        jobs.note(event);
      }),
    painted: (result) => jobs.painted(result),
    called(call) {
      delay.note();
      called(call);
    },
    started: () => void (state.pausing = null),
    closing: () => void (state.pausing = 'closing'),
    async close() {
      delay.close();
      await server.close();
    },
  };
}

function tellVersion(registry: Registry, role: MonitorOptions['role']): void {
  new Gauge({
    name: 'darkroom_info',
    help: 'Always 1; its labels say what runs here.',
    labelNames: ['version', 'node', 'role'],
    registers: [registry],
  }).set({ version: packageJson.version, node: process.version, role }, 1);
}

function pageOf({ ok, problems }: Check): Page {
  return {
    status: ok ? 200 : 503,
    type: 'application/json; charset=utf-8',
    body: `${JSON.stringify({ status: ok ? 'ok' : 'unavailable', problems })}\n`,
  };
}
