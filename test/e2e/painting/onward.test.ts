import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import type { PlaygroundMessage } from '../../../playground/protocol.ts';
import {
  bytesAt,
  customIdsOf,
  fresh,
  isDone,
  isPrivate,
  picturesOf,
  textOf,
  waitUntil,
} from '../../support/discord/messages.ts';
import { slowly } from '../../support/models/slow-network.ts';
import { BEN, stagesOfFile } from '../../support/stage.ts';
import type { Stage } from '../../support/stage.ts';

const onStage = stagesOfFile(slowly(50));
const PATIENCE = 20_000;

async function lastRequest({ queue: { archive } }: Stage) {
  const [job] = await archive.recent({ limit: 1 });
  const found = await archive.request(job?.id ?? '');
  assert.ok(job && found?.kind === 'found');
  return found.request;
}

/** The button whose id ends so. */
function idEnding(message: PlaygroundMessage, end: string): string {
  const found = customIdsOf(message).find((id) => id.endsWith(end));
  assert.ok(found, `${end} in ${customIdsOf(message).join(' ')}`);
  return found;
}

type Ada = Awaited<ReturnType<Stage['user']>>;

const painted = (ada: Ada, options: Record<string, string | number | boolean>) =>
  next(ada, () => ada.command('imagine', { steps: 1, ...options }));

async function next(ada: Ada, act: () => Promise<unknown>) {
  const after = fresh(ada);
  await act();
  return after(isDone, PATIENCE);
}

test('zoom out keeps the size, a pan adds to one side, and what is there stays', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await painted(ada, { prompt: 'a red heart', seed: '3' });
    assert.ok(customIdsOf(first).length <= 16, 'calm enough to look at');
    const out = await next(ada, () => ada.press(first.id, idEnding(first, ':0-20')));
    assert.match(textOf(out), /Zoomed out from/);
    assert.match(textOf(out), /128x128 .* start picture, strength 0\.9, mask over 75 %/);
    const zoomed = await lastRequest(stage);
    assert.deepEqual([zoomed.width, zoomed.height, zoomed.count], [128, 128, 1]);
    // The middle is the picture at half its size.
    const small = await sharp(await bytesAt(picturesOf(first)[0] ?? ''))
      .resize(64, 64, { kernel: 'lanczos3' })
      .extract({ left: 20, top: 20, width: 24, height: 24 })
      .removeAlpha()
      .raw()
      .toBuffer();
    const middle = await sharp(zoomed.init?.image)
      .extract({ left: 52, top: 52, width: 24, height: 24 })
      .removeAlpha()
      .raw()
      .toBuffer();
    const worst = Math.max(...small.map((value, at) => Math.abs(value - (middle[at] ?? 0))));
    // Rounding of one resize against the other.
    assert.ok(worst <= 2, String(worst));

    const wider = await next(ada, () => ada.press(first.id, idEnding(first, ':0-left')));
    assert.match(textOf(wider), /Carried on from .*\n?/);
    assert.deepEqual(
      [(await lastRequest(stage)).width, (await lastRequest(stage)).height],
      [192, 128],
    );
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    assert.match(job?.result?.infotext ?? '', /Mask coverage: 33%/);
  });
});

test('beyond the largest side a pan says so, and nothing is ordered', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await painted(ada, { prompt: 'a', size: '2048x64' });
    await ada.press(first.id, idEnding(first, ':0-right'));
    await ada.waitForMessage((one) => isPrivate(one) && /makes 3072x64 pixels/.test(textOf(one)));
    assert.equal((await stage.queue.archive.recent({ limit: 9 })).length, 1);
  });
});

test('redo larger: the same seed with a second pass; over itself where it came from a picture', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const batch = await painted(ada, { prompt: 'a tree', seed: '10', count: 3, size: '64x64' });
    const redone = await next(ada, () =>
      ada.select(batch.id, idEnding(batch, `:use:${jobIn(batch)}`), ['2-redo']),
    );
    const request = await lastRequest(stage);
    assert.deepEqual([request.seed, request.count, request.hires?.scale], [12n, 1, 2]);
    assert.match(textOf(redone), /Larger version of[^]*hires 2x|hires 2x[^]*Larger version of/);
    const again = await next(ada, () =>
      ada.press(redone.id, idEnding(redone, `:redo:${jobIn(redone)}:0`)),
    );
    const over = await lastRequest(stage);
    assert.deepEqual([over.width, over.hires ?? null, over.init?.strength], [256, null, 0.35]);
    assert.match(textOf(again), /256x256/);
  });
});

