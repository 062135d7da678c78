import { Counter, Gauge, type Registry } from 'prom-client';
import type { Device } from '../../runner/devices.ts';
import type { Standing } from '../../queue/line.ts';
import type { Gateway } from '../monitored.ts';

const DEVICE_STATES = ['starting', 'idle', 'busy', 'restarting', 'closed', 'aside'] as const;

/** Tells how things stand when somebody asks; null: it cannot be known. */
type Teller<T> = (found: T) => void;

const gaugeOf =
  (registry: Registry) =>
  <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });

/** Adds the metrics of the queue; null: it did not answer, and what it said before is taken back. */
export function createQueueMetrics(registry: Registry): Teller<Standing | null> {
  const gauge = gaugeOf(registry);
  const jobs = gauge('darkroom_queue_jobs', 'Jobs in the queue, by state (waiting, running).', [
    'state',
  ]);
  const age = gauge(
    'darkroom_queue_age_seconds',
    'Seconds since the oldest waiting job was ordered, and since the longest running one began; 0: none.',
    ['state'],
  );
  const queueUp = gauge('darkroom_queue_up', '1 when the queue answered this question, else 0.');

  return (standing) => {
    queueUp.set(standing === null ? 0 : 1);
    for (const state of ['waiting', 'running'] as const) {
      // What cannot be known is not told as what it was before.
      if (standing === null) {
        jobs.remove({ state });
        age.remove({ state });
        continue;
      }
      const { jobs: count, since } = standing[state];
      jobs.set({ state }, count);
      age.set({ state }, since === null ? 0 : Math.max(0, Date.now() - since) / 1000);
    }
  };
}

/** Adds the metrics of the gateway; null: there is none in this process. */
export function createGatewayMetrics(registry: Registry): Teller<Gateway | null> {
  const gauge = gaugeOf(registry);
  const connected = gauge(
    'darkroom_gateway_connected',
    '1 while the gateway to Discord is connected.',
  );
  const latency = gauge(
    'darkroom_gateway_latency_seconds',
    'Seconds from a heartbeat to its answer.',
  );
  const servers = gauge('darkroom_servers', 'Servers that the bot is in.');
  return (gateway) => {
    connected.set(gateway?.connected === true ? 1 : 0);
    servers.set(gateway?.servers ?? 0);
    const { latencySeconds = null } = gateway ?? {};
    if (latencySeconds === null) latency.remove();
    else latency.set(latencySeconds);
  };
}

/** Adds the metrics of devices; one that is not told any more is taken back. */
export function createDeviceMetrics(registry: Registry): Teller<readonly Device[]> {
  const gauge = gaugeOf(registry);
  const registers = [registry];
  const states = gauge(
    'darkroom_device_state',
    '1 for the state that a device is in, 0 for the others.',
    ['device', 'state'],
  );
  const loaded = gauge('darkroom_models_loaded', 'Models that a device holds in memory.', [
    'device',
  ]);
  const restarts = new Counter({
    name: 'darkroom_engine_restarts_total',
    help: 'Engines that died and were started again.',
    labelNames: ['device'],
    registers,
  });
  const evicted = new Counter({
    name: 'darkroom_models_evicted_total',
    help: 'Models that were let go of to make room for another.',
    labelNames: ['device'],
    registers,
  });

  return (devices) => {
    for (const { name: device, status } of devices) {
      const { state, aside, loaded: models, counts } = status();
      const now = aside === null ? state : 'aside';
      for (const one of DEVICE_STATES) states.set({ device, state: one }, one === now ? 1 : 0);
      loaded.set({ device }, models.length);
      // They count by themselves: a counter is set anew to what they say.
      for (const [counter, count] of [
        [restarts, counts?.restarts ?? 0],
        [evicted, counts?.evicted ?? 0],
      ] as const) {
        counter.remove({ device });
        counter.inc({ device }, count);
      }
    }
  };
}
