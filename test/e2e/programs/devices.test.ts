import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { textFor } from '../../../src/bot/text/text.ts';
import { loadConfig } from '../../../src/config.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { DeviceError } from '../../../src/engine/errors.ts';
import {
  asOneEngine,
  createDevices,
  type Device,
  startDevices,
} from '../../../src/runner/devices.ts';
import { textOf, waitUntil } from '../../support/discord/messages.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { MODELS } from '../../support/engine.ts';
import { SMALL } from '../../support/hall.ts';
import { BEN, onStage } from '../../support/stage.ts';

const GALLERY = '1300000000000001102';

let devices: readonly Device[];
let engine: Engine;
before(async () => {
  const config = loadConfig({
    DEVICES: 'cpu,cpu',
    MODELS_DIR: MODELS,
    ORT_THREADS: '1',
    SHARED_EVALUATIONS: 'off',
  });
  devices = await startDevices({ ...config, childEnvironment: slowly(100) }, memoryLog().log);
  engine = asOneEngine(devices);
});
after(() => engine.close());

test('two devices paint for two people at the same time, and are shown', async () => {
  await onStage(engine, { devices }, async (stage) => {
    const pids = devices.map((device) => device.engine.status().pid);
    assert.equal(new Set(pids).size, 2, 'a process each');
    const [ada, ben] = [await stage.user(), await stage.user(BEN)];
    await ada.command('imagine', { prompt: 'a tree', steps: 100, ...SMALL });
    await ben.command('imagine', { prompt: 'a house', steps: 100, ...SMALL });
    const running = async () =>
      (await stage.queue.archive.unsettled()).filter(({ status }) => status === 'running');
    await waitUntil(async () => (await running()).length === 2, 'both run', 60_000);
    assert.deepEqual((await running()).map(({ device }) => device).toSorted(), ['cpu:0', 'cpu:1']);

    const areBusy = () => devices.every((device) => device.status().state === 'busy');
    await waitUntil(areBusy, 'both paint', 60_000);

    await ada.command('queue');
    const queue = textOf(await ada.waitForMessage((one) => /### Queue/.test(textOf(one))));
    assert.match(queue, /\*\*yours:\*\* a tree · on cpu:0/);
    assert.match(queue, /a picture for <@\d+> · on cpu:1/);
    await ada.command('models');
    const models = textOf(await ada.waitForMessage((one) => /### Models/.test(textOf(one))));
    assert.match(models, /\*\*cpu:0\*\* · painting/);
    assert.match(models, /\*\*cpu:1\*\* · painting/);
    await ada.command('stats');
    assert.match(
      textOf(await ada.waitForMessage((one) => /The last 30 days/.test(textOf(one)))),
      /\*\*cpu:1\*\* · painting/,
    );
    for (const { id, userId } of await running()) {
      await stage.queue.line.cancel(id, { userId, moderator: false });
    }
    await waitUntil(async () => (await stage.queue.archive.unsettled()).length === 0, 'settled');
  });
});

test('a device whose engine dies gives its job to the other one, and the owner hears of it; the picture is the same', async () => {
  const bot = { alarms: { everyMs: 20 } };
  await onStage(engine, { devices, bot }, async (stage) => {
    const [ada, ben] = [await stage.user(), await stage.user(BEN)];
    await stage.rule.change((now) => ({ ...now, alarms: GALLERY }), textFor('en'));
    await ben.open(GALLERY);
    const options = { prompt: 'a boat', seed: '7', steps: 15, ...SMALL };
    await ada.command('imagine', options);
    const job = async () => (await stage.queue.archive.recent({ limit: 1 }))[0];
    await waitUntil(async () => (await job())?.status === 'running', 'running', 60_000);
    const victim = devices.find(
      ({ name, engine: { status } }) => name && status().state === 'busy',
    );
    const pid = victim?.engine.status().pid;
    assert.ok(typeof pid === 'number');
    process.kill(pid, 'SIGKILL');
    const isAlarm = ({ content }: { content: string }) => /engine/i.test(content);
    const alarm = await ben.waitForMessage(isAlarm, 60_000);
    assert.match(alarm.content, /\*\*The engine broke down and started again\*\*\. The log/);
    await waitUntil(async () => (await job())?.status === 'done', 'done', 60_000);
    const { id, attempt } = (await job())!;
    assert.equal(attempt, 2);
    const png = await stage.pictures.get(`${id}-0.png`);

    await ada.command('imagine', options);
    await waitUntil(async () => (await job())?.id !== id, 'ordered again', 60_000);
    await waitUntil(async () => (await job())?.status === 'done', 'done again', 60_000);
    assert.deepEqual(await stage.pictures.get(`${(await job())!.id}-0.png`), png);
    assert.equal(ben.messages().filter(isAlarm).length, 1);
  });
});

test('a device that is set aside is told to the owner once, and shown with the time of its next try', async () => {
  const bot = { alarms: { everyMs: 20 } };
  const sick = createDevices(
    devices.map(({ name, engine: own }) => ({ name, engine: own })),
    memoryLog().log,
  );
  await onStage(asOneEngine(sick), { devices: sick, bot }, async (stage) => {
    const ben = await stage.user(BEN);
    await stage.rule.change((now) => ({ ...now, alarms: GALLERY }), textFor('en'));
    await ben.open(GALLERY);
    sick[1]!.note({ id: 'a1' }, 'demo', new DeviceError('CUDA says: 13 % of *numbers* are wrong'));
    const isAlarm = ({ content }: { content: string }) => /out of order/.test(content);
    const { content } = await ben.waitForMessage(isAlarm, 60_000);
    assert.match(
      content,
      /cpu:1 is out of order\*\*: CUDA says.*wrong\. It is tried again <t:\d+:R>/,
    );
    await ben.command('models');
    const models = await ben.waitForMessage((one) => /### Models/.test(textOf(one)));
    assert.match(textOf(models), /\*\*cpu:1\*\* · out of order, tried again <t:\d+:R>/);
    assert.equal(ben.messages().filter(isAlarm).length, 1);
  });
});
