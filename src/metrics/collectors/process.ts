import { readdir, readFile, statfs } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Device } from '../../runner/devices.ts';
import type { LoopDelay } from './loop-delay.ts';

const PAGE_BYTES = 4096;

/** Tells what this process and its machine have and use. `folders`: by name, whose disks are looked at. */
export function createProcessMetrics(
  registry: Registry,
  folders: Readonly<Record<string, string>>,
  delay: LoopDelay,
): (devices: readonly Device[]) => Promise<void> {
  const { delays, busy, cpu, resident, heap, engineMemory, openFiles, free, size } =
    metersIn(registry);

  async function takeDisk(folder: string, path: string): Promise<void> {
    const disk = await statfs(path).catch(() => null);
    if (disk === null) {
      free.remove({ folder });
      size.remove({ folder });
      return;
    }
    free.set({ folder }, disk.bavail * disk.bsize);
    size.set({ folder }, disk.blocks * disk.bsize);
  }

  async function takeEngine({ name: device, engine }: Device): Promise<void> {
    const { pid = null } = engine.status();
    const bytes = pid === null ? null : await residentBytes(pid);
    if (bytes === null) engineMemory.remove({ device });
    else engineMemory.set({ device }, bytes);
  }

  return async (devices) => {
    for (const { percentile, gauge: one } of delays) one.set(delay.seconds(percentile));
    delay.restart();
    busy.reset();
    busy.inc(performance.eventLoopUtilization().active / 1000);
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    const { rss, heapUsed } = process.memoryUsage();
    resident.set(rss);
    heap.set(heapUsed);
    const files = await readdir('/proc/self/fd').catch(() => null);
    if (files !== null) openFiles.set(files.length);
    await Promise.all([
      ...Object.entries(folders).map(([name, path]) => takeDisk(name, path)),
      ...devices.map(takeEngine),
    ]);
  };
}

function metersIn(registry: Registry) {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const delays = [
    ['p50', 50],
    ['p99', 99],
    ['max', 100],
  ].map(([name, percentile]) => ({
    percentile: Number(percentile),
    gauge: gauge(
      `darkroom_event_loop_delay_${name}_seconds`,
      `Seconds that work had to wait for the bot's own thread, since the last scrape (${name}).`,
    ),
  }));
  const busy = new Counter({
    name: 'darkroom_event_loop_busy_seconds_total',
    help: "Seconds that the bot's own thread worked.",
    registers: [registry],
  });
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor seconds of this process, the engine in a thread included.',
    registers: [registry],
  });
  const resident = gauge('process_resident_memory_bytes', 'Memory of this process.');
  const heap = gauge('darkroom_heap_used_bytes', "JavaScript memory of the bot's own thread.");
  const engineMemory = gauge(
    'darkroom_engine_memory_bytes',
    'Memory of an engine that is a process of its own (Linux).',
    ['device'],
  );
  const openFiles = gauge('process_open_fds', 'Open files of this process (Linux).');
  gauge('process_start_time_seconds', 'When this process started, seconds since 1970.').set(
    performance.timeOrigin / 1000,
  );
  const free = gauge('darkroom_disk_free_bytes', 'Room that is left for files of a folder.', [
    'folder',
  ]);
  const size = gauge('darkroom_disk_size_bytes', 'Size of the disk that a folder lies on.', [
    'folder',
  ]);
  return { delays, busy, cpu, resident, heap, engineMemory, openFiles, free, size };
}

async function residentBytes(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => null);
  const pages = Number(text?.split(' ')[1]);
  return pages > 0 ? pages * PAGE_BYTES : null;
}