test('a batch of four has U1 to V4, each one press', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const batch = await painted(ada, { prompt: 'a star', seed: '20', count: 4, size: '64x64' });
    for (const label of ['U1', 'U4', 'V1', 'V4']) {
      assert.ok(JSON.stringify(batch.components).includes(`"label":"${label}"`), label);
    }
    const varied = await next(ada, () => ada.press(batch.id, idEnding(batch, ':3-subtle')));
    assert.match(textOf(varied), /Variation of/);
    assert.deepEqual((await lastRequest(stage)).seed, 23n);
    await ada.press(batch.id, idEnding(batch, `:upscale:${jobIn(batch)}:1`));
    const alone = await ada.waitForMessage((one) => /Enlarged/.test(textOf(one)), PATIENCE);
    // From there on with this one picture.
    const out = await next(ada, () => ada.press(alone.id, idEnding(alone, ':1-15')));
    assert.match(textOf(out), /Zoomed out/);
  });
});

const jobIn = (message: PlaygroundMessage) => idEnding(message, '').split(':')[2] ?? '';

test('vary region: numbers and names on a grid, words in a form, the rest stays', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await painted(ada, { prompt: 'a house', seed: '5' });
    await ada.press(first.id, idEnding(first, `:region:${jobIn(first)}:0`));
    const isGrid = (one: PlaygroundMessage) =>
      customIdsOf(one).some((id) => id.includes('region-form'));
    let grid = await ada.waitForMessage(isGrid);
    assert.ok(isPrivate(grid));
    assert.match(textOf(grid), /Nothing is chosen yet/);
    const drawn = await sharp(await bytesAt(picturesOf(grid)[0] ?? '')).metadata();
    assert.deepEqual([drawn.width, drawn.height], [512, 512]);

    const form = async () => {
      const shown = await ada.press(grid.id, idEnding(grid, grid.id === '' ? '' : stateOf(grid)));
      assert.ok(shown.type === 'modal');
      return shown;
    };
    const stateOf = (one: PlaygroundMessage) =>
      customIdsOf(one).find((id) => id.includes('region-form')) ?? '';
    const words = { prompt: 'a pond', negative: '', strength: '1', area: 'whole', mask: '' };
    await ada.submitModal(await form(), words);
    await ada.waitForMessage(
      (one) => isPrivate(one) && /No part of the picture is chosen/.test(textOf(one)),
    );

    await ada.press(grid.id, idEnding(grid, '-x7'));
    grid = await ada.waitForMessage((one) => isGrid(one) && /\*\*11 %\*\*/.test(textOf(one)));
    await ada.press(grid.id, idEnding(grid, '-x8'));
    grid = await ada.waitForMessage((one) => isGrid(one) && /\*\*22 %\*\*/.test(textOf(one)));
    const repainted = await next(ada, async () => ada.submitModal(await form(), words));
    assert.ok(!isPrivate(repainted), 'what comes of a picture for all is for all');
    assert.match(textOf(repainted), /> a pond[^]*mask over 22 %[^]*A part painted anew/);
    const [before, after] = await Promise.all(
      [first, repainted].map(async (one) =>
        sharp(await bytesAt(picturesOf(one)[0] ?? ''))
          .extract({ left: 0, top: 0, width: 128, height: 64 })
          .removeAlpha()
          .raw()
          .toBuffer(),
      ),
    );
    assert.deepEqual(after, before, 'the upper half is the same');

    for (const [name, share] of [
      ['top-left', 25],
      ['left-third', 34],
      ['bottom', 50],
    ] as const) {
      await ada.select(grid.id, idEnding(grid, '-xname'), [name]);
      grid = await ada.waitForMessage(
        (one) => isGrid(one) && textOf(one).includes(`**${share} %**`),
      );
    }
    for (const name of ['middle', 'background', 'edges']) {
      await ada.press(grid.id, idEnding(grid, `-x${name}`));
      grid = await ada.waitForMessage(
        (one) => isGrid(one) && idEnding(one, `-x${name}`).includes(`-0-${name[0]}-`),
      );
    }
    assert.match(textOf(grid), /\*\*44 %\*\*/);
  });
});

