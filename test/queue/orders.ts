import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Job, NewJob, StoredResult } from '../../src/queue/job.ts';
import type { Measurement } from '../../src/queue/measurement.ts';
import type { Lease, Line, WorkerFacts } from '../../src/queue/line.ts';

/** A complete request; small, so that a real engine could paint it too. */
export function aRequest(over: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    model: 'demo',
    prompt: 'a red apple on a green background',
    negativePrompt: '',
    width: 128,
    height: 128,
    count: 1,
    steps: 10,
    guidanceScale: 5,
    sampler: 'euler',
    schedule: 'automatic',
    seed: 2n ** 63n + 5n,
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
    ...over,
  };
}

let made = 0;

/** An order with a fresh key. */
export function anOrder(over: Partial<NewJob> = {}): NewJob {
  return {
    key: `interaction-${++made}`,
    guildId: 'guild-a',
    userId: 'user-a',
    request: aRequest(),
    context: { channelId: '10', messageId: null },
    parentId: null,
    ...over,
  };
}

export function aResult(id: string): StoredResult {
  return {
    images: [{ key: `${id}-0.png`, seed: '18446744073709551615', width: 128, height: 128 }],
    infotext: 'a red apple\nSteps: 10, Sampler: Euler',
    provider: 'cpu',
    modelHash: '0123456789',
    seconds: 1.5,
  };
}

/** One evaluation of a 128x128 picture takes `stepSeconds`. */
export function aMeasurement(over: Partial<Measurement> = {}): Measurement {
  return {
    model: 'demo',
    pixels: 128 * 128,
    images: 1,
    guided: true,
    steps: 10,
    stepSeconds: 0.1,
    fixedSeconds: 0,
    ...over,
  };
}

/** One that can run everything, one job at a time. */
export const WORKER: WorkerFacts = {
  name: 'a worker',
  devices: [{ name: 'cpu', loaded: [], unfit: [] }],
};

export function leaseOf(id: string, attempt: number): Lease {
  return { id, attempt, worker: WORKER.name, device: 'cpu' };
}

/** The next job for a worker that can run everything; null when none waits. */
export async function claimJob(line: Pick<Line, 'claim'>): Promise<Job | null> {
  return (await line.claim(WORKER))?.job ?? null;
}
