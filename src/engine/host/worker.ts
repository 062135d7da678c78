/**
 * The engine's far side: a message loop around the pipeline, the same in a worker thread and in a forked child.
 * It answers one generation at a time and never stops inside a network run; a run cannot be interrupted, and ending
 * a thread in the middle of one aborts the whole process.
 */
import { join } from 'node:path';
import { keepUnpackedIn } from '../checkpoint/file/weights-cache.ts';
import { keepEmbeddingsIn } from '../text/language/embedding-store.ts';
import { planMemoryBy } from '../families/opening/memory-plan.ts';
import { CancelledError } from '../errors.ts';
import { LoadedModels } from './loaded-models.ts';
import { flattenError, type HostConfig, type ToWorker } from './messages.ts';
import { connect } from './worker-link.ts';
import { useLibrariesIn } from '../native/own-libraries.ts';
import { createModelCache } from '../model/cache.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { createBatcher, type Batcher, type Member } from '../network/sharing/batcher.ts';
import { useThreads } from '../network/threads.ts';
import {
  mayHaveLanes,
  rememberedSharing,
  type SharingFigures,
} from '../network/sharing/sharing-pays.ts';
import type { PaintHooks } from '../pipeline/options.ts';
import { generate } from '../pipeline/pipeline.ts';
import { createProgressSender } from './progress-sender.ts';
import { explain, ownBuffer } from './crossing.ts';

type Job = Extract<ToWorker, { type: 'generate' }>;

const clock = { ms: 0 };
const controllers = new Map<number, AbortController>();
const link = connect(receive, close);

/** Runs that share their evaluations; the first one's model is everybody's. */
type Group = {
  key: string;
  model: PromiseWithResolvers<LoadedModel>;
  batcher: Promise<Batcher> | null;
  joined: Set<Promise<void>>;
};

let group: Group | null = null;
let sharing: ReturnType<typeof rememberedSharing> | null = null;
let models: LoadedModels;
/** Jobs, preloading and closing run strictly one after the other. */
let line: Promise<void> = Promise.resolve();
let closing = false;

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'start':
      start(message.config);
      return;
    case 'generate': {
      controllers.set(message.id, new AbortController());
      if (message.joins && group !== null && group.key === message.share && !closing) {
        takeIn(group, message);
      } else enqueue(() => lead(message));
      return;
    }
    case 'cancel':
      controllers.get(message.id)?.abort();
      return;
    case 'ping':
      link.post({ type: 'pong' });
      return;
    case 'reload':
      enqueue(reload);
      return;
    case 'close':
      close();
  }
}

async function reload(): Promise<void> {
  if (closing) return;
  await models.reload();
}

function enqueue(work: () => Promise<void>): void {
  line = line.then(work, work);
}

/** One run, and all that join it: nothing else begins before the last of them has ended. */
async function lead(job: Job): Promise<void> {
  if (sharing === null || job.share === null) return serve(job, null);
  const model = Promise.withResolvers<LoadedModel>();
  model.promise.catch(() => {});
  const own: Group = { key: job.share, model, batcher: null, joined: new Set() };
  group = own;
  await serve(job, own);
  model.reject(new CancelledError());
  while (own.joined.size > 0) await Promise.all(own.joined);
  group = null;
}

function takeIn(to: Group, job: Job): void {
  const run: Promise<void> = serve(job, to, true).finally(() => to.joined.delete(run));
  to.joined.add(run);
}

function start(config: HostConfig): void {
  if (config.dataDir !== null) {
    keepUnpackedIn(join(config.dataDir, 'weights'));
    keepEmbeddingsIn(join(config.dataDir, 'embeddings'));
    useLibrariesIn(join(config.dataDir, 'cuda'));
  }
  useThreads(config.threads);
  planMemoryBy({ limit: config.modelMemoryBytes, quantise: config.quantise });
  const cache = createModelCache({
    device: config.device,
    deviceIndex: config.deviceIndex,
    budgetBytes: config.modelCacheBytes,
    clock,
    stepDeadlineMs: config.stepDeadlineMs,
    warn: (fields, message) => link.post({ type: 'log', level: 'warn', fields, message }),
    tell: (fields, message) => link.post({ type: 'log', level: 'info', fields, message }),
  });
  models = new LoadedModels({
    modelsDir: config.modelsDir,
    cache,
    post: link.post,
    onFresh: learnSharing,
  });
  if (config.sharing) sharing = rememberedSharing(config.dataDir);
  link.post({ type: 'ready' });
  const { preload } = config;
  if (preload === null) return;
  enqueue(async () => {
    try {
      if (!closing) await models.use(preload);
    } catch (error) {
      const fields = { model: preload, error: flattenError(error).message };
      link.post({ type: 'log', level: 'warn', fields, message: 'model could not be preloaded' });
    }
  });
}