test('a mask from a file: scaled when its shape fits, refused before the line when not', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const first = await painted(ada, { prompt: 'a house', seed: '5' });
    const jobs = async () => (await stage.queue.archive.recent({ limit: 50 })).length;
    await ada.press(first.id, idEnding(first, `:region:${jobIn(first)}:0`));
    const grid = await ada.waitForMessage((one) =>
      customIdsOf(one).some((id) => id.includes('region-form')),
    );
    const send = async (bytes: Buffer) => {
      const shown = await ada.press(
        grid.id,
        customIdsOf(grid).find((id) => id.includes('region-form')) ?? '',
      );
      assert.ok(shown.type === 'modal');
      const { id } = await ada.upload('mask.png', 'image/png', bytes);
      await ada.submitModal(shown, {
        prompt: 'a pond',
        negative: '',
        strength: '0,7',
        area: 'only',
        mask: [id],
      });
    };
    const filled = (width: number, height: number, part: number) =>
      sharp({ create: { width, height, channels: 3, background: '#000' } })
        .composite(
          part === 0
            ? []
            : [
                {
                  input: {
                    create: {
                      width: Math.round(width * part),
                      height,
                      channels: 3,
                      background: '#fff',
                    },
                  },
                  left: 0,
                  top: 0,
                },
              ],
        )
        .png()
        .toBuffer();
    const done = await next(ada, async () => send(await filled(512, 512, 0.5)));
    assert.match(textOf(done), /strength 0\.7, mask over 50 %/);
    const { init } = await lastRequest(stage);
    const mask = await sharp(init?.mask ?? undefined).metadata();
    assert.deepEqual([mask.width, mask.height, init?.onlyMasked], [128, 128, true]);
    const many = await jobs();
    await send(await filled(300, 128, 0.5));
    await ada.waitForMessage(
      (one) => isPrivate(one) && /300x128 pixels, which is another shape/.test(textOf(one)),
    );
    await send(await filled(128, 128, 0));
    await ada.waitForMessage((one) => isPrivate(one) && /nothing white in it/.test(textOf(one)));
    assert.equal(await jobs(), many);
    const whole = await next(ada, async () => send(await filled(128, 128, 1)));
    assert.match(textOf(whole), /mask over 100 %/);
  });
});

test('Stop says who; Keep the preview shows how far it had come, marked as unfinished', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    await ada.command('imagine', {
      prompt: 'a slow castle',
      seed: '4',
      steps: 150,
      size: '64x64',
    });
    const running = await ada.waitForMessage(
      (one) => /Step ([5-9]|\d\d) of 150/.test(textOf(one)),
      PATIENCE,
    );
    await ada.press(running.id, idEnding(running, `:stop:${jobIn(running)}`));
    const stopped = await ada.waitForMessage(
      (one) => /Stopped\.\*\* At step/.test(textOf(one)),
      PATIENCE,
    );
    const [, step = ''] = /At step (\d+) of 150/.exec(textOf(stopped)) ?? [];
    const kept = await next(ada, () => ada.press(stopped.id, idEnding(stopped, `:${step}`)));
    assert.match(
      textOf(kept),
      new RegExp(`unfinished, step ${step} of 150[^]*As far as it had come`),
    );
    const [job] = await stage.queue.archive.recent({ limit: 1 });
    assert.match(job?.result?.infotext ?? '', new RegExp(`Unfinished: ${step} of 150 steps`));
    assert.equal((await sharp(await bytesAt(picturesOf(kept)[0] ?? '')).metadata()).width, 64);

    // A moderator stops what is not theirs.
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    await ben.command('imagine', { prompt: 'a slow tower', steps: 150, size: '64x64' });
    const his = await ada.waitForMessage(
      (one) => /Step [^]*a slow tower/.test(textOf(one)),
      PATIENCE,
    );
    await ada.press(his.id, idEnding(his, `:stop:${jobIn(his)}`));
    await ada.waitForMessage(
      (one) => /Stopped\.\*\* By <@1200000000000000001>/.test(textOf(one)),
      PATIENCE,
    );
  });
});

test('a private picture is posted by its owner alone, and the policy is asked again', async () => {
  await onStage({}, async (stage) => {
    const ada = await stage.user();
    const ben = await stage.user(BEN);
    await ben.open(ada.channelId);
    const hidden = await painted(ada, { prompt: 'a secret rose', private: true, size: '64x64' });
    assert.ok(isPrivate(hidden));
    const use = idEnding(hidden, `:use:${jobIn(hidden)}`);
    await stage.settings.changePolicy('1300000000000001000', { words: ['rose'] });
    await ada.select(hidden.id, use, ['0-post']);
    await ada.waitForMessage(
      (one) => isPrivate(one) && /do not allow this prompt/.test(textOf(one)),
    );
    await stage.settings.changePolicy('1300000000000001000', { words: [] });
    await ada.select(hidden.id, use, ['0-post']);
    const posted = await ben.waitForMessage(
      (one) => /Posted by <@1200000000000000001>/.test(textOf(one)),
      PATIENCE,
    );
    assert.equal(picturesOf(posted).length, 1);
    await waitUntil(() => ben.messages().some(({ id }) => id === posted.id), 'seen by all');
    await ben.select(hidden.id, use, ['0-post']).catch(() => {});
    assert.equal(ben.messages().filter((one) => /Posted by/.test(textOf(one))).length, 1);
  });
});
