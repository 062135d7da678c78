import type { EngineLog } from '../../engine/engine.ts';
import { enlargePicture } from '../../engine/picture/enlarge.ts';
import { CancelledError, UserError } from '../../engine/errors.ts';
import { readImageSize } from '../../engine/picture/image.ts';
import { readInfotext } from '../../engine/picture/recipe-texts.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { type Upscalers, upscalerFor } from '../../engine/upscalers.ts';
import { webpCopy } from '../../engine/picture/webp-copy.ts';
import type { Archive } from '../../queue/archive.ts';
import { type CopyTask, workOfCopy } from '../../queue/copy.ts';
import type { Job, StoredResult } from '../../queue/job.ts';
import type { Claim, Line } from '../../queue/line.ts';
import type { PictureStore } from '../../queue/pictures.ts';
import { sayOfQueue } from '../../queue/sentences.ts';
import { StoreError } from './failure.ts';

export type CopyTools = {
  line: Pick<Line, 'measure'>;
  archive: Pick<Archive, 'get'>;
  pictures: PictureStore;
  /** networks that make a picture larger; absent or null: none */
  upscalers?: Upscalers | null;
  log: EngineLog;
};

/** A stored picture: where it lies (null: with the order), and its bytes. */
type Source = { key: string | null; png: Uint8Array; seed: string };

/**
 * Makes the copies of one claimed job and stores what is new of them. @throws UserError where the picture is gone or
 * cannot be copied, StoreError, CancelledError
 */
export async function makeCopies(
  { job, request }: Pick<Claim, 'job' | 'request'>,
  task: CopyTask,
  signal: AbortSignal,
  tools: CopyTools,
): Promise<StoredResult> {
  const began = performance.now();
  const sources = await sourcesOf(task, request, tools);
  goOn(signal);
  const made =
    task.kind === 'upscale'
      ? await upscaled(job, task, request, sources, signal, tools)
      : await originals(job, task, sources, signal, tools);
  const seconds = (performance.now() - began) / 1000;
  await measure(task, made.by, seconds, tools);
  return {
    images: made.images,
    infotext: readInfotext(sources[0]!.png) ?? '',
    provider: 'cpu',
    modelHash: '',
    seconds,
    ...(made.packed.length === 0 ? {} : { drawn: made.packed }),
    copy: { by: made.by, factor: made.factor, files: made.files },
  };
}

type Made = {
  images: StoredResult['images'];
  by: string | null;
  factor: number;
  files: NonNullable<StoredResult['copy']>['files'];
  /** keys of files that were made */
  packed: readonly string[];
};

function goOn(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledError();
}

async function sourcesOf(
  { of, pictures: wanted }: CopyTask,
  { init }: GenerateRequest,
  { archive, pictures }: CopyTools,
): Promise<Source[]> {
  if (of === null) {
    if (init === null) throw new UserError(sayOfQueue('copy-source-gone'));
    return [{ key: null, png: init.image, seed: '0' }];
  }
  const images = (await archive.get(of))?.result?.images ?? [];
  return Promise.all(
    wanted.map(async ({ index }) => {
      const { key, seed = '0' } = images[index] ?? {};
      const png = key === undefined ? null : await pictures.get(key);
      if (key === undefined || png === null) throw new UserError(sayOfQueue('copy-source-gone'));
      return { key, png, seed };
    }),
  );
}

/** By a network where the owner put one into models/upscalers, else by Lanczos; a picture of somebody else always by that. */
async function upscaled(
  job: Job,
  { of }: CopyTask,
  { model }: GenerateRequest,
  [source]: readonly Source[],
  signal: AbortSignal,
  { upscalers = null, pictures }: CopyTools,
): Promise<Made> {
  const { png } = source!;
  const isOurs = of !== null;
  const by = isOurs ? upscalerFor(model, (await upscalers?.names()) ?? []) : null;
  const large =
    upscalers === null || by === null
      ? { png: await enlargePicture(png, { isOurs }), factor: 2 }
      : await upscalers.upscale(by, png, signal);
  goOn(signal);
  const { width, height } = await readImageSize(large.png);
  const key = `${job.id}-0.png`;
  await store(pictures, [{ key, bytes: large.png }]);
  return {
    images: [{ key, seed: source!.seed, width, height }],
    by,
    factor: large.factor,
    files: [],
    packed: [],
  };
}

/** The stored files themselves; one that is too large for its place is packed more tightly, pixel for pixel. */
async function originals(
  job: Job,
  { fileLimit }: CopyTask,
  sources: readonly Source[],
  signal: AbortSignal,
  { pictures }: CopyTools,
): Promise<Made> {
  const files: { of: string; packed: string | null }[] = [];
  const fresh: { key: string; bytes: Uint8Array }[] = [];
  for (const [place, { key, png }] of sources.entries()) {
    goOn(signal);
    const packed =
      png.byteLength <= fileLimit ? null : await webpCopy(png, { quality: 'lossless' });
    const fits = packed !== null && packed.byteLength <= fileLimit;
    const own = fits ? `${job.id}-${place}.webp` : null;
    if (packed !== null && own !== null) fresh.push({ key: own, bytes: packed });
    files.push({ of: key ?? '', packed: own });
  }
  await store(pictures, fresh);
  return { images: [], by: null, factor: 1, files, packed: fresh.map(({ key }) => key) };
}

async function store(
  pictures: PictureStore,
  files: readonly { key: string; bytes: Uint8Array }[],
): Promise<void> {
  try {
    for (const { key, bytes } of files) await pictures.put(key, bytes);
  } catch (error) {
    await Promise.allSettled(files.map(({ key }) => pictures.delete(key)));
    throw new StoreError('a copy could not be stored', { cause: error });
  }
}

/** The next copies are priced by what this one took. */
async function measure(
  task: CopyTask,
  by: string | null,
  seconds: number,
  { line, log }: CopyTools,
): Promise<void> {
  const { model, kind, evaluations, rows, rowPixels } = workOfCopy({ ...task, by });
  if (evaluations === 0) return;
  try {
    await line.measure({
      model,
      kind,
      pixels: rowPixels / rows,
      images: 1,
      guided: false,
      steps: evaluations,
      stepSeconds: seconds / evaluations,
      work: { evaluations, rows, rowPixels, vaePixels: rowPixels, seconds },
      fixedSeconds: 0,
    });
  } catch (error) {
    log.warn({ err: error }, 'the measurement of a copy was not recorded');
  }
}
