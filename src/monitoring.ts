import type { Config } from './config.ts';
import type { Log } from './log.ts';
import type { Monitor } from './metrics/monitor.ts';
import type { Device } from './runner/devices.ts';
import { tellServiceManager } from './service-manager.ts';

/** What is open, innermost last: closed in reverse order. */
export type OnClose = (name: string, close: () => unknown) => void;

/** Those who look at this program from outside, as far as somebody asked for them. */
export type Monitoring = {
  /** health and metrics; null: nobody wants them */
  monitor: Monitor | null;
  /** Everything has started. Ends first when it closes. */
  ready(devices: readonly Device[]): void;
};

/** Health and metrics are told from here on, also of what still starts; systemd hears when it is ready. */
export async function startMonitoring(
  config: Config,
  role: 'bot' | 'worker',
  log: Log,
  onClose: OnClose,
): Promise<Monitoring> {
  const { metrics, serviceManager, childEnvironment: environment } = config;
  const monitor = metrics === null ? null : await openFor(metrics, config, role, log);
  if (monitor !== null) onClose('metrics', () => monitor.close());
  return {
    monitor,
    ready(devices) {
      monitor?.started();
      const manager =
        serviceManager === null
          ? null
          : tellServiceManager({ ...serviceManager, environment, log });
      manager?.ready(devices);
      onClose('health', () => {
        manager?.stopping();
        monitor?.closing();
      });
    },
  };
}

async function openFor(
  where: NonNullable<Config['metrics']>,
  { dataDir, modelsDir }: Config,
  role: 'bot' | 'worker',
  log: Log,
): Promise<Monitor> {
  // Whoever wants none does not wait for its library.
  const { openMonitor } = await import('./metrics/monitor.ts');
  // A worker has no data folder of its own.
  const folders = role === 'bot' ? { data: dataDir, models: modelsDir } : { models: modelsDir };
  const monitor = await openMonitor({ ...where, role, folders, log });
  log.info({ host: where.host, port: monitor.port }, 'health and metrics are told');
  return monitor;
}
