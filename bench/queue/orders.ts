import type { GenerateRequest } from '../../src/engine/request.ts';
import type { NewJob } from '../../src/queue/job.ts';
import type { WorkerFacts } from '../../src/queue/line.ts';

export const WORKER: WorkerFacts = {
  name: 'bench',
  devices: [{ name: 'cpu', loaded: [], unfit: [] }],
};

export const limits = { waitingPerUser: 1e6, waitingPerGuild: 1e6 };

/** A complete request, for benches that change a little of it. */
export const REQUEST: GenerateRequest = {
  model: 'demo',
  prompt: 'a red apple on a green background',
  negativePrompt: '',
  width: 128,
  height: 128,
  count: 1,
  steps: 20,
  guidanceScale: 5,
  sampler: 'euler',
  schedule: 'automatic',
  seed: 1n,
  variation: null,
  seedResize: null,
  etaNoiseSeedDelta: 0,
  eta: null,
  guidanceRescale: 0,
  clipSkip: 1,
  emphasis: 'original',
  rng: 'cpu',
  profile: 'a1111',
  init: null,
};

let orders = 0;
export function order(guildId: string, userId: string): NewJob {
  orders++;
  return { key: `k${orders}`, guildId, userId, request: REQUEST, context: {}, parentId: null };
}
