import type { Engine, EngineLog, EngineStatus } from '../engine/engine.ts';
import { hasOf } from '../engine/request/needs.ts';
import type { ModelInfo } from '../engine/request.ts';
import type { DeviceStatus, WorkerReport, Workers } from '../queue/contracts.ts';
import { asOneEngine, type Device } from './devices.ts';
import type { Job } from '../queue/job.ts';

const REPORT_EVERY_MS = 3000;

export type Reporting = {
  /** Whether another program's device can paint with this model; null: with any. */
  paintsElsewhere(model: string | null): boolean;
  /** Says that it leaves. */
  close(): Promise<void>;
};

/** Reports what this program can paint, before it resolves and every few seconds, and hears of the others. */
export async function startReporting({
  workers,
  name,
  devices,
  log,
}: {
  workers: Workers;
  name: string;
  devices: readonly Device[];
  log: EngineLog;
}): Promise<Reporting> {
  const engine = asOneEngine(devices);
  let isAway = false;
  let others: readonly WorkerReport[] = [];

  async function report(): Promise<void> {
    try {
      const own = devices.map((device) => device.status());
      // A program's only device goes by its name.
      const named = own.length === 1 ? own.map((status) => ({ ...status, name })) : own;
      const models = await engine.models();
      await workers.report({ name, models, has: hasOf(models), devices: named });
      others = (await workers.list()).filter((other) => other.name !== name);
      isAway = false;
    } catch (error) {
      if (!isAway) log.warn({ err: error }, 'this worker could not report what it can paint');
      isAway = true;
    }
  }

  await report();
  const timer = setInterval(() => void report(), REPORT_EVERY_MS);
  timer.unref();
  return {
    paintsElsewhere: (model) =>
      others.some(
        ({ models, devices: theirs }) =>
          (model === null || models.some((one) => one.name === model)) &&
          theirs.some(({ aside, state }) => aside === null && state !== 'restarting'),
      ),
    async close() {
      clearInterval(timer);
      await workers.leave(name).catch(() => {});
    },
  };
}

/**
 * One engine for whoever looks at it: this program's own, if it has one, and those of all workers. It paints on its
 * own alone.
 */
export function withWorkers(
  own: Engine | null,
  { workers, name }: { workers: Workers; name: string },
): Engine {
  let others: readonly WorkerReport[] = [];
  const look = async (): Promise<void> => {
    const found = await workers.list();
    others = found.filter((report) => report.name !== name);
  };
  const timer = setInterval(() => void look().catch(() => {}), REPORT_EVERY_MS);
  timer.unref();

  return {
    async models() {
      await look().catch(() => {});
      const models = new Map<string, ModelInfo>();
      const known = [(await own?.models()) ?? [], ...others.map((report) => report.models)];
      for (const model of known.flat()) {
        const before = models.get(model.name);
        models.set(model.name, before === undefined ? model : withFilesOf(before, model));
      }
      return [...models.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    unusable: () => own?.unusable() ?? [],
    reload: async () => own?.reload(),
    generate(request, options) {
      if (own !== null) return own.generate(request, options);
      return Promise.reject(new Error('this program has no engine: its workers paint'));
    },
    status() {
      const mine = own?.status() ?? null;
      const here = mine?.devices ?? (mine === null ? [] : [{ ...mine, name: 'here', aside: null }]);
      const there = others.flatMap((report) =>
        report.devices.map((device) => ({
          ...device,
          name: placeOf(report, device, others),
          of: { worker: report.name, device: device.name },
        })),
      );
      const devices: DeviceStatus[] = [...here, ...there];
      const loaded = devices.flatMap((device) => device.loaded);
      const state: EngineStatus['state'] = mine?.state ?? devices[0]?.state ?? 'starting';
      return { state, provider: loaded.at(-1)?.provider ?? null, loaded, devices };
    },
    async answers(withinMs) {
      if (own !== null) return own.answers(withinMs);
      // Whether anybody paints just now is not this program's health; whether they could be asked is.
      return look().then(
        () => true,
        () => false,
      );
    },
    async close() {
      clearInterval(timer);
      await own?.close();
    },
  };
}

/** One model on two machines may have other LoRAs and VAEs beside it; of two files of one name the first counts. */
function withFilesOf(first: ModelInfo, second: ModelInfo): ModelInfo {
  const both = (a: readonly string[] = [], b: readonly string[] = []): string[] =>
    [...new Set([...a, ...b])].toSorted();
  return {
    ...first,
    ...((first.loras ?? second.loras) && { loras: both(first.loras, second.loras) }),
    ...((first.vaes ?? second.vaes) && { vaes: both(first.vaes, second.vaes) }),
    loraAliases: { ...second.loraAliases, ...first.loraAliases },
    loraHashes: { ...second.loraHashes, ...first.loraHashes },
  };
}

/** `host/cuda:0`; a single device goes by its host, and by its program where that host has several. */
function placeOf(
  { name, devices }: WorkerReport,
  device: DeviceStatus,
  all: readonly WorkerReport[],
): string {
  const host = hostOf(name);
  const isOnly = all.filter((report) => hostOf(report.name) === host).length === 1;
  const place = isOnly ? host : name;
  return devices.length === 1 && device.name === name ? place : `${place}/${device.name}`;
}

const hostOf = (worker: string): string => worker.replace(/-\d+$/, '');

/** Where a job runs, as the devices are called in `status`; null: it does not run. */
export function placeOfJob(
  { devices = [] }: EngineStatus,
  { device, worker = null }: Pick<Job, 'device' | 'worker'>,
): string | null {
  const own = devices.filter(({ of }) => of !== undefined && of.worker === worker);
  const [only] = own;
  if (own.length === 1 && only !== undefined) return only.name;
  return own.find(({ of }) => of?.device === device)?.name ?? device;
}
