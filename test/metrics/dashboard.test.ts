import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openMonitor } from '../../src/metrics/monitor.ts';
import { memoryLog } from '../support/memory-log.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Names and types of all there is, whether it has samples yet or not. */
async function families(): Promise<Map<string, string>> {
  const { log } = memoryLog();
  const monitor = await openMonitor({
    host: '127.0.0.1',
    port: 0,
    role: 'bot',
    folders: { data: root },
    log,
  });
  try {
    const text = await (await fetch(`http://127.0.0.1:${monitor.port}/metrics`)).text();
    return new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
    );
  } finally {
    await monitor.close();
  }
}

type Panel = {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string }[];
};

test('the dashboard asks for what there is, and no panel lies on another', async () => {
  const known = await families();
  const { panels } = JSON.parse(read('docs/grafana-dashboard.json')) as { panels: Panel[] };
  assert.ok(panels.length > 10);
  const asked = new Set<string>();
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const names = expr.match(/\b(?:darkroom|process)_[a-z0-9_]+/g) ?? [];
      assert.ok(names.length > 0, title);
      for (const name of names) {
        const family = name.replace(/_(?:bucket|sum|count)$/, '');
        assert.ok(known.has(name) || known.get(family) === 'histogram', `${title}: ${name}`);
        asked.add(known.has(name) ? name : family);
      }
    }
  }
  // Whatever is told is looked at, but for what says who tells it.
  const unseen = [...known.keys()].filter((name) => !asked.has(name));
  assert.deepEqual(unseen.toSorted(), [
    'darkroom_event_loop_busy_seconds_total',
    'darkroom_gateway_latency_seconds',
    'darkroom_info',
    'darkroom_queue_up',
    'darkroom_servers',
    'darkroom_steps_per_second',
    'process_cpu_seconds_total',
    'process_open_fds',
    'process_start_time_seconds',
  ]);
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    assert.ok(x + w <= 24);
    return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
  });
  assert.equal(new Set(cells).size, cells.length);
});

test('every metric is described for those who operate it, with its unit in its name', async () => {
  const text = read('docs/operate.md').replaceAll(
    'darkroom_event_loop_delay_{p50,p99,max}_seconds',
    ['p50', 'p99', 'max'].map((one) => `darkroom_event_loop_delay_${one}_seconds`).join(' '),
  );
  for (const [name, type] of await families()) {
    assert.ok(text.includes(`${name}\``) || text.includes(name), `docs/operate.md lacks ${name}`);
    assert.equal(type === 'counter', name.endsWith('_total'), `${name} is a ${type}`);
    assert.doesNotMatch(name, /_(?:ms|milliseconds|minutes|kb|mb|percent)(?:_|$)/);
    if (type === 'histogram') assert.match(name, /_seconds$/);
  }
});
