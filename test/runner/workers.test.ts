import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerReport, Workers } from '../../src/queue/contracts.ts';
import { placeOfJob, withWorkers } from '../../src/runner/workers.ts';

test('a bot without an engine lives as long as its queue can be asked, whoever paints', async (t) => {
  let isAway = false;
  const workers: Workers = {
    report: async () => {},
    leave: async () => {},
    async list() {
      if (isAway) throw new Error('away');
      return [];
    },
  };
  const engine = withWorkers(null, { workers, name: 'bot' });
  t.after(() => engine.close());
  assert.equal(await engine.answers(1000), true);
  isAway = true;
  assert.equal(await engine.answers(1000), false);
  isAway = false;
  assert.equal(await engine.answers(1000), true);
});

test('devices go by their hosts, and by their programs where a host has several; a job runs on one of those', async (t) => {
  const device = (name: string): WorkerReport['devices'][number] => ({
    name,
    state: 'idle',
    provider: 'cpu',
    loaded: [],
    aside: null,
  });
  const report = (name: string, ...devices: string[]): WorkerReport => ({
    name,
    models: [],
    devices: devices.map(device),
  });
  const reports = [
    report('big-box-7', 'cuda:0', 'cuda:1'),
    report('desk-12', 'desk-12'),
    report('desk-34', 'desk-34'),
    report('attic-5', 'attic-5'),
  ];
  const workers = { report: async () => {}, leave: async () => {}, list: async () => reports };
  const engine = withWorkers(null, { workers, name: 'bot-1' });
  t.after(() => engine.close());
  await engine.models();
  const status = engine.status();
  assert.deepEqual(
    status.devices?.map(({ name }) => name),
    ['big-box/cuda:0', 'big-box/cuda:1', 'desk-12', 'desk-34', 'attic'],
  );
  const placeOf = (worker: string | null, name: string | null) =>
    placeOfJob(status, { worker, device: name });
  assert.equal(placeOf('big-box-7', 'cuda:1'), 'big-box/cuda:1');
  assert.equal(placeOf('desk-34', 'cpu'), 'desk-34');
  assert.equal(placeOf('attic-5', 'cpu'), 'attic');
  assert.equal(placeOf('gone-3', 'cpu'), 'cpu');
  assert.equal(placeOf(null, null), null);
});
