/**
 * The engine's far side: a message loop around the pipeline, the same in a worker thread and in a forked child.
 * It answers one generation at a time and never stops inside a network run; a run cannot be interrupted, and ending
 * a thread in the middle of one aborts the whole process.
 */
import { join } from 'node:path';
import { keepUnpackedIn } from '../checkpoint/file/weights-cache.ts';
import { keepEmbeddingsIn } from '../text/language/embedding-store.ts';
import { planMemoryBy } from '../families/opening/memory-plan.ts';
import { parentPort, type Transferable } from 'node:worker_threads';
import { NO_WISHES, type Wishes } from '../checkpoint/companions.ts';
import { CancelledError } from '../errors.ts';
import { type LoraUse, promptOf } from '../lora/tags.ts';
import { PERTURBATION } from '../guidance/perturbation.ts';
import { loraEdit } from '../lora/lora-edit.ts';
import { chooseLoras } from '../lora/loras.ts';
import { flattenError, type FromWorker, type HostConfig, type ToWorker } from './messages.ts';
import { useLibrariesIn } from '../native/own-libraries.ts';
import { createModelCache, type ModelCache } from '../model/cache.ts';
import type { LoadedModel } from '../model/loader.ts';
import { createMeeting, type Meeting, type Member } from '../network/sharing/meeting.ts';
import { useThreads } from '../network/threads.ts';
import {
  mayHaveLanes,
  rememberedSharing,
  type SharingFigures,
} from '../network/sharing/sharing-pays.ts';
import { ChangedError } from '../model/model-files.ts';
import type { RegistryEntry } from '../model/found/entries.ts';
import { openRegistry, type Registry } from '../model/registry.ts';
import type { PaintHooks } from '../pipeline/options.ts';
import { generate } from '../pipeline/pipeline.ts';
import type { GenerateRequest } from '../request.ts';
import { createProgressSender } from './progress-sender.ts';
import { explain, ownBuffer } from './crossing.ts';

type Link = {
  post(message: FromWorker, transfer?: Transferable[]): void;
  /** Stop listening: with nothing left to do the host ends by itself. */
  unlink(): void;
};

type Job = Extract<ToWorker, { type: 'generate' }>;

const clock = { ms: 0 };
const controllers = new Map<number, AbortController>();
const link = connect(receive);

let modelsDir: string;
/** Runs that share their evaluations; the first one's model is everybody's. */
type Group = {
  key: string;
  model: PromiseWithResolvers<LoadedModel>;
  meeting: Promise<Meeting> | null;
  joined: Set<Promise<void>>;
};

let group: Group | null = null;
let sharing: ReturnType<typeof rememberedSharing> | null = null;
let registry: Registry;
let cache: ModelCache;
/** Jobs, preloading and closing run strictly one after the other. */
let line: Promise<void> = Promise.resolve();
let closing = false;

function connect(listener: (message: ToWorker) => void): Link {
  if (parentPort !== null) {
    const port = parentPort;
    port.on('message', listener);
    return {
      post: (message, transfer) => port.postMessage(message, transfer),
      unlink: () => port.close(),
    };
  }
  process.on('message', (message) => listener(message as ToWorker));
  // A terminal sends Ctrl-C to the whole group and a service manager may do so with SIGTERM; the parent decides
  // when to stop, and its end closes the channel.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.once('disconnect', close);
  return {
    post(message) {
      if (process.connected) process.send?.(message, () => {});
    },
    unlink() {
      if (process.connected) process.disconnect();
    },
  };
}

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
  registry = openRegistry(modelsDir);
  found.clear();
  await cache.releaseAll();
  tellLoaded();
}

function enqueue(work: () => Promise<void>): void {
  line = line.then(work, work);
}

/** One run, and all that join it: nothing else begins before the last of them has ended. */
async function lead(job: Job): Promise<void> {
  if (sharing === null || job.share === null) return serve(job, null);
  const model = Promise.withResolvers<LoadedModel>();
  model.promise.catch(() => {});
  const own: Group = { key: job.share, model, meeting: null, joined: new Set() };
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
  modelsDir = config.modelsDir;
  registry = openRegistry(modelsDir);
  cache = createModelCache({
    device: config.device,
    deviceIndex: config.deviceIndex,
    budgetBytes: config.modelCacheBytes,
    clock,
    stepDeadlineMs: config.stepDeadlineMs,
    warn: (fields, message) => link.post({ type: 'log', level: 'warn', fields, message }),
    tell: (fields, message) => link.post({ type: 'log', level: 'info', fields, message }),
  });
  if (config.sharing) sharing = rememberedSharing(config.dataDir);
  link.post({ type: 'ready' });
  const { preload } = config;
  if (preload === null) return;
  enqueue(async () => {
    try {
      if (!closing) await use(preload);
    } catch (error) {
      const fields = { model: preload, error: flattenError(error).message };
      link.post({ type: 'log', level: 'warn', fields, message: 'model could not be preloaded' });
    }
  });
}

