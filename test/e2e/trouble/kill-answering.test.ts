import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '../../../playground/playground.ts';
import { type Hall, idsOf, imagine, inHall, order, shownJobs, story } from '../../support/hall.ts';
import { customIdsOf, textOf, waitUntil } from '../../support/discord/messages.ts';
import { patience } from '../../support/machine/patience.ts';

const isFinalEdit = ({ method, route, request }: Exchange) =>
  method === 'PATCH' &&
  /@original/.test(route ?? '') &&
  /"\d+:recipe:/.test(JSON.stringify(request));

const isDeferral = ({ method, route, request }: Exchange) =>
  method === 'POST' &&
  /callback/.test(route ?? '') &&
  (request as { type?: unknown } | null)?.type === 5;

const isEnlargedEdit = ({ method, request }: Exchange) =>
  method === 'PATCH' && /Enlarged|\*Upscaled/.test(JSON.stringify(request));

test('kill -9 while Discord is answered', { timeout: patience(290_000) }, async (t) => {
  await inHall(async (hall) => {
    let told = '';
    await story(
      t,
      'between the acknowledgement and the order: the message says so and nothing waits for ever; an Upscale just before it arrives, or says so too',
      async () => void (told = await beforeTheOrder(hall)),
    );
    await story(
      t,
      'around the upload: before its answer is recorded; nothing else is told again by the next start',
      () => aroundTheUpload(hall, told),
    );
    await story(
      t,
      'in the middle of an Upscale: an order like any other, its copy arrives once',
      () => inAnUpscale(hall),
    );
    assert.equal(await hall.stop(), 0);
  });
});

const sayingSo = ({ ada }: Hall) =>
  ada.messages().filter((one) => /restarted before/.test(textOf(one)));
const enlarged = ({ ada }: Hall) =>
  ada.messages().filter((one) => /Enlarged|Upscaled/.test(textOf(one)));
const thinking = ({ ada }: Hall) => ada.messages().filter((one) => one.thinking === true);

/** Presses the Upscale of the message that came last. */
async function upscaleLast({ ada }: Hall): Promise<void> {
  const picture = ada.messages().at(-1)!;
  const id = customIdsOf(picture).find((one) => one.split(':')[1] === 'upscale') ?? '';
  await ada.press(picture.id, id);
}

/** Answers what was told. */
async function beforeTheOrder(hall: Hall): Promise<string> {
  const { ada } = hall;
  await imagine(hall, 'one that is made', 2);
  await waitUntil(() => shownJobs(hall).length === 1, 'the first picture', 30_000);
  let deferrals = 0;
  hall.onExchange = (exchange) => {
    if (isDeferral(exchange) && ++deferrals === 2) hall.program.kill('SIGKILL');
  };
  await upscaleLast(hall);
  await ada.command('imagine', { prompt: 'never noted', steps: 2 });
  await waitUntil(() => hall.program.signalCode !== null, 'dead');
  const { id, thinking: thinks } = ada.messages().at(-1)!;
  assert.equal(thinks, true);
  hall.onExchange = () => {};
  hall.start();
  await waitUntil(() => thinking(hall).length === 0, 'told', 30_000);
  const told = ada.messages().find((message) => message.id === id);
  assert.match(textOf(told!), /restarted before I could note this down/);
  // What was not yet an order is told; an order survives.
  const answers = () => sayingSo(hall).length + enlarged(hall).length;
  await waitUntil(() => answers() === 2, 'the copy, or words', 30_000);
  assert.equal(ada.messages().length, 3);
  return textOf(told!);
}

/** `told`: what the program said of an order that it had not noted, before it is killed here. */
async function aroundTheUpload(hall: Hall, told: string): Promise<void> {
  const said = sayingSo(hall).length;
  let finals = 0;
  // The answer is on its way: the picture is there, and the program dies before it can note that.
  hall.onExchange = (exchange) => {
    if (!isFinalEdit(exchange)) return;
    finals++;
    if (finals === 1) hall.program.kill('SIGKILL');
  };
  await imagine(hall, 'shown, not recorded', 2);
  await waitUntil(() => finals === 1, 'the upload', 30_000);
  await waitUntil(() => hall.program.signalCode !== null, 'dead');
  const ids = idsOf(hall);
  hall.start();
  await waitUntil(() => finals === 2, 'delivered again, as an edit', 30_000);
  const shown = shownJobs(hall).length;
  await imagine(hall, 'the next one', 2);
  await waitUntil(() => shownJobs(hall).length === shown + 1, 'the next picture', 30_000);
  await sleep(300);
  assert.equal(finals, 3, 'what was recorded is not delivered again');
  assert.deepEqual(idsOf(hall).slice(0, -1), ids, 'each in its own place');
  const copies = enlarged(hall).length;
  assert.equal(new Set(shownJobs(hall)).size, shownJobs(hall).length - copies, 'each picture once');
  assert.equal(sayingSo(hall).length, said);
  assert.equal(textOf(sayingSo(hall).at(-1)!), told, 'told once');
  hall.onExchange = () => {};
}

/** Of the picture that came last. */
async function inAnUpscale(hall: Hall): Promise<void> {
  const { ada } = hall;
  const [said, copies] = [sayingSo(hall).length, enlarged(hall).length];
  // As soon as it is shown, before that can be noted.
  hall.onExchange = (exchange) => {
    if (isEnlargedEdit(exchange)) hall.program.kill('SIGKILL');
  };
  await upscaleLast(hall);
  await waitUntil(() => hall.program.signalCode !== null, 'dead');
  hall.onExchange = () => {};
  const before = ada.messages().length;
  hall.start();
  await waitUntil(() => thinking(hall).length === 0, 'all answers are there', 30_000);
  await order(hall, 'help', {});
  await waitUntil(() => enlarged(hall).length === copies + 1, 'the copy', 30_000);
  assert.equal(sayingSo(hall).length, said);
  assert.equal(ada.messages().length, before + 1, 'and the help');
}
