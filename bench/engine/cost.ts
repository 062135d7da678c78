import { costOf } from '../../src/engine/request/cost.ts';
import { textsThatReachTheEncoder } from '../../src/engine/request/encoder-texts.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { REQUEST } from '../queue/orders.ts';
import type { BenchRow } from '../row.ts';

const ROUNDS = 20_000;
const MOST_US = 20;

const request: GenerateRequest = {
  ...REQUEST,
  prompt:
    'a portrait of an old fisherman at the sea, detailed, soft light, 35mm photograph, (masterpiece:1.2)',
  negativePrompt: 'blurry, low quality',
  width: 1024,
  height: 1024,
  guidanceScale: 7,
  sampler: 'dpmpp_2m',
  schedule: 'karras',
  hires: { scale: 2, steps: 10, strength: 0.5, upscaler: 'latent' },
};

/** Microseconds of the processor a call, each with a request of its own. */
function microseconds(call: (own: GenerateRequest) => void, name: (i: number) => string): number {
  for (let i = 0; i < ROUNDS / 10; i++) call({ ...request, prompt: name(-i) });
  const began = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) call({ ...request, prompt: name(i) });
  return process.cpuUsage(began).user / ROUNDS;
}

/** What it takes to count an order, which every order waits for on the bot's thread. */
export function benchCost(): Promise<BenchRow[]> {
  const row = (name: string, value: number): BenchRow => ({
    name,
    value,
    unit: 'µs',
    target: `< ${MOST_US} µs`,
    ok: value < MOST_US,
  });
  const cost = (own: GenerateRequest): void => void costOf(own, null);
  const again = microseconds(cost, () => request.prompt);
  const fresh = microseconds(cost, (i) => `${request.prompt} ${i}`);
  const texts = microseconds(
    (own) => void textsThatReachTheEncoder(own),
    () => request.prompt,
  );
  return Promise.resolve([
    row('costOf, hires fix, a prompt seen before', again),
    row('costOf, hires fix, a new prompt', fresh),
    { name: 'textsThatReachTheEncoder, both passes', value: texts, unit: 'µs' },
  ]);
}