/** Reading a folder anew costs as much as packing a small picture: once in a while is soon enough to notice a change. */
const LOOK_AGAIN_MS = 5000;
const found = new Map<string, { entry: RegistryEntry; at: number }>();

async function find(model: string, wishes: Wishes): Promise<RegistryEntry> {
  const key = JSON.stringify([model, wishes]);
  const known = found.get(key);
  if (known !== undefined && performance.now() - known.at < LOOK_AGAIN_MS) return known.entry;
  found.delete(key);
  const entry = await registry.find(model, wishes);
  // A checkpoint is mapped: one that was replaced must not be painted with once more, and looking is cheap beside it.
  if (entry.layout.denoiser.kind === 'file') found.set(key, { entry, at: performance.now() });
  return entry;
}

type Wanted = {
  beside?: LoadedModel | null;
  uses?: readonly LoraUse[];
  perturbed?: boolean;
  wishes?: Wishes;
};

/** As `open`; a model whose files were replaced a moment ago is read anew. */
async function use(...wanted: Parameters<typeof open>): Promise<LoadedModel> {
  try {
    return await open(...wanted);
  } catch (error) {
    if (!(error instanceof ChangedError)) throw error;
    found.clear();
    return open(...wanted);
  }
}

/** `onLoad` is called when the model is not at hand; `beside` stays loaded. */
async function open(
  model: string,
  onLoad: () => void = () => {},
  { beside = null, uses = [], perturbed = false, wishes = NO_WISHES }: Wanted = {},
): Promise<LoadedModel> {
  const entry = await find(model, wishes);
  const loras = await chooseLoras(uses, entry.layout.beside);
  const edits = [...loras.map(loraEdit), ...(perturbed ? [PERTURBATION] : [])];
  if (!cache.holds(entry, edits)) onLoad();
  const began = performance.now();
  const { model: loaded, fresh } = await cache.use(entry, beside, edits);
  if (!fresh) return loaded;
  const { provider, canaryMaxError } = loaded;
  link.post({
    type: 'log',
    level: 'info',
    fields: {
      model: entry.info.name,
      hash: entry.info.hash,
      provider,
      canaryMaxError,
      ms: Math.round(performance.now() - began),
    },
    message: 'model loaded',
  });
  tellLoaded();
  if (edits.length === 0) await learnSharing(loaded);
  return loaded;
}

/** How many people's pictures of this model are best painted together: remembered, or measured behind the first picture. */
async function learnSharing(model: LoadedModel): Promise<void> {
  if (sharing === null) return;
  const known = await sharing.known(model);
  if (known !== null) tellSharing(model, known);
  const isWhole = known?.lanes !== undefined || !mayHaveLanes(model, cache.room());
  if (known === null || !isWhole) enqueue(() => measureSharing(model));
}

async function measureSharing(model: LoadedModel): Promise<void> {
  if (sharing === null || closing || !cache.loaded().includes(model)) return;
  const { name } = model.entry.info;
  try {
    const figures = await sharing.measure(model, cache.room());
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

/** Its runs meet here: in lanes, where those were measured to gain and there is room. */
async function openMeeting(model: LoadedModel): Promise<Meeting> {
  const { lanes, entry } = model;
  const figures = await sharing?.known(model);
  const count = figures?.lanes?.count ?? 0;
  const mayOpen = lanes !== null && !lanes.isBroken() && count * lanes.bytesEach <= cache.room();
  if (!mayOpen || !figures || count === 0) return createMeeting(model);
  return createMeeting(model, {
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

/** The models that are loaded now. */
function tellLoaded(): void {
  const models = cache.loaded().map((each) => ({
    model: each.entry.info.name,
    provider: each.provider,
    canaryMaxError: each.canaryMaxError,
  }));
  link.post({ type: 'loaded', models, evicted: cache.evicted() });
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
        : await modelsFor(request, tellLoading);
    if (among !== null) {
      among.model.resolve(model);
      among.meeting ??= openMeeting(model);
      member = (await among.meeting).join();
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

/** The models of an order, loaded. */
async function modelsFor(
  request: GenerateRequest,
  tellLoading: () => void,
): Promise<{ model: LoadedModel; refiner: LoadedModel | null }> {
  const perturbed = (request.pagScale ?? 0) > 0;
  const uses = promptOf(request).loras;
  const wishes = {
    vae: request.vae ?? null,
    textEncoders: request.textEncoders ?? [],
    tokenizers: request.tokenizers ?? [],
  };
  const model = await use(request.model, tellLoading, { uses, perturbed, wishes });
  const second = request.refiner?.model ?? null;
  const refiner =
    second === null ? null : await use(second, tellLoading, { beside: model, perturbed });
  return { model, refiner };
}

function close(): void {
  if (closing) return;
  closing = true;
  for (const controller of controllers.values()) controller.abort();
  enqueue(async () => {
    await cache?.releaseAll();
    link.post({ type: 'closed' });
    link.unlink();
  });
}
