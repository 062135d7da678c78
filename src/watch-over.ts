import type { Config } from './config.ts';
import type { Log } from './log.ts';
import type { Watch } from './metrics/watch.ts';
import type { Device } from './runner/devices.ts';
import { tellServiceManager } from './service-manager.ts';

/** What is open, innermost last: closed in reverse order. */
export type OnClose = (name: string, close: () => unknown) => void;

/** Those who look at this program from outside, as far as somebody asked for them. */
export type Onlookers = {
  /** health and metrics; null: nobody wants them */
  watch: Watch | null;
  /** Everything has started. Ends first when it closes. */
  ready(devices: readonly Device[]): void;
};

/** Health and metrics are told from here on, also of what still starts; systemd hears when it is ready. */
export async function watchOver(
  config: Config,
  role: 'bot' | 'worker',
  log: Log,
  onClose: OnClose,
): Promise<Onlookers> {
  const { metrics, serviceManager, childEnvironment: environment } = config;
  const watch = metrics === null ? null : await openFor(metrics, config, role, log);
  if (watch !== null) onClose('metrics', () => watch.close());
  return {
    watch,
    ready(devices) {
      watch?.started();
      const manager =
        serviceManager === null
          ? null
          : tellServiceManager({ ...serviceManager, environment, log });
      manager?.ready(devices);
      onClose('health', () => {
        manager?.stopping();
        watch?.closing();
      });
    },
  };
}

async function openFor(
  where: NonNullable<Config['metrics']>,
  { dataDir, modelsDir }: Config,
  role: 'bot' | 'worker',
  log: Log,
): Promise<Watch> {
  // Whoever wants none does not wait for its library.
  const { openWatch } = await import('./metrics/watch.ts');
  // A worker has no data folder of its own.
  const folders = role === 'bot' ? { data: dataDir, models: modelsDir } : { models: modelsDir };
  const watch = await openWatch({ ...where, role, folders, log });
  log.info({ host: where.host, port: watch.port }, 'health and metrics are told');
  return watch;
}