/** How many people's pictures of this model are best painted together: remembered, or measured behind the first picture. */
async function learnSharing(model: LoadedModel): Promise<void> {
  if (sharing === null) return;
  const known = await sharing.known(model);
  if (known !== null) tellSharing(model, known);
  const isWhole = known?.lanes !== undefined || !mayHaveLanes(model, models.room());
  if (known === null || !isWhole) enqueue(() => measureSharing(model));
}

async function measureSharing(model: LoadedModel): Promise<void> {
  if (sharing === null || closing || !models.holds(model)) return;
  const { name } = model.entry.info;
  try {
    const figures = await sharing.measure(model, models.room());
    tellSharing(model, figures);
    const fields = { model: name, ...figures };
    link.post({ type: 'log', level: 'info', fields, message: 'shared evaluations were measured' });
  } catch (error) {
    // What cannot be measured is painted one by one.
    const fields = { model: name, error: flattenError(error).message };
    const message = 'shared evaluations could not be measured';
    link.post({ type: 'log', level: 'warn', fields, message });
  }
}

function tellSharing({ entry: { info } }: LoadedModel, figures: SharingFigures): void {
  const people = figures.lanes?.people ?? figures.people;
  const pixels = info.nativeSize.width * info.nativeSize.height;
  link.post({ type: 'sharing', model: info.name, people, pixels });
}

/** Forms batches of its runs' questions: in lanes, where those were measured to gain and there is room. */
async function openBatcher(model: LoadedModel): Promise<Batcher> {
  const { lanes, entry } = model;
  const figures = await sharing?.known(model);
  const count = figures?.lanes?.count ?? 0;
  const mayOpen = lanes !== null && !lanes.isBroken() && count * lanes.bytesEach <= models.room();
  if (!mayOpen || !figures || count === 0) return createBatcher(model);
  return createBatcher(model, {
    open: () => lanes.open(count),
    onLost(error) {
      lanes.giveUp();
      tellSharing(model, { ...figures, lanes: null });
      const fields = { model: entry.info.name, lanes: count, error: flattenError(error).message };
      const message = 'lanes broke, evaluations go on without them';
      link.post({ type: 'log', level: 'warn', fields, message });
    },
  });
}

async function serve(
  { id, request, options }: Job,
  among: Group | null,
  joins = false,
): Promise<void> {
  const controller = controllers.get(id) as AbortController;
  const sender = createProgressSender((progress) => link.post({ type: 'progress', id, progress }));
  let member: Member | null = null;
  try {
    if (closing || controller.signal.aborted) throw new CancelledError();
    const began = performance.now();
    const tellLoading = (): void =>
      sender.send({ phase: 'loading', step: 0, steps: request.steps });
    const { model, refiner } =
      joins && among !== null
        ? { model: await among.model.promise, refiner: null }
        : await models.ofRequest(request, tellLoading);
    if (among !== null) {
      among.model.resolve(model);
      among.batcher ??= openBatcher(model);
      member = (await among.batcher).join();
    }
    const shared = member ?? model;
    const hooks: PaintHooks = {
      signal: controller.signal,
      clock,
      loadMs: performance.now() - began,
      onProgress: sender.send,
      unetOf: ({ unet }) => (unet === model.unet ? shared.unet : unet),
      vaeDecoder: shared.vaeDecoder,
      onJournal: (records) =>
        link.post(
          { type: 'journal', id, records },
          [ownBuffer(records)].filter((b) => b !== null),
        ),
    };
    const result = await generate(request, model, options, hooks, refiner);
    const others = member?.othersMs() ?? 0;
    if (others > 0) result.timings.others_ms = others;
    sender.flush();
    link.post(
      { type: 'done', id, result },
      result.images.map(({ png }) => ownBuffer(png)).filter((b) => b !== null),
    );
  } catch (error) {
    sender.flush();
    link.post({ type: 'failed', id, error: flattenError(explain(error, request)) });
  } finally {
    member?.leave();
    controllers.delete(id);
  }
}

function close(): void {
  if (closing) return;
  closing = true;
  for (const controller of controllers.values()) controller.abort();
  enqueue(async () => {
    await models?.release();
    link.post({ type: 'closed' });
    link.unlink();
  });
}
