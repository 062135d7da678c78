import { findDevices, type DeviceSpec } from '../engine/devices.ts';
import { type Engine, type EngineConfig, type EngineLog, startEngine } from '../engine/engine.ts';
import type { DeviceStatus } from '../queue/contracts.ts';
import { createHealth, type Verdict } from './devices/health.ts';
import type { Job } from '../queue/job.ts';
import type { DeviceFacts } from '../queue/line.ts';

/** What paints one job at a time. */
export type Device = {
  name: string;
  engine: Engine;
  /** What the line is told of it while it is free; null while it is set aside, or starts again. */
  facts(): DeviceFacts | null;
  /** The same while it runs what one more job could share its evaluations with; null: with none. */
  joinable(): DeviceFacts | null;
  /** Takes note of how a run there ended; null: well. */
  note(job: Pick<Job, 'id'>, model: string, error: unknown): Verdict;
  status(): DeviceStatus;
};

/** Whether a device of another program can paint, with this model; null: with any. */
export type Elsewhere = (model: string | null) => boolean;

export type NamedEngine = { name: string; engine: Engine };

/** Engines as devices of one program: one that fails again and again is set aside while another can paint, here or elsewhere. */
export function createDevices(
  engines: readonly NamedEngine[],
  log: EngineLog,
  options: { now?: (() => number) | undefined; elsewhere?: Elsewhere } = {},
): readonly Device[] {
  const health = createHealth(
    engines.map(({ name }) => name),
    log,
    options,
  );
  return engines.map(({ name, engine }) => ({
    name,
    engine,
    facts() {
      const { state, loaded } = engine.status();
      const limits = health.limits(name);
      // Where others can paint, none waits for an engine that is starting again.
      if (limits === null || (state === 'restarting' && engines.length > 1)) return null;
      return { name, loaded: loaded.map(({ model }) => model), ...limits };
    },
    joinable() {
      const joins = engine.joinable?.() ?? null;
      const limits = health.limits(name);
      if (joins === null || limits === null) return null;
      const loaded = engine.status().loaded.map(({ model }) => model);
      return { name, loaded, ...limits, joins };
    },
    note: ({ id }, model, error) => health.note(name, { id, model }, error),
    status: () => ({ ...engine.status(), name, aside: health.trouble(name) }),
  }));
}

/**
 * An engine for each device that the configuration names or, where it names none, that is found. Several have a
 * process each; a single one is isolated as configured.
 */
export async function startDevices(
  config: EngineConfig & { devices: readonly DeviceSpec[] | null; visibleGpus: number | null },
  log: EngineLog,
  elsewhere: Elsewhere = () => false,
): Promise<readonly Device[]> {
  const specs = config.devices ?? findDevices(config.device, config.visibleGpus);
  const isolation = specs.length > 1 ? 'process' : config.isolation;
  const engines = await Promise.all(
    specs.map(async ({ name, device, index }) => ({
      name,
      engine: await startEngine({ ...config, device, deviceIndex: index, isolation }, log),
    })),
  );
  if (specs.length > 1) log.info({ devices: specs.map(({ name }) => name) }, 'several devices');
  return createDevices(engines, log, { elsewhere });
}

/** All devices as one engine, for whoever does not care which of them paints. @throws Error without a device */
export function asOneEngine(devices: readonly Device[]): Engine {
  const [first] = devices;
  if (first === undefined) throw new Error('there is no device');
  if (devices.length === 1) return first.engine;
  return {
    models: () => first.engine.models(),
    unusable: () => first.engine.unusable(),
    generate(request, options) {
      const usable = devices.filter((device) => device.facts() !== null);
      const idle = usable.find(({ engine }) => engine.status().state === 'idle');
      return (idle ?? usable[0] ?? first).engine.generate(request, options);
    },
    async reload() {
      await Promise.all(devices.map(({ engine }) => engine.reload()));
    },
    status() {
      const statuses = devices.map((device) => device.status());
      const loaded = statuses.flatMap((status) => status.loaded);
      const { state } = statuses.find(({ aside }) => aside === null) ?? statuses[0]!;
      return { state, loaded, provider: loaded.at(-1)?.provider ?? null, devices: statuses };
    },
    async answers(withinMs) {
      const all = devices.map((device) => device.engine.answers(withinMs));
      return (await Promise.all(all)).some(Boolean);
    },
    async close() {
      await Promise.all(devices.map(({ engine }) => engine.close()));
    },
  };
}
