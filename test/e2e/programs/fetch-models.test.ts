import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { compileCache } from '../../../src/engine/host/compile-cache.ts';
import { openModelShelf } from '../../../src/hub/model-shelf.ts';
import { type LocalHub, openLocalHub } from '../../hub/local-hub.ts';
import { checkpoint, COMMIT, temporaryFolder, visible } from '../../hub/models-to-fetch.ts';
import { isPrivate, textOf } from '../../support/discord/messages.ts';
import { answerTo } from '../../support/discord/owner-desk.ts';
import { BEN, stagesOfFile } from '../../support/stage.ts';

const onStage = stagesOfFile();
const FILE = 'org/one/model.safetensors';
let hub: LocalHub;
before(async () => {
  hub = await openLocalHub();
});
after(() => hub.close());

test('the owner fetches, verifies and removes a model in Discord, and sees how far it is', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.set('org/one', {
    files: { 'model.safetensors': checkpoint() },
    commit: COMMIT,
    licence: 'openrail',
    token: 'hf_secret',
  });
  const access = {
    hub: hub.address,
    hubToken: 'hf_secret',
    civitai: hub.address,
    civitaiToken: null,
  };
  const shelf = openModelShelf({ modelsDir, access, half: true, childEnvironment: compileCache() });
  t.after(() => shelf.close());
  await onStage({ bot: { shelf } }, async (stage) => {
    const [ada, ben] = [await stage.user(), await stage.user(BEN)];
    const models = (user: typeof ada, options: Record<string, string>) =>
      answerTo(user, () => user.command('models', options));
    assert.match(await models(ben, { fetch: 'org/one' }), /for the owner of the bot alone/);
    assert.match(await models(ben, { remove: 'x' }), /for the owner of the bot alone/);
    assert.match(await models(ben, {}), /### Models/);
    await assert
      .rejects(ben.autocomplete('models', 'fetch', ''), /No choices|\[\]/)
      .catch(() => {});

    hub.faults.set(FILE, { slow: { ms: 30, chunk: 60_000 } });
    const seen = (what: RegExp) =>
      ada.waitForMessage((one) => isPrivate(one) && what.test(textOf(one)), 60_000);
    await ada.command('models', { fetch: 'org/one', as: 'mine' });
    const progress = await seen(/\*\*Fetching\*\* org\/one · .* of 7\.3 MB\n`[█░]{20}` \d+ %/);
    const done = await seen(
      /\*\*mine\*\* is fetched \(7\.3 MB\) and can be chosen\.\n-# Licence: openrail/,
    );
    assert.equal(done.id, progress.id, 'one message from the first byte to the last');
    assert.deepEqual(await visible(modelsDir), ['mine.safetensors']);

    await ada.command('models', { verify: 'mine' });
    await seen(/\*\*mine\*\* is whole: 1 file as fetched/);
    await writeFile(path.join(modelsDir, 'mine.safetensors'), 'damaged');
    await ada.command('models', { verify: 'mine' });
    await seen(/\*\*mine\*\* is damaged: .*has 7 bytes/);
    const choices = await ada.autocomplete('models', 'remove', 'mi');
    assert.deepEqual(
      choices.map(({ value }) => value),
      ['mine'],
    );
    const known = await ada.autocomplete('models', 'fetch', 'refiner');
    assert.deepEqual(
      known.map(({ value }) => value),
      ['sdxl-refiner'],
    );
    assert.match(
      await models(ada, { remove: 'mine' }),
      /\*\*mine\*\* is removed: 7\.3 MB are free/,
    );
    assert.deepEqual(await visible(modelsDir), []);

    hub.faults.set(FILE, { otherBytes: true });
    await ada.command('models', { fetch: 'org/one' });
    await seen(/SHA-256 [0-9a-f]{64} was told/);
    assert.match(
      await models(ada, { fetch: 'file:///etc/passwd' }),
      /is not fetched\\?: only http/,
    );
    assert.match(await models(ada, { remove: 'mine' }), /No model called mine was fetched/);
    // Nobody sees the token: not in a message, not in the log.
    const all = JSON.stringify([stage.exchanges.map(({ path: at }) => at), stage.lines]);
    assert.ok(!all.includes('hf_secret'));
  });
});

test('a bot that ends in the middle of a fetch leaves no half model, and the next one goes on', async (t) => {
  const modelsDir = await temporaryFolder(t);
  hub.repositories.set('org/one', { files: { 'model.safetensors': checkpoint() }, commit: COMMIT });
  hub.faults.set(FILE, { slow: { ms: 20, chunk: 60_000 } });
  const access = { hub: hub.address, hubToken: null, civitai: hub.address, civitaiToken: null };
  const open = () =>
    openModelShelf({ modelsDir, access, half: true, childEnvironment: compileCache() });
  const first = open();
  const begun = Promise.withResolvers<void>();
  const told = {
    as: null,
    onPlan() {},
    onProgress: (done: number) => void (done > 200_000 && begun.resolve()),
  };
  const fetching = first.pull('org/one', told);
  const ended = assert.rejects(fetching, /cancelled/);
  await begun.promise;
  first.close();
  await ended;
  assert.deepEqual(await visible(modelsDir), []);
  hub.faults.clear();
  hub.asked.length = 0;
  const next = open();
  t.after(() => next.close());
  const { name, bytes, needs } = await next.pull('org/one', { ...told, onProgress() {} });
  assert.deepEqual([name, bytes, needs], ['model', checkpoint().byteLength, null]);
  const ranges = hub.asked.filter(({ at }) => at === 'store').map(({ range }) => range);
  assert.match(ranges.join(), /^bytes=\d{6,}-$/);
});
